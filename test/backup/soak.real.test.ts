import t from 'tap'

import { soak } from '../support/soak.js'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

// soak.long.test.ts has 30 minutes of it.
await t.test(
  '3 min of kill -9, resets, stalls, 503 and an outage lose nothing',
  { timeout: 600_000 },
  async t => {
    await soak(t, 3, SEED)
  },
)
