import { lstatSync, readdirSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { isAside } from '../../cassandra/names.js'
import type { MomentSet } from '../read/moment.js'

import type { LocalDirectory } from './local.js'

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

/** Where a restore that was cut short has put a file that is still in its directory as well; undefined where it has not. */
export async function findLinkAside(directory: string, name: string): Promise<string | undefined> {
  const found = await lstat(join(directory, name), { bigint: true }).catch(() => undefined)
  return found === undefined || found.nlink < 2n ? undefined : findAside(directory, name, found.ino)
}

/**
 * Names of files that a restore which was cut short had moved, but for their names here: those of SSTables without
 * Data.db, which the moment does not have.
 */
export async function halfMoved(local: LocalDirectory, moment: readonly MomentSet[]): Promise<string[]> {
  const named = new Set(moment.map(({ name }) => name))
  const found: string[] = []
  for (const [set, names] of local.sets) {
    if (named.has(set) || names.includes(`${set}-Data.db`)) continue
    for (const name of names) if ((await findLinkAside(local.path, name)) !== undefined) found.push(name)
  }
  return found
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
