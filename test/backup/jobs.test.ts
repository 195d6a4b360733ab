import { existsSync, readSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Directory } from '../../src/backup/directory.js'
import type { Found } from '../../src/backup/found.js'
import { Jobs, type JobsOptions } from '../../src/backup/jobs.js'
import type { OpenSet } from '../../src/backup/open-set.js'
import { Unit } from '../../src/backup/unit.js'
import { gate } from '../support/node.js'
import { BIG, Table } from '../support/table.js'
import { entryOf, turn } from '../support/tracked.js'

interface Running {
  readonly set: string
  readonly open: OpenSet | undefined
  readonly signal: AbortSignal
  readonly end: () => void
}

interface Bench {
  readonly table: Table
  readonly jobs: Jobs
  readonly running: Running[]
  readonly released: string[]
  /** A set that is on the disk, as it is given; `urgent`: it adds. */
  readonly found: (set: string, urgent?: boolean) => Found
}

function bench(t: Test, options: Partial<JobsOptions> = {}): Bench {
  const path = mkdtempSync(join(tmpdir(), 'tablesnap-jobs-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  const table = new Table(path)
  const directory = new Directory(path, new Unit('u', true), '', undefined, { file: () => true })
  const running: Running[] = []
  const released: string[] = []
  const jobs = new Jobs({
    width: 1,
    descriptors: 100,
    work: async ({ group }, open, signal) => {
      const { opened, open: end } = gate()
      running.push({ set: group.name, open, signal, end })
      await opened
    },
    onReleased: ({ group }) => void released.push(group.name),
    isWanted: () => true,
    ...options,
  })
  t.teardown(() => running.forEach(({ end }) => end()))
  const found = (set: string, urgent = false): Found => {
    const names = table.names(set)
    const group = directory.groupOf(`${set}-Data.db`)
    group.urgent = urgent
    return { group, directory: path, names, durable: new Map(), untouched: false }
  }
  return { table, jobs, running, released, found }
}

await t.test('what adds does not wait for what rewrites, and each kind keeps its order', async t => {
  const { table, jobs, running, found } = bench(t)
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big']) table.set(set)
  jobs.add(found('nb-1-big'))
  jobs.add(found('nb-2-big'))
  jobs.add(found('nb-3-big', true))
  jobs.add(found('nb-4-big', true))
  t.same(
    running.map(({ set }) => set),
    ['nb-1-big', 'nb-3-big'],
  )
  running[1]?.end()
  await turn()
  t.same(
    running.map(({ set }) => set),
    ['nb-1-big', 'nb-3-big', 'nb-4-big'],
  )
  running[0]?.end()
  await turn()
  t.equal(running.at(-1)?.set, 'nb-2-big')
})

await t.test('a set that waits is pinned: what Cassandra unlinks can still be read', async t => {
  const { table, jobs, running, found } = bench(t)
  table.set('nb-1-big').set('nb-2-big')
  jobs.add(found('nb-1-big'))
  jobs.add(found('nb-2-big'))
  table.delete('nb-2-big')
  running[0]?.end()
  await turn()
  const { open } = running[1] ?? {}
  t.equal(open?.files.length, BIG.length + 1)
  t.notOk(open?.vanished)
  const data = open?.files.find(({ name }) => name.endsWith('Data.db'))
  const bytes = Buffer.alloc(2_000)
  readSync(data?.fd ?? -1, bytes)
  t.ok(bytes.equals(table.contents.get('nb-2-big-Data.db')!))
})

await t.test('beyond the descriptors sets are opened when their turn comes', async t => {
  const { table, jobs, running, found } = bench(t, { descriptors: 2 * (BIG.length + 1) })
  for (let i = 1; i <= 5; i++) table.set(`nb-${i}-big`)
  for (let i = 1; i <= 3; i++) jobs.add(found(`nb-${i}-big`))
  table.delete('nb-2-big')
  table.delete('nb-3-big')
  running[0]?.end()
  await turn()
  t.equal(running[0]?.open?.files.length, 0, 'closed with the end of its job')
  t.notOk(running[1]?.open?.vanished)
  running[1]?.end()
  await turn()
  t.ok(running[2]?.open?.vanished, 'it was not held')
  running[2]?.end()
  await turn()
  jobs.add(found('nb-4-big'))
  jobs.add(found('nb-5-big'))
  table.delete('nb-5-big')
  running[3]?.end()
  await turn()
  t.notOk(running[4]?.open?.vanished, 'the count of what is held came back to none')
})

await t.test('only what is not durable as it is now is opened', async t => {
  const { table, jobs, running, found } = bench(t)
  table.set('nb-1-big')
  const one = found('nb-1-big')
  const durable = new Map(one.names.map(name => [name, entryOf(join(table.path, name))]))
  table.replace('nb-1-big-Statistics.db', Buffer.from('rewritten'))
  rmSync(join(table.path, 'nb-1-big-Filter.db'))
  jobs.add({ ...one, durable })
  const { open } = running[0] ?? {}
  t.same(
    open?.files.map(({ name }) => name),
    ['nb-1-big-Statistics.db'],
  )
  t.equal(open?.unchanged.length, BIG.length - 1)
  t.notOk(open?.vanished, 'Filter.db is one that a set can do without')
})

await t.test(
  'what holds more disk space than it may is let go: what no state needs first, then the largest',
  async t => {
    const unwanted = new Set(['nb-2-big'])
    const { table, jobs, running, released, found } = bench(t, {
      isWanted: ({ name }) => !unwanted.has(name),
      spaceOf: () => ({ total: 100_000, free: 50_000 }),
    })
    table.set('nb-1-big', { bytes: 1_000, components: ['Data.db'] })
    table.set('nb-2-big', { bytes: 100, components: ['Data.db'] })
    table.set('nb-3-big', { bytes: 3_000, components: ['Data.db'] })
    table.set('nb-4-big', { bytes: 2_000, components: ['Data.db'] })
    const sets = ['nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big'].map(set => found(set))
    for (const one of sets) jobs.add(one)
    const unlink = (i: number) => {
      const { group } = sets[i]!
      table.delete(group.name)
      jobs.unlinked(group)
    }
    unlink(0)
    unlink(1)
    unlink(3)
    t.same(released, [], '5 % of the file system may be held')
    unlink(2)
    t.same(released, ['nb-2-big', 'nb-3-big'])
    t.notOk(running[0]?.signal.aborted, 'what is left may stay')
    running[0]?.end()
    await turn()
    t.equal(running[1]?.set, 'nb-4-big')
    t.equal(running[1]?.open?.files.length, 2)
    t.notOk(existsSync(join(table.path, 'nb-4-big-Data.db')))
  },
)

await t.test(
  'where the disk is nearly full nothing unlinked is held, not even what is being sent',
  async t => {
    const space = { total: 1_000_000, free: 500_000 }
    const { table, jobs, running, released, found } = bench(t, { spaceOf: () => space })
    table.set('nb-1-big').set('nb-2-big')
    const [one, two] = [found('nb-1-big'), found('nb-2-big')]
    jobs.add(one)
    jobs.add(two)
    table.delete('nb-1-big')
    jobs.unlinked(one.group)
    t.notOk(running[0]?.signal.aborted)
    space.free = 10_000
    table.delete('nb-2-big')
    jobs.unlinked(two.group)
    t.ok(running[0]?.signal.aborted)
    t.match(running[0]?.signal.reason, { code: 'RELEASED', message: /nb-1-big .* its disk space is needed/ })
    t.same(released, ['nb-2-big'], 'the one that runs ends by itself')
  },
)
