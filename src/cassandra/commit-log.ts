import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { isAbsent } from '../errors.js'

import { indexOf, tableOfUnit, unitOf } from './unit.js'

/** Segments of the commitlog; up to 1.0 their names have no version. */
export const SEGMENT = /^CommitLog-(\d+-)?\d+\.log$/

/**
 * Commitlog segments that Cassandra replays at its next start, as far as they lie where they do by default: beside the
 * data directory.
 * @param directories that SSTables come into
 * @returns paths
 */
export async function segmentsBeside(directories: readonly string[]): Promise<string[]> {
  const commitlogs = new Set<string>()
  for (const path of directories) {
    if (tableOfUnit(unitOf(path)) !== undefined && indexOf(path) === '')
      commitlogs.add(join(dirname(dirname(dirname(path))), 'commitlog'))
  }
  const found: string[] = []
  for (const path of commitlogs) {
    const names = await readdir(path).catch((error: unknown) => {
      if (isAbsent(error)) return []
      throw error
    })
    found.push(...names.filter(name => SEGMENT.test(name)).map(name => join(path, name)))
  }
  return found.sort()
}
