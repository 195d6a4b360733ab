import t from 'tap'

import { RetentionHistory } from './model/history.js'
import { MUTANTS } from './model/mutants.js'

/** Histories that a mutant may need; most are found by one of the first ten. */
const MOST = Number(process.env['HISTORIES'] ?? 400)

for (const [name, mutation] of Object.entries(MUTANTS)) {
  await t.test(`it is found where ${name}`, async t => {
    for (let seed = 1; seed <= MOST; seed++) {
      const problems = await new RetentionHistory(seed, mutation).run()
      if (problems.length === 0) continue
      t.pass(`seed ${seed}: ${problems[0] ?? ''}`)
      return
    }
    t.fail(`${MOST} histories found nothing`)
  })
}
