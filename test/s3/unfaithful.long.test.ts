import t from 'tap'

import { unfaithfulRun } from '../support/unfaithful-runs.js'

const RUNS = Number(process.env['RUNS'] ?? 1000)
const FIRST = Number(process.env['SEED'] ?? 100)

for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
  await t.test(`answers that cannot be believed, seed ${seed}`, async t => {
    await unfaithfulRun(t, seed)
  })
}
