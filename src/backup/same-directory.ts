import { join } from 'node:path'

import type { Disk } from '../tables/ports.js'
import type { Table } from '../tables/table.js'

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
