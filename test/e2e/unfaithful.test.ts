import t from 'tap'

import { unfaithfulRun } from '../support/unfaithful-runs.js'

// What each seed does is random; the seeds are not, so that a failure can be run again. test/long has a thousand.
for (let seed = 1; seed <= 4; seed++) {
  await t.test(`answers that cannot be believed, seed ${seed}`, async t => {
    await unfaithfulRun(t, seed)
  })
}
