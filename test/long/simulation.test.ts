import t from 'tap'

import { runInProcesses, story } from '../simulation/ranges.js'

const HISTORIES = 1_000_000

await t.test('1,000,000 random histories, other ones each time', { timeout: 0 }, async t => {
  const first = Number(process.env['FIRST'] ?? Math.floor(Math.random() * 1_000_000_000))
  t.comment(`seeds from ${first}`)
  const failures = await runInProcesses(first, HISTORIES, 2)
  t.equal(failures.length, 0, `seeds from ${first}\n${story(failures)}`)
})
