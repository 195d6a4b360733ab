import type { TablesnapError } from '../errors.js'

import type { Listing } from './tree.js'

/** A change of a file. */
export type FileEvent = 'created' | 'closed' | 'moved-in' | 'gone'

/** Who is told what happens in the watched directories. */
export interface WatchListener {
  /** A file in a watched directory. */
  file(directory: string, name: string, event: FileEvent): void
  /**
   * What a directory held after its watch was set.
   * @param reason `start`: it was there when the watcher started; `new`: it came later; `rescan`: events were lost
   * @param isWatched whether events tell of what happens in it
   */
  scanned(directory: string, listing: Listing, reason: ScanReason, isWatched: boolean): void
  /** A directory is there, and cannot be read. */
  denied(directory: string): void
  /** A directory went, or is watched no longer. */
  lost(directory: string): void
  /** The file system of a directory is not mounted now: nobody can say what becomes of its files. */
  hidden(directory: string): void
  /** The paths of hidden directories lead to a mounted file system again, the same one or another; their scans follow. */
  shown(directories: readonly string[]): void
  /** The kernel's queue overflowed: every directory should be scanned again. */
  overflow(): void
}

/** Who tells an operator what is not watched. */
export interface WatchNews {
  /** A name that is not UTF-8, as far as it can be shown. */
  unreadable(directory: string, name: string): void
  /** A symbolic link that leads nowhere. */
  broken(directory: string, name: string): void
  /** A directory that could not be watched or read, or is watched no longer. */
  failed(directory: string, error: TablesnapError): void
  /** A directory came that is not watched, as no new ones are. */
  unwatched(directory: string): void
  /** A path is not there, or went; it is watched once it is there. */
  awaited(path: string): void
  /** A path whose file system was not mounted leads to a mounted one again. */
  mounted(path: string): void
}

export type ScanReason = 'start' | 'new' | 'rescan'
