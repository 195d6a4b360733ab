import t from 'tap'

import { History } from '../../src/manifest/history.js'

import { read } from './cells.js'
import type { Seen } from './judge.js'
import { Random } from './random.js'
import { ReferenceHistory } from './reference-history.js'
import { runHistory, type Outcome } from './run-history.js'
import { SimulatedTable, type SSTable } from './simulated-table.js'

const HISTORIES = 5_000

/** Repeats one history: TABLESNAP_HISTORY_SEED=4711 node dist/test/manifest/lineage-property.test.js */
const only = process.env['TABLESNAP_HISTORY_SEED']
const seeds = only === undefined ? Array.from({ length: HISTORIES }, (_, index) => index + 1) : [Number(only)]

function story(seed: number, { operations, broken, states }: Outcome): string {
  return `seed ${seed}: ${broken ?? ''}\n${operations.join(' ')}\n${states.join('\n')}`
}

await t.test('every restorable state reads as the node did, with rewrites postponed', async t => {
  const kinds = { states: 0, gap: 0, unexplained: 0 }
  for (const seed of seeds) {
    const outcome = runHistory(seed, (newest, scan) => new History<Seen>(newest, scan))
    if (outcome.broken !== undefined) return t.fail(story(seed, outcome))
    for (const state of outcome.states) {
      kinds.states++
      if (/^\S+ true/.test(state)) kinds.gap++
      if (!state.endsWith(' ')) kinds.unexplained++
    }
  }
  t.comment(`seeds ${seeds[0] ?? ''} to ${seeds.at(-1) ?? ''}: ${JSON.stringify(kinds)}`)
  if (only !== undefined) return
  t.ok(kinds.states > 3 * HISTORIES, 'they write states')
  t.ok(kinds.gap > HISTORIES / 5, 'after gaps too')
  t.ok(kinds.unexplained > HISTORIES / 50, 'and after losses')
})

await t.test('the history writes what the plain reading of the rule does', async t => {
  for (const seed of seeds.slice(0, 1000)) {
    const fast = runHistory(seed, (newest, scan) => new History<Seen>(newest, scan))
    const plain = runHistory(seed, (newest, scan) => new ReferenceHistory(newest, scan))
    if (fast.states.join('\n') === plain.states.join('\n')) continue
    return t.same(fast.states, plain.states, story(seed, plain))
  }
  t.pass('state by state')
})

await t.test('a simulated table loses no row and brings none back, and purges', async t => {
  let purged = 0
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed)
    const table = new SimulatedTable(random)
    const ever: SSTable[] = []
    for (let turn = 0; turn < 20; turn++) {
      const set = table.written()
      ever.push(set)
      table.commit(table.begin({ adds: [set], removes: [] }))
      const how = random.pick(['compact', 'garbagecollect', 'anticompact'] as const)!
      const change = table.rewrite(how, random.some(table.idle))
      if (change !== undefined) table.commit(change)
      const expected = read(ever.map(({ cells }) => cells))
      if (read(table.live.map(({ cells }) => cells)) !== expected) return t.fail(`seed ${seed}, turn ${turn}`)
    }
    const keys = new Set(table.live.flatMap(({ cells }) => [...cells.keys()]))
    if (ever.some(({ cells }) => [...cells.keys()].some(key => !keys.has(key)))) purged++
  }
  t.ok(purged > 30, `${purged} of 300 tables have no trace of some row`)
})
