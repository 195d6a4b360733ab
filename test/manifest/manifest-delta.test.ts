import t from 'tap'

import { FullManifest } from '../../src/manifest/manifest-delta.js'
import type { State, StateSet } from '../../src/manifest/state.js'

/** SSTables by number: one that stays the same is the same object. */
const SETS = new Map<number, StateSet>()

function set(i: number): StateSet {
  const known = SETS.get(i) ?? { components: new Map(), corrupt: false, kept: false }
  SETS.set(i, known)
  return known
}

/** A restore point of so many SSTables, after so many compactions that replaced one each. */
function stateOf(sstables: number, replaced: number): State {
  const numbers = Array.from({ length: sstables }, (_, i) => i + replaced)
  return {
    node: 'n',
    epoch: 1,
    unit: '/t',
    time: replaced,
    gap: false,
    unexplained: [],
    sets: new Map(numbers.map(i => [`/t/nb-${i}-big`, set(i)])),
    files: new Map(),
    unprotected: [],
    directories: new Map(),
  }
}

/** Entries that all manifests of a table take while so many compactions replace an SSTable each. */
function entries(sstables: number, changes: number): { entries: number; full: number } {
  let [full, taken] = [0, 0]
  let base: FullManifest | undefined
  for (let change = 0; change <= changes; change++) {
    const state = stateOf(sstables, change)
    const delta = base?.deltaOf(state)
    if (delta === undefined) {
      base = new FullManifest(String(++full), state)
      taken += sstables
    } else {
      base?.wrote(delta)
      taken += delta.state.sets.size + delta.delta.removed.length
    }
  }
  return { entries: taken / changes, full }
}

await t.test('manifests of a table take some 3 √n entries for a change, not n', t => {
  for (const sstables of [400, 1_600, 6_400]) {
    const { entries: each, full } = entries(sstables, 200)
    t.ok(
      each < 3.2 * Math.sqrt(sstables) + sstables / 400,
      `${sstables} SSTables: ${each.toFixed(0)} entries, ${full} full`,
    )
  }
  t.end()
})

await t.test('a small table has a full manifest only when most of it is new', t => {
  t.ok(entries(20, 100).full <= 25)
  t.end()
})
