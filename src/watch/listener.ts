import type { TablesnapError } from '../errors.js'

import type { Listing } from './tree.js'

/** What happened to a file. */
export type FileEvent = 'created' | 'closed' | 'moved-in' | 'gone'

/** Who is told of the watched directories. */
export interface WatchListener {
  /** A file in a watched directory. */
  file(directory: string, name: string, event: FileEvent): void
  /**
   * What a directory held after its watch was set.
   * @param reason `start`: it was there when the watcher started; `new`: it came later; `rescan`: events were lost
   * @param isWatched whether events tell of what happens in it
   */
  scanned(directory: string, listing: Listing, reason: ScanReason, isWatched: boolean): void
  /** A directory went, or is watched no longer. */
  lost(directory: string): void
  /** A name that is not UTF-8, as far as it can be shown. */
  unreadable(directory: string, name: string): void
  /** The kernel's queue overflowed: every directory should be scanned again. */
  overflow(): void
  /** A directory that could not be watched or read. */
  failed(directory: string, error: TablesnapError): void
  /** A directory came that is not watched, as no new ones are. */
  unwatched(directory: string): void
  /** A path is not there, or went; it is watched once it is there. */
  awaited(path: string): void
}

export type ScanReason = 'start' | 'new' | 'rescan'
