import { totalsOf } from './manifest-facts.js'
import type { Delta, State } from './state.js'

/** A manifest written as the difference from a full one. */
export interface WrittenDelta {
  /** Only what differs. */
  readonly state: State
  readonly delta: Delta
}

/** Share of a manifest's SSTables beyond which a delta is no longer worth its base: a restore reads both. */
const DELTA_SHARE = 0.25
const DELTA_LEAST = 16

/**
 * A full manifest that later ones are deltas of. Each names all that has changed since, so that together they would soon take
 * many times the full one: once they have taken as much as the next full one does, that is written. Then a table of n SSTables
 * costs some 2 √n entries for each change.
 */
export class FullManifest {
  /** SSTables and other files that its deltas have named. */
  #taken = 0

  constructor(
    readonly key: string,
    readonly state: State,
  ) {}

  /** A manifest as the difference from this one; undefined where that saves too little. */
  deltaOf(state: State): WrittenDelta | undefined {
    const sets = changes(this.state.sets, state.sets)
    const files = changes(this.state.files, state.files)
    const removed = [...gone(this.state.sets, state.sets), ...gone(this.state.files, state.files)]
    const size = sets.size + files.size + removed.length
    const full = state.sets.size + state.files.size
    if (size > Math.max(DELTA_LEAST, DELTA_SHARE * full)) return undefined
    if (size > DELTA_LEAST && this.#taken + size > full) return undefined
    return { state: { ...state, sets, files }, delta: { base: this.key, removed, totals: totalsOf(state) } }
  }

  /** A delta of it was written. */
  wrote({ state: { sets, files }, delta: { removed } }: WrittenDelta): void {
    this.#taken += sets.size + files.size + removed.length
  }
}

function changes<V>(before: ReadonlyMap<string, V>, after: ReadonlyMap<string, V>): Map<string, V> {
  const changed = new Map<string, V>()
  for (const [path, value] of after) if (before.get(path) !== value) changed.set(path, value)
  return changed
}

function gone(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): string[] {
  return [...before.keys()].filter(path => !after.has(path))
}
