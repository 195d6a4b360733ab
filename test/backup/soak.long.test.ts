import t from 'tap'

import { soak } from '../support/soak.js'

const MINUTES = Number(process.env['MINUTES'] ?? 30)
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const title = `${MINUTES} min of kill -9, resets, stalls, 503 and outages lose nothing`

await t.test(title, { timeout: (MINUTES + 20) * 60_000 }, async t => {
  await soak(t, MINUTES, SEED)
})
