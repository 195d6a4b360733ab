import { join } from 'node:path'

import type { Moment } from '../state/history.js'
import { totalsOf } from '../state/manifest-facts.js'
import { SparseMap } from '../state/sparse.js'
import type { Delta, DirectoryIdentity, Entry, State, StateSet } from '../state/state.js'

import type { Group } from './group.js'
import type { Unit } from './unit.js'

/** What a state is made of beside the unit and the moment. */
export interface Origin {
  readonly node: string
  readonly epoch: number
}

/** Share of a state's sets beyond which a delta is no longer worth its base. */
const DELTA_SHARE = 0.25
const DELTA_LEAST = 16

/** A unit as it was at a moment. */
export function snapshotOf(unit: Unit, moment: Moment<Group>, { node, epoch }: Origin): State {
  const sets = new SparseMap<string, StateSet>()
  for (const { path, stored } of moment.sets) if (stored !== undefined) sets.set(path, stored)
  const unprotected = [
    ...[...unit.foreign].map(directory => join(directory, '*')),
    ...moment.unprotected.map(({ path }) => path),
  ]
  const files = new SparseMap<string, Entry>()
  for (const [path, entry] of unit.keptFiles) files.set(path, entry)
  const directories = new Map<string, DirectoryIdentity>()
  for (const directory of unit.directories.values()) {
    if (directory.identity !== undefined) directories.set(directory.path, directory.identity)
    for (const group of directory.groups.values()) {
      if (group.sstable) continue
      const entry = group.stored?.components.get(group.name)
      if (entry !== undefined) files.set(group.path, entry)
      else if (unit.isUnprotected(group)) unprotected.push(group.path)
    }
  }
  const { time, gap, unexplained } = moment
  unprotected.sort()
  return { node, epoch, unit: unit.name, time, gap, unexplained, sets, files, unprotected, directories }
}

/** Whether a state says nothing that the one before did not. */
export function isSame(a: State, b: State): boolean {
  return (
    sameMap(a.sets, b.sets, sameSet) &&
    sameMap(a.files, b.files, sameEntry) &&
    sameMap(a.directories, b.directories, (x, y) => x.inode === y.inode && x.device === y.device) &&
    sameList(a.unprotected, b.unprotected) &&
    sameList(a.unexplained, b.unexplained) &&
    a.unlisted === b.unlisted &&
    a.epoch === b.epoch
  )
}

/** A state as what is new in it since a full one; undefined where the full one saves too little. */
export function deltaOf(
  base: { key: string; state: State },
  state: State,
): { state: State; delta: Delta } | undefined {
  const sets = changes(base.state.sets, state.sets)
  const files = changes(base.state.files, state.files)
  const removed = [...gone(base.state.sets, state.sets), ...gone(base.state.files, state.files)]
  const size = sets.size + files.size + removed.length
  if (size > Math.max(DELTA_LEAST, DELTA_SHARE * (state.sets.size + state.files.size))) return undefined
  const delta = { base: base.key, removed, totals: totalsOf(state) }
  return { state: { ...state, sets, files }, delta }
}

function changes<V>(before: ReadonlyMap<string, V>, after: ReadonlyMap<string, V>): Map<string, V> {
  const changed = new Map<string, V>()
  for (const [path, value] of after) if (before.get(path) !== value) changed.set(path, value)
  return changed
}

function gone(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): string[] {
  return [...before.keys()].filter(path => !after.has(path))
}

function sameMap<V>(
  a: ReadonlyMap<string, V>,
  b: ReadonlyMap<string, V>,
  same: (x: V, y: V) => boolean,
): boolean {
  if (a.size !== b.size) return false
  for (const [path, value] of a) {
    const other = b.get(path)
    if (other === undefined || (other !== value && !same(value, other))) return false
  }
  return true
}

function sameSet(a: StateSet, b: StateSet): boolean {
  return a.corrupt === b.corrupt && a.kept === b.kept && sameMap(a.components, b.components, sameEntry)
}

function sameEntry(a: Entry, b: Entry): boolean {
  return (
    a.key === b.key && a.crc64 === b.crc64 && a.size === b.size && a.mtime === b.mtime && a.inode === b.inode
  )
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
