import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { OpenFiles } from '../../src/backup/open-files.js'
import type { Uploads } from '../../src/backup/ports.js'
import { UploadQueue, type QueueSettings } from '../../src/backup/upload-queue.js'
import { TablesnapError } from '../../src/errors.js'
import type { Ready, UploadResult } from '../../src/tables/ports.js'
import { TableFiles } from '../../src/tables/table-files.js'
import type { Table as TableCore } from '../../src/tables/table.js'
import { BIG, Table } from '../support/table.js'
import { entryOf } from '../support/tracked.js'
import { VirtualTime } from '../support/virtual-time.js'

interface Running {
  readonly name: string
  readonly open: OpenFiles
  readonly signal: AbortSignal
  readonly end: (result?: UploadResult) => void
}

const DONE: UploadResult = { durable: new Map(), names: [], next: 'done' }

/** What a descriptor of this process refers to; empty: it is closed. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

function bench(t: Test, settings: Partial<QueueSettings> = {}) {
  const path = mkdtempSync(join(tmpdir(), 'tablesnap-queue-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  const table = new Table(path)
  const time = new VirtualTime()
  const running: Running[] = []
  const unopened: string[] = []
  const ended: string[] = []
  const unwanted = new Set<string>()
  const originals = new Map<TableFiles, TableFiles>()
  const uploads: Uploads<OpenFiles> = {
    pin: ready => new OpenFiles(ready),
    upload: async (open, { files }, signal) =>
      await new Promise<UploadResult>(resolve => {
        running.push({ name: files.name, open, signal, end: (result = DONE) => resolve(result) })
      }),
    unopened: ({ files }) => void unopened.push(files.name),
  }
  const all = { width: 1, descriptors: 100, ...settings }
  const queue = new UploadQueue(uploads, { comingOriginal: files => originals.get(files) }, time, all)
  const core = {
    name: 'ks/t',
    isWanted: ({ name }: TableFiles) => !unwanted.has(name),
    uploaded: ({ name }: TableFiles, { next }: UploadResult) => void ended.push(`${name} ${next}`),
  } as unknown as TableCore
  /** An SSTable that is on the disk, as it is ordered; `isUrgent`: it only adds. */
  const ready = (set: string, isUrgent = false, directory = table): Ready => {
    const files = new TableFiles(directory.path, set, true, '', 0)
    if (isUrgent) files.commit(true)
    return { files, names: directory.names(set), durable: new Map(), isUntouched: false }
  }
  const add = async (...all: Ready[]) => {
    for (const one of all) queue.add(core, one)
    await time.pass(0)
  }
  const end = async (i: number, result?: UploadResult) => {
    running[i]?.end(result)
    await time.pass(0)
  }
  return { table, time, queue, core, running, unopened, ended, unwanted, originals, ready, add, end }
}

await t.test('urgent SSTables wait for no others, and each lane keeps its order', async t => {
  const { table, running, ready, add, end, ended } = bench(t)
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big']) table.set(set)
  await add(ready('nb-1-big'), ready('nb-2-big'), ready('nb-3-big', true), ready('nb-4-big', true))
  t.same(
    running.map(({ name }) => name),
    ['nb-3-big', 'nb-1-big'],
  )
  await end(0)
  t.equal(running[2]?.name, 'nb-4-big')
  await end(1)
  t.equal(running.at(-1)?.name, 'nb-2-big')
  t.same(ended, ['nb-3-big done', 'nb-1-big done'])
})

await t.test('what Cassandra has deleted comes after what is on the disk', async t => {
  const { table, queue, running, ready, add, end } = bench(t)
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big']) table.set(set)
  const [first, second, third, fourth] = [1, 2, 3, 4].map(number => ready(`nb-${number}-big`))
  if (first === undefined || second === undefined || third === undefined || fourth === undefined) return
  await add(first, second, third)
  table.delete('nb-2-big')
  queue.unlinked(second.files)
  await add(fourth)
  for (const i of [0, 1, 2]) await end(i)
  t.same(
    running.map(({ name }) => name),
    ['nb-1-big', 'nb-3-big', 'nb-4-big', 'nb-2-big'],
  )
})

await t.test(
  'nothing is told to a table before the call in which it gave the order has returned',
  async t => {
    const { table, queue, core, ready, ended, time } = bench(t)
    const one = ready('nb-1-big')
    table.set('nb-1-big')
    const names = table.names('nb-1-big')
    table.delete('nb-1-big')
    queue.add(core, { ...one, names })
    t.same(ended, [])
    await time.pass(0)
    t.same(ended, ['nb-1-big gone'])
    t.equal(queue.superseded, BIG.length + 1)
  },
)

await t.test('while the server is away nothing is held open that waits and is on the disk', async t => {
  let isAway = false
  const { table, queue, running, ready, add, end, ended } = bench(t, { isServerAway: () => isAway })
  for (const number of [1, 2, 3, 4, 5]) table.set(`nb-${number}-big`)
  const [first, second, third, fourth, fifth] = [1, 2, 3, 4, 5].map(number => ready(`nb-${number}-big`))
  const open = (): number =>
    readdirSync('/proc/self/fd').filter(fd => linkOf(fd).startsWith(`${table.path}/`)).length
  await add(first!, second!, third!)
  table.delete('nb-3-big')
  queue.unlinked(third!.files)
  t.equal(open(), 3 * 8)
  isAway = true
  queue.serverIsAway()
  t.equal(open(), 2 * 8, 'the running one, and the one that is deleted')
  await add(fourth!, fifth!)
  table.delete('nb-5-big')
  queue.unlinked(fifth!.files)
  t.equal(open(), 2 * 8, 'nothing is opened')
  isAway = false
  for (const i of [0, 1, 2, 3]) await end(i)
  t.same(
    running.map(({ name }) => name),
    ['nb-1-big', 'nb-2-big', 'nb-4-big', 'nb-3-big'],
  )
  t.same(ended.slice(-1), ['nb-5-big gone'])
  t.equal(open(), 0)
})

await t.test('an SSTable that waits is held open: what Cassandra deletes can still be read', async t => {
  const { table, running, ready, add, end } = bench(t)
  table.set('nb-1-big').set('nb-2-big')
  await add(ready('nb-1-big'), ready('nb-2-big'))
  table.delete('nb-2-big')
  await end(0)
  const { open } = running[1] ?? {}
  t.equal(open?.files.length, BIG.length + 1)
  const data = open?.files.find(({ name }) => name.endsWith('Data.db'))
  const bytes = Buffer.alloc(2_000)
  readSync(data?.fd ?? -1, bytes)
  t.ok(bytes.equals(table.contents.get('nb-2-big-Data.db')!))
})

await t.test('beyond the descriptors SSTables are opened when their turn comes', async t => {
  const { table, running, ready, add, end, ended } = bench(t, { descriptors: 2 * (BIG.length + 1) })
  for (let i = 1; i <= 5; i++) table.set(`nb-${i}-big`)
  await add(ready('nb-1-big'), ready('nb-2-big'), ready('nb-3-big'))
  table.delete('nb-2-big')
  table.delete('nb-3-big')
  await end(0)
  t.equal(running[0]?.open.files.length, 0, 'closed with the end of its upload')
  await end(1)
  t.same(ended, ['nb-1-big done', 'nb-2-big done', 'nb-3-big gone'], 'the third was not held')
  await add(ready('nb-4-big'), ready('nb-5-big'))
  table.delete('nb-5-big')
  await end(2)
  await end(3)
  t.equal(ended.at(-1), 'nb-5-big done', 'the count of what is held came back to none')
})

await t.test('only files are opened that are not in the bucket as they are now', async t => {
  const { table, running, ready, add } = bench(t)
  table.set('nb-1-big')
  const one = ready('nb-1-big')
  const durable = new Map(one.names.map(name => [name, entryOf(join(table.path, name))]))
  table.replace('nb-1-big-Statistics.db', Buffer.from('rewritten'))
  rmSync(join(table.path, 'nb-1-big-Filter.db'))
  await add({ ...one, durable })
  const { open } = running[0] ?? {}
  t.same(
    open?.files.map(({ name }) => name),
    ['nb-1-big-Statistics.db'],
  )
  t.equal(open?.unchanged.length, BIG.length - 1)
  t.notOk(open?.isGone, 'an SSTable can do without Filter.db')
})

await t.test('what cannot be opened for want of descriptors has failed, and is told', async t => {
  const { table, time, core, ready, ended } = bench(t)
  table.set('nb-1-big')
  const unopened: string[] = []
  const error = new TablesnapError({ code: 'TOO_MANY_FILES', message: 'too many', retry: true })
  const uploads: Uploads<OpenFiles> = {
    pin: () => {
      throw error
    },
    upload: () => Promise.resolve(DONE),
    unopened: ({ files }) => void unopened.push(files.name),
  }
  const settings = { width: 1, descriptors: 10 }
  const queue = new UploadQueue(uploads, { comingOriginal: () => undefined }, time, settings)
  queue.add(core, ready('nb-1-big'))
  await time.pass(0)
  t.same([unopened, ended], [['nb-1-big'], ['nb-1-big failed']])
})

await t.test('a hardlink waits for its original, and asks again when that has ended', async t => {
  const { table, running, ready, add, end, originals, time } = bench(t, { width: 2 })
  table.set('nb-1-big')
  const snapshot = new Table(join(table.path, 'snapshots/s'))
  mkdirSync(snapshot.path, { recursive: true })
  snapshot.set('nb-1-big')
  const [original, copy] = [ready('nb-1-big'), ready('nb-1-big', false, snapshot)]
  originals.set(copy.files, original.files)
  await add(copy)
  await time.pass(2_500)
  t.equal(running.length, 0, 'its original is still to be ordered')
  await add(original)
  await time.pass(60_000)
  t.equal(running.length, 1)
  originals.clear()
  await end(0)
  t.equal(running.length, 2)
})

await t.test('a hardlink whose original never comes is uploaded all the same', async t => {
  const { table, running, ready, add, originals, time } = bench(t)
  table.set('nb-1-big').set('nb-2-big')
  const [original, copy] = [ready('nb-1-big'), ready('nb-2-big')]
  originals.set(copy.files, original.files)
  await add(copy)
  originals.clear()
  await time.pass(1_000)
  t.equal(running[0]?.name, 'nb-2-big')
})

await t.test(
  'SSTables that hold more disk space than they may are let go: what no restore point needs first, then the largest',
  async t => {
    const { table, running, ready, add, end, ended, queue, unwanted, time } = bench(t, {
      spaceOf: () => ({ total: 100_000, free: 50_000 }),
    })
    unwanted.add('nb-2-big')
    table.set('nb-1-big', { bytes: 1_000, components: ['Data.db'] })
    table.set('nb-2-big', { bytes: 100, components: ['Data.db'] })
    table.set('nb-3-big', { bytes: 3_000, components: ['Data.db'] })
    table.set('nb-4-big', { bytes: 2_000, components: ['Data.db'] })
    const all = ['nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big'].map(set => ready(set))
    await add(...all)
    const unlink = async (i: number) => {
      const { files } = all[i]!
      table.delete(files.name)
      queue.unlinked(files)
      await time.pass(0)
    }
    await unlink(0)
    await unlink(1)
    await unlink(3)
    t.same(ended, [], '5 % of the file system may be held')
    await unlink(2)
    t.same(ended, ['nb-2-big gone', 'nb-3-big gone'])
    t.notOk(running[0]?.signal.aborted, 'what is left may stay')
    await end(0)
    t.equal(running[1]?.name, 'nb-4-big')
    t.equal(running[1]?.open.files.length, 2)
    t.notOk(existsSync(join(table.path, 'nb-4-big-Data.db')))
  },
)

await t.test(
  'where the disk is nearly full nothing deleted is held, not even what is being sent',
  async t => {
    const space = { total: 1_000_000, free: 500_000 }
    const { table, running, ready, add, ended, queue, time } = bench(t, { spaceOf: () => space })
    table.set('nb-1-big').set('nb-2-big')
    const [one, two] = [ready('nb-1-big'), ready('nb-2-big')]
    await add(one, two)
    table.delete('nb-1-big')
    queue.unlinked(one.files)
    t.notOk(running[0]?.signal.aborted)
    space.free = 10_000
    table.delete('nb-2-big')
    queue.unlinked(two.files)
    t.ok(running[0]?.signal.aborted)
    t.match(running[0]?.signal.reason, { code: 'RELEASED', message: /nb-1-big .* its disk space is needed/ })
    await time.pass(0)
    t.same(ended, ['nb-2-big gone'], 'the one that runs ends by itself')
  },
)

await t.test('an abort ends what runs, and begins nothing', async t => {
  const { table, running, ready, add, end, queue } = bench(t)
  table.set('nb-1-big').set('nb-2-big')
  await add(ready('nb-1-big'), ready('nb-2-big'))
  queue.abort(new TablesnapError({ code: 'ABORTED', message: 'stopped' }))
  t.ok(running[0]?.signal.aborted)
  let isEmpty = false
  void queue.whenEmpty().then(() => (isEmpty = true))
  await end(0, { ...DONE, next: 'gone' })
  t.equal(running.length, 1)
  t.ok(isEmpty)
  t.equal(queue.size, 0)
})
