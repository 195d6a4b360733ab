import t from 'tap'

import { outageRun } from '../support/outage-run.js'

// long-outage.long.test.ts has the outage of ten minutes with 50,000 files.
await t.test('S3 is away for 20 s while Cassandra writes 4,000 files', async t => {
  await outageRun(t, { seconds: 20, files: 4_000 })
})
