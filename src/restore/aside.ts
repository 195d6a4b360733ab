import { lstat, readdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { isAside } from '../sstable/names.js'

/**
 * Where a restore moved a file that is no longer in its directory: `<base>/.tablesnap-replaced-<time>/<path from base>`,
 * the base being the directory itself or one above it. It is the same file, so its inode tells it from another of its name.
 * @param directory absolute; where the file was
 * @returns its path; undefined when no restore moved it
 */
export async function findAside(directory: string, name: string, inode: bigint): Promise<string | undefined> {
  for (let base = directory; ; base = dirname(base)) {
    const names = await readdir(base).catch(() => [])
    for (const aside of names.filter(isAside)) {
      const path = join(base, aside, relative(base, directory), name)
      const found = await lstat(path, { bigint: true }).catch(() => undefined)
      if (found?.ino === inode) return path
    }
    if (base === dirname(base)) return undefined
  }
}
