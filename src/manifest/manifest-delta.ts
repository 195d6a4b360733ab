import { totalsOf } from './manifest-facts.js'
import type { Delta, State } from './state.js'

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
