import { statSync } from 'node:fs'
import { join } from 'node:path'

import type { Disk, FileIdentity } from '../tables/ports.js'
import type { Table } from '../tables/table.js'

/** The identity of a file that cannot be looked at: no file that can be has it. */
const UNKNOWN: FileIdentity = { size: -1, mtime: 0n, inode: 0n }

export function sameIdentity(a: FileIdentity | undefined, b: FileIdentity): boolean {
  return a !== undefined && a.size === b.size && a.mtime === b.mtime && a.inode === b.inode
}

/**
 * The identity of the file under a path, symbolic links followed; undefined when there is none, or no regular one. A file
 * that cannot be looked at counts as being there: whoever opens it gets the error.
 */
export function identify(path: string): FileIdentity | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stat?.isFile() === true
      ? { size: Number(stat.size), mtime: stat.mtimeNs, inode: stat.ino }
      : undefined
  } catch {
    return UNKNOWN
  }
}

/** Whether a path leads to a file that has other names, too. */
export function isHardlink(path: string): boolean {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat?.isFile() === true && stat.nlink > 1
  } catch {
    return false
  }
}

/**
 * Whether a directory of a table is the one that was scanned last. The device number of its file system changes when that is
 * mounted again: then a file that is the same tells that the file system is.
 */
export function isSameDirectory(table: Table, directory: string, disk: Disk): boolean {
  const before = table.directories.get(directory)?.identity
  const now = disk.directory(directory)
  if (before === undefined || now?.inode !== before.inode) return false
  if (now.device === before.device) return true
  let hasFiles = false
  for (const files of table.files()) {
    if (files.directory !== directory || files.inode === undefined) continue
    hasFiles = true
    if (disk.file(join(directory, files.main))?.inode === files.inode) return true
  }
  return !hasFiles
}
