import type { Delta, Entry, State, StateSet } from '../state/state.js'

/** A full manifest that later ones are deltas of. */
export interface ManifestBase {
  readonly key: string
  readonly state: State
}

/** Share of a manifest's SSTables beyond which a delta is no longer worth its base. */
const DELTA_SHARE = 0.25
const DELTA_LEAST = 16

/** A manifest as the difference from a full one; undefined where that saves too little. */
export function deltaOf(base: ManifestBase, state: State): { state: State; delta: Delta } | undefined {
  const sets = changes(base.state.sets, state.sets)
  const files = changes(base.state.files, state.files)
  const removed = [...gone(base.state.sets, state.sets), ...gone(base.state.files, state.files)]
  const size = sets.size + files.size + removed.length
  if (size > Math.max(DELTA_LEAST, DELTA_SHARE * (state.sets.size + state.files.size))) return undefined
  return { state: { ...state, sets, files }, delta: { base: base.key, removed } }
}

/** Whether two manifests say the same but for their time and their upstream listings. */
export function isSame(a: State, b: State): boolean {
  return (
    sameMap(a.sets, b.sets, sameSet) &&
    sameMap(a.files, b.files, sameEntry) &&
    sameMap(a.directories, b.directories, (x, y) => x.inode === y.inode && x.device === y.device) &&
    sameList(a.unprotected, b.unprotected) &&
    sameList(a.unexplained, b.unexplained) &&
    a.epoch === b.epoch
  )
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
