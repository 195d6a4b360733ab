import t from 'tap'

import { outageRun } from '../support/outage-run.js'

await t.test('S3 is away for 10 min while Cassandra writes 50,000 files', { timeout: 2_400_000 }, async t => {
  await outageRun(t, { seconds: 600, files: 50_000 })
})
