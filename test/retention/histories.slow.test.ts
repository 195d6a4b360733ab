import t from 'tap'

import { RetentionHistory } from './model/history.js'

const COUNT = Number(process.env['HISTORIES'] ?? 120)
const SEED = Number(process.env['SEED'] ?? 1)

await t.test(`${COUNT} random histories lose nothing that is kept, and keep nothing that may go`, async t => {
  let deleted = 0
  for (let seed = SEED; seed < SEED + COUNT; seed++) {
    const history = new RetentionHistory(seed)
    const problems = await history.run()
    deleted += history.deleted
    if (problems.length > 0) {
      t.same(problems.slice(0, 5), [], `seed ${seed}`)
      return
    }
  }
  t.ok(deleted > COUNT, `${deleted} objects were deleted`)
})
