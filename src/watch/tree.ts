import { existsSync, readdirSync, statSync, type Dirent } from 'node:fs'
import { join } from 'node:path'

/** A directory's entries by kind. */
export interface Listing {
  readonly files: string[]
  readonly directories: string[]
  /** Names that are not UTF-8, as far as they can be shown. */
  readonly unreadable: string[]
}

/**
 * Reads a directory. Symbolic links to files count as files, those to directories are not followed, as pyinotify does not.
 * @throws ErrnoException
 */
export function readTree(directory: string): Listing {
  const listing: Listing = { files: [], directories: [], unreadable: [] }
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    // A name that is not UTF-8 comes with replacement characters, and no file can be opened by it.
    if (entry.name.includes('\ufffd') && !existsSync(join(directory, entry.name)))
      listing.unreadable.push(entry.name)
    else if (entry.isDirectory()) listing.directories.push(entry.name)
    else if (isFile(entry, directory)) listing.files.push(entry.name)
  }
  return listing
}

function isFile(entry: Dirent, directory: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile()
  try {
    return statSync(join(directory, entry.name), { throwIfNoEntry: false })?.isFile() === true
  } catch {
    // Whoever opens it gets the error.
    return true
  }
}
