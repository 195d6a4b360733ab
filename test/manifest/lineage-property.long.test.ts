import t from 'tap'

import { History } from '../../src/manifest/history.js'
import type { Seen } from './judge.js'
import { runHistory } from './run-history.js'

const HISTORIES = 100_000

await t.test('100,000 histories, other ones each time', async t => {
  const first = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seeds from ${first}`)
  let states = 0
  for (let seed = first; seed < first + HISTORIES; seed++) {
    const { broken, operations, states: written } = runHistory(seed, (n, scan) => new History<Seen>(n, scan))
    states += written.length
    if (broken !== undefined)
      return t.fail(
        `TABLESNAP_HISTORY_SEED=${seed} node dist/test/manifest/lineage-property.test.js: ${broken}\n${operations.join(' ')}`,
      )
  }
  t.ok(states > HISTORIES, `${states} states`)
})
