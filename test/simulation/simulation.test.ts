import t from 'tap'

import { runInProcesses, story } from './ranges.js'

/** How many histories. SEEDS=100000 runs more of them; FIRST=4711 SEEDS=1 runs that one alone. */
const count = Number(process.env['SEEDS'] ?? 1_100)
const first = Number(process.env['FIRST'] ?? 1)

await t.test('every restore point of random histories says what was true', async t => {
  const failures = await runInProcesses(first, count, 2)
  t.equal(failures.length, 0, `${count} histories from seed ${first}\n${story(failures)}`)
})
