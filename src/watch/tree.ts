import { existsSync, readdirSync, statSync, type Dirent, type Stats } from 'node:fs'
import { join } from 'node:path'

import { errorCode } from '../errors.js'

/** A directory's entries by kind. */
export interface Listing {
  readonly files: string[]
  readonly directories: string[]
  /** The `directories` that are symbolic links. */
  readonly links: string[]
  /** Symbolic links to nothing, or to themselves. */
  readonly broken: string[]
  /** Names that are not UTF-8, as far as they can be shown. */
  readonly unreadable: string[]
}

/**
 * Reads a directory. Symbolic links count as what they lead to, as they do for Cassandra.
 * @throws ErrnoException
 */
export function readTree(directory: string): Listing {
  const listing: Listing = { files: [], directories: [], links: [], broken: [], unreadable: [] }
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const { name } = entry
    // A name that is not UTF-8 comes with replacement characters, and no file can be opened by it.
    if (name.includes('\ufffd') && !existsSync(join(directory, name))) listing.unreadable.push(name)
    else if (entry.isDirectory()) listing.directories.push(name)
    else if (entry.isSymbolicLink()) addLink(listing, entry, directory)
    else if (entry.isFile()) listing.files.push(name)
  }
  return listing
}

function addLink(listing: Listing, { name }: Dirent, directory: string): void {
  let target: Stats | undefined
  try {
    target = statSync(join(directory, name), { throwIfNoEntry: false })
  } catch (error) {
    // Whoever opens it gets any other error.
    if (errorCode(error) === 'ELOOP') listing.broken.push(name)
    else listing.files.push(name)
    return
  }
  if (target === undefined) listing.broken.push(name)
  else if (target.isFile()) listing.files.push(name)
  else if (target.isDirectory()) {
    listing.directories.push(name)
    listing.links.push(name)
  }
}
