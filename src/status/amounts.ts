import type { State } from '../manifest/state.js'

import type { Amount } from './status.js'

/** SSTables that are summed up at once: more would keep the thread from transaction logs, which live for some 50 ms. */
const SLICE = 5_000

const amounts = new WeakMap<State, Amount>()

/** Of restore points that are being summed up: the amount of the table's restore point before. */
const pending = new WeakMap<State, Amount>()

/** The last amount of each table. */
const last = new Map<string, Amount>()

/**
 * How much a restore point names. It is counted once for each restore point; one of very many SSTables is counted in slices, and has the amount
 * of the one before it until that is done.
 */
export function amountOf(state: State): Amount {
  const known = amounts.get(state) ?? pending.get(state)
  if (known !== undefined) return known
  const before = last.get(state.unit) ?? { sstables: state.sets.size, bytes: 0 }
  pending.set(state, before)
  void sum(state)
  return amounts.get(state) ?? before
}

/** Runs to its end at once unless there are more SSTables than fit into a slice. */
async function sum(state: State): Promise<void> {
  let [bytes, count] = [0, 0]
  for (const { components } of state.sets.values()) {
    for (const { size } of components.values()) bytes += size
    if (++count % SLICE === 0) await new Promise(resolve => setImmediate(resolve))
  }
  for (const { size } of state.files.values()) bytes += size
  const amount = { sstables: state.sets.size, bytes }
  amounts.set(state, amount)
  last.set(state.unit, amount)
}
