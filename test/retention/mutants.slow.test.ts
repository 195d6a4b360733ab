import t from 'tap'

import { RetentionHistory } from './model/history.js'
import { MUTANTS, RACES } from './model/mutants.js'
import { ReturnWithinTheMinute } from './model/race.js'

/** Histories that a mutant may need; most are found by one of the first ten. */
const MOST = Number(process.env['HISTORIES'] ?? 100)

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

await t.test('an SSTable that comes back within the minute of a plan is never lost', async t => {
  t.same(await new ReturnWithinTheMinute().whileChopping(), [])
  t.same(await new ReturnWithinTheMinute().anHourBefore(), [])
})

await t.test('it would be, if a plan were carried out at once', async t => {
  const race = new ReturnWithinTheMinute(RACES['a plan is carried out at once'])
  t.match(await race.whileChopping(), [/has lost .*nb-1-big-Data.db/])
})

await t.test('it would be, if restore points that came after the plan did not count', async t => {
  const race = new ReturnWithinTheMinute(RACES['restore points that came after the plan do not count'])
  t.match(await race.anHourBefore(), [/has lost .*nb-1-big-Data.db/])
})
