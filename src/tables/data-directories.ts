import { dirname } from 'node:path'

import { sameIdentity } from '../cassandra/file-identity.js'
import type { DirectoryIdentity, State } from '../manifest/state.js'

import type { Disk } from './ports.js'

/**
 * Whether the path of a data directory leads to the one that a manifest means. Devices are numbered anew when the machine
 * starts, or a volume is attached elsewhere: then a file that is the same tells that the disk is.
 */
export function isSameDataDirectory(
  path: string,
  newest: State,
  disk: Disk,
  now = disk.directory(path),
): boolean {
  const before = newest.directories.get(path)
  if (before === undefined || now?.inode !== before.inode) return false
  return now.device === before.device || sharesFile(path, newest, disk)
}

/** Whether a path leads to a directory that is watched under another one, by a symbolic link or a bind mount. */
export function isKnownElsewhere(
  path: string,
  watched: Iterable<{ readonly identity: DirectoryIdentity | undefined }>,
  disk: Disk,
): boolean {
  const now = disk.directory(path)
  if (now === undefined) return false
  for (const { identity } of watched)
    if (identity?.device === now.device && identity.inode === now.inode) return true
  return false
}

function sharesFile(path: string, state: State, disk: Disk): boolean {
  let hasFiles = false
  for (const [set, { components }] of state.sets) {
    const data = dirname(set) === path ? components.get('Data.db') : undefined
    if (data === undefined) continue
    hasFiles = true
    if (sameIdentity(disk.file(`${set}-Data.db`), data)) return true
  }
  return !hasFiles
}
