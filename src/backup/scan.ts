import { join } from 'node:path'

import { TablesnapError, errorCode, errorMessage } from '../errors.js'
import type { Filter } from '../plan/filter.js'
import { readTree, type Listing } from '../watch/tree.js'
import type { WatchListener } from '../watch/watcher.js'

/** How far a scan goes, and which one it is. */
export interface ScanOptions {
  readonly recursive: boolean
  readonly reason: 'start' | 'rescan'
}

/** Shows a listener what lies below a path, without watching it: a one-shot backup. */
export function scan(path: string, options: ScanOptions, filter: Filter, listener: WatchListener): void {
  let listing: Listing
  try {
    listing = readTree(path)
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') listener.failed(path, unreadable(path, cause))
    return
  }
  for (const name of listing.unreadable) listener.unreadable(path, name)
  listener.scanned(path, listing, options.reason)
  if (!options.recursive) return
  for (const name of listing.directories) {
    const below = join(path, name)
    if (!filter.skips(below)) scan(below, options, filter, listener)
  }
}

function unreadable(path: string, cause: unknown): TablesnapError {
  const message =
    errorCode(cause) === 'EACCES'
      ? `${path} cannot be read by this user: run tablesnap as Cassandra's user or root`
      : `cannot read ${path}: ${errorMessage(cause)}`
  return new TablesnapError({ code: 'PATH_UNREADABLE', message, operation: 'scan', path, cause })
}
