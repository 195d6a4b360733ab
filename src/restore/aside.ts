import { lstatSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

import { isAside } from '../sstable/names.js'

/**
 * Where a restore moved a file that is no longer in its directory: `<base>/.tablesnap-replaced-<time>/<path from base>`,
 * the base being the directory itself or one above it. It is the same file, so its inode tells it from another of its name.
 * @param directory absolute; where the file was
 * @returns its path; undefined when no restore moved it
 */
export function findAside(directory: string, name: string, inode: bigint): string | undefined {
  for (let base = directory; ; base = dirname(base)) {
    for (const aside of namesIn(base).filter(isAside)) {
      const path = join(base, aside, relative(base, directory), name)
      if (inodeOf(path) === inode) return path
    }
    if (base === dirname(base)) return undefined
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function inodeOf(path: string): bigint | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino
  } catch {
    return undefined
  }
}
