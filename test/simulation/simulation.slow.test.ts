import t from 'tap'

import { runInProcesses, story } from './ranges.js'

/** The seeds up to here are those of test/simulation. */
const FIRST = 1_101
const LAST = 20_000

await t.test(`every restore point of ${LAST} random histories says what was true`, async t => {
  const failures = await runInProcesses(FIRST, LAST - FIRST + 1, 2)
  t.equal(failures.length, 0, story(failures))
})
