import t from 'tap'

import { runInProcesses, story } from './ranges.js'

/** SEEDS=50000 runs fewer of them; FIRST goes on where a run was cut off. */
const count = Number(process.env['SEEDS'] ?? 1_000_000)
const first = Number(process.env['FIRST'] ?? Math.floor(Math.random() * 1_000_000_000))

/** Seeds between two lines that say how far the test is. */
const STEP = 20_000

t.setTimeout(0)

await t.test(`${count} random histories, other ones each time`, async t => {
  const end = first + count
  const failures: string[] = []
  const began = performance.now()
  for (let from = first; from < end; from += STEP) {
    failures.push(...(await runInProcesses(from, Math.min(STEP, end - from), 2)))
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    const next = Math.min(from + STEP, end)
    t.comment(
      `seeds ${first} to ${next - 1}: ${failures.length} went wrong, ${seconds} s; FIRST=${next} goes on`,
    )
  }
  t.equal(failures.length, 0, `seeds from ${first}\n${story(failures)}`)
})
