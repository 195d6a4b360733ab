import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

import { errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'
import { parseComponent } from '../sstable/names.js'

import { identify, sameIdentity } from './found.js'
import type { Group } from './group.js'
import type { Unit } from './unit.js'

/**
 * Marks what may be unlinked once a state names it: whole sets, and files of no set, that lie there as they went up.
 * @param sets those of the state
 */
export function keep(unit: Unit, sets: ReadonlySet<Group>): Group[] {
  const leaving: Group[] = []
  for (const directory of unit.directories.values()) {
    const names = namesBySet(directory.path)
    for (const group of directory.groups.values()) {
      const { stored, state, sstable } = group
      if (state !== 'done' || stored === undefined || (sstable && !sets.has(group))) continue
      // Components that are not backed up make a set that must not be torn apart.
      const all = sstable ? (names.get(group.name) ?? []) : [group.name]
      if (!all.every(name => isAsUploaded(group, name))) continue
      const entry = stored.components.get(group.name)
      if (sstable) {
        group.stored = { ...stored, kept: true }
        unit.kept.set(group.path, group)
      } else if (entry !== undefined) unit.keptFiles.set(group.path, entry)
      leaving.push(group)
    }
  }
  return leaving
}

/** Unlinks what {@link keep} marked. @returns what is left on the disk */
export function deleteSets(
  unit: Unit,
  leaving: readonly Group[],
  log: Logger,
  onProblem: (path: string, message: string) => void,
): Group[] {
  const left: Group[] = []
  for (const group of leaving) {
    const { directory, path, names } = group
    const here = directory.groups.get(group.name) === group
    if (!here || ![...names].every(name => isAsUploaded(group, name))) {
      left.push(group)
      unit.keptFiles.delete(path)
      continue
    }
    try {
      for (const name of dataFirst([...names])) unlinkSync(join(directory.path, name))
      log.info(`Deleted ${path}: it is in the bucket`, { path })
    } catch (error) {
      left.push(group)
      unit.keptFiles.delete(path)
      onProblem(path, `${path} is in the bucket but cannot be deleted: ${errorMessage(error)}`)
    }
  }
  return left
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

function isAsUploaded(group: Group, name: string): boolean {
  const identity = identify(join(group.directory.path, name))
  return identity !== undefined && sameIdentity(group.durable.get(name), identity)
}

/** Without Data.db Cassandra takes the rest for leftovers, and removes it. */
function dataFirst(names: readonly string[]): string[] {
  return [...names].sort((a, b) => Number(b.endsWith('-Data.db')) - Number(a.endsWith('-Data.db')))
}
