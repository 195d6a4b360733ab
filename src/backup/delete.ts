import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

import { errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'
import { parseComponent } from '../sstable/names.js'

import type { Directory } from './directory.js'
import { identify, sameIdentity } from './found.js'
import type { Unit } from './unit.js'

/**
 * Unlinks the units that are in the bucket: sets as a whole, and only as they went up.
 * @returns the names that are gone
 */
export function deleteUnits(
  directory: Directory,
  units: readonly Unit[],
  log: Logger,
  onProblem: (path: string, message: string) => void,
): string[] {
  const sets = namesBySet(directory.path)
  const gone: string[] = []
  for (const unit of units) {
    // Components that are not backed up make a set that must not be torn apart.
    const names = unit.sstable ? (sets.get(unit.name) ?? []) : [...unit.names]
    if (unit.state !== 'done' || !names.every(name => isAsUploaded(directory, unit, name))) continue
    try {
      for (const name of dataFirst(names)) {
        unlinkSync(join(directory.path, name))
        gone.push(name)
      }
      directory.units.delete(unit.name)
      log.info(`Deleted ${join(directory.path, unit.name)}: it is in the bucket`)
    } catch (error) {
      const path = join(directory.path, unit.name)
      onProblem(path, `${path} is in the bucket but cannot be deleted: ${errorMessage(error)}`)
    }
  }
  return gone
}

function namesBySet(directory: string): Map<string, string[]> {
  const sets = new Map<string, string[]>()
  for (const name of readdirSync(directory)) {
    const set = parseComponent(name)?.set
    const names = set === undefined ? undefined : sets.get(set)
    if (names !== undefined) names.push(name)
    else if (set !== undefined) sets.set(set, [name])
  }
  return sets
}

function isAsUploaded(directory: Directory, unit: Unit, name: string): boolean {
  const identity = identify(join(directory.path, name))
  return identity !== undefined && sameIdentity(unit.durable.get(name), identity)
}

/** Without Data.db Cassandra takes the rest for leftovers, and removes it. */
function dataFirst(names: readonly string[]): string[] {
  return [...names].sort((a, b) => Number(b.endsWith('-Data.db')) - Number(a.endsWith('-Data.db')))
}
