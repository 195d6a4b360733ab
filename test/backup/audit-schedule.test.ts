import t from 'tap'

import { AuditSchedule } from '../../src/backup/audit-schedule.js'
import type { Since } from '../../src/backup/object-audit.js'
import { TablesnapError } from '../../src/errors.js'
import type { State, StateSet } from '../../src/manifest/state.js'
import { VirtualTime } from '../support/virtual-time.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function stateOf(unit: string, sstables: number): State {
  const set: StateSet = { components: new Map(), corrupt: false, kept: false }
  const sets = new Map(Array.from({ length: sstables }, (_, n) => [`/${unit}/nb-${n}-big`, set]))
  const nothing = { files: new Map(), unexplained: [], unprotected: [], directories: new Map() }
  return { node: 'node1', epoch: 1, unit, time: 1, gap: false, sets, ...nothing }
}

/** A schedule over tables with so many SSTables each; `runs` has the units of each group, and when it was compared, hours. */
function bench(sizes: Readonly<Record<string, number>>, { isOneShot = false } = {}) {
  const time = new VirtualTime()
  const tables = Object.entries(sizes).map(([name, size]) => ({ name, newest: stateOf(name, size) }))
  const runs: { hour: number; units: string[]; since: (Since | undefined)[] }[] = []
  const problems: string[] = []
  const failures: Error[] = []
  const fenced: unknown[] = []
  const schedule = new AuditSchedule(
    {
      run: async audited => {
        runs.push({
          hour: time.now() / HOUR,
          units: audited.map(({ state }) => state.unit),
          since: audited.map(({ since }) => since),
        })
        await Promise.resolve()
        const failure = failures.shift()
        if (failure !== undefined) throw failure
      },
    },
    time,
    { problem: (_, message) => void problems.push(message), solved: () => void problems.push('solved') },
    {
      isOneShot,
      tables: () => tables,
      clock: () => time.now(),
      whenLoaded: () => Promise.resolve(),
      onFenced: error => fenced.push(error),
    },
  )
  const addAll = () => {
    for (const { newest } of tables) schedule.add(newest, -1)
  }
  return { time, schedule, runs, problems, failures, fenced, addAll }
}

await t.test('what a run finds is compared at once, neighbours together', async t => {
  const { schedule, runs, addAll, problems } = bench({ c: 600, a: 600, b: 600, d: 5_000, e: 1 })
  addAll()
  t.notOk(schedule.isIdle)
  await schedule.whenIdle()
  t.same(
    runs.map(({ units }) => units),
    [['a', 'b', 'c'], ['d'], ['e']],
  )
  t.ok(schedule.isIdle)
  t.ok(problems.every(message => message === 'solved'))
})

await t.test('a daemon compares each table once a day, spread over the day', async t => {
  const { time, schedule, runs } = bench({ a: 1_250, b: 1_250, c: 1_250, d: 1_250, none: 0 })
  schedule.startRounds()
  await time.pass(2 * DAY + HOUR)
  schedule.stop()
  t.same(
    runs.map(({ hour, units }) => [Math.round(hour), ...units]),
    [6, 12, 18, 24, 24, 30, 36, 42, 48, 48].map((hour, n) => [hour, ['a', 'b', 'c', 'd', 'none'][n % 5]]),
  )
})

await t.test('a daemon without tables asks for them again', async t => {
  const { time, schedule, runs } = bench({})
  schedule.startRounds()
  await time.pass(DAY)
  t.same(runs.length, 0)
  schedule.stop()
})

await t.test('a failure ends the comparison, and a daemon begins it again after a growing pause', async t => {
  const { time, schedule, runs, problems, failures, addAll } = bench({
    a: 2_000,
    b: 2_000,
    c: 2_000,
    d: 2_000,
    e: 2_000,
  })
  const down = new Error('the server is away')
  failures.push(down, down, down, down, down)
  addAll()
  await time.pass(0)
  t.equal(runs.length, 4, 'the fifth is not asked for')
  t.match(problems.at(-1), /newest restore points of 5 tables name: the server is away$/)
  await time.pass(60_000)
  t.equal(runs.length, 8, 'the fifth failure')
  await time.pass(HOUR)
  t.equal(problems.at(-1), 'solved')
  t.ok(schedule.isIdle)
  schedule.stop()
})

await t.test('the end of an outage ends the pause', async t => {
  const { time, schedule, runs, problems, failures, addAll } = bench({ a: 1, b: 1 })
  failures.push(new Error('the server is away'))
  addAll()
  await time.pass(0)
  schedule.retry()
  await schedule.whenIdle()
  t.same(
    runs.map(({ units }) => units),
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  )
  t.equal(problems.at(-1), 'solved')
  schedule.retry()
  await time.pass(HOUR)
  t.equal(runs.length, 2, 'nothing is left')
  schedule.stop()
})

await t.test('a run that ends tells what it could not compare, and goes on', async t => {
  const { time, schedule, runs, problems, failures, addAll } = bench({ a: 1 }, { isOneShot: true })
  failures.push(new Error('403 AccessDenied'))
  addAll()
  await schedule.whenIdle()
  await time.pass(DAY)
  t.equal(runs.length, 1)
  t.match(problems, [/newest restore points of 1 table name: 403 AccessDenied$/])
})

await t.test('another writer ends it', async t => {
  const { schedule, runs, problems, failures, fenced, addAll } = bench({ a: 2_000, b: 2_000 })
  failures.push(new TablesnapError({ code: 'FENCED', message: 'taken over' }))
  addAll()
  await schedule.whenIdle()
  t.equal(fenced.length, 1)
  t.equal(runs.length, 2)
  t.notMatch(problems, [/taken over/])
})

await t.test(
  'objects must not be younger than the newest manifest, then than the last comparison',
  async t => {
    const { time, schedule, runs, failures, addAll } = bench({ a: 1 })
    failures.push(new Error('the server is away'))
    addAll()
    schedule.startRounds()
    await time.pass(2 * DAY + HOUR)
    schedule.stop()
    t.same(
      runs.map(({ since }) => since[0]),
      [
        { time: -1, grace: 0 },
        { time: -1, grace: 0 },
        { time: 60_000, grace: HOUR },
        { time: DAY, grace: HOUR },
      ],
    )
  },
)
