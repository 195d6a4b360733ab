import t from 'tap'

import type { Published, Publisher } from '../../src/backup/manifest-publisher.js'
import { ManifestWriter, type WriterSettings } from '../../src/backup/manifest-writer.js'
import { TablesnapError } from '../../src/errors.js'
import type { State } from '../../src/manifest/state.js'
import type { Table } from '../../src/tables/table.js'
import { VirtualTime } from '../support/virtual-time.js'

const EMPTY = { sets: new Map(), files: new Map(), directories: new Map(), unexplained: [], unprotected: [] }
const STATE: State = { node: 'node1', epoch: 1, unit: 'ks/t', time: 1, gap: false, ...EMPTY }

/** What becomes of the next attempt; without a word it succeeds. */
type Attempt = 'nothing' | 'unlisted' | TablesnapError

function failure(code: string, retry: boolean): TablesnapError {
  return new TablesnapError({ code, message: `it is ${code}`, retry })
}

function bench(settings: Partial<WriterSettings> = {}) {
  const time = new VirtualTime()
  const table = { name: 'ks/t' } as unknown as Table
  const attempts: Attempt[] = []
  /** When a manifest was tried, and when the listings alone were. */
  const tried: number[] = []
  const listed: number[] = []
  const failed: unknown[] = []
  const fenced: unknown[] = []
  const lines: string[] = []
  /** CPU time that one manifest takes, ms. */
  const cost = { busy: 0, isListed: true }
  const publisher: Publisher = {
    publish: async (_table, earliest) => {
      if (earliest > time.now())
        await new Promise<void>(resolve => time.after(earliest - time.now(), resolve))
      tried.push(time.now())
      const attempt = attempts.shift()
      if (attempt instanceof TablesnapError) throw attempt
      if (attempt === 'nothing') return undefined
      const draft = { state: STATE, leaving: [] }
      const published: Published = { draft, state: STATE, isListed: attempt !== 'unlisted', busy: cost.busy }
      return published
    },
    list: () => {
      listed.push(time.now())
      return Promise.resolve(cost.isListed)
    },
  }
  const observer = {
    published: () => undefined,
    failed: (_table: Table, error: unknown) => void failed.push(error),
    fenced: (error: unknown) => void fenced.push(error),
  }
  const say = (text: string) => void lines.push(text)
  const log = { debug: () => undefined, info: say, warn: say, error: say }
  const all = { isOneShot: false, retries: 2, isDryRun: false, ...settings }
  const writer = new ManifestWriter(publisher, time, observer, log, all)
  return { time, table, writer, attempts, tried, listed, failed, fenced, lines, cost }
}

await t.test('changes within 50 ms share a manifest, and two manifests are 5 s apart', async t => {
  const { time, table, writer, tried } = bench()
  writer.changed(table)
  await time.pass(40)
  writer.changed(table)
  await time.pass(1_000)
  t.same(tried, [50])
  writer.changed(table)
  await time.pass(10_000)
  t.same(tried, [50, 5_050])
  t.notOk(writer.isBusy)
})

await t.test('a change during the writing of a manifest makes for another one', async t => {
  const { time, table, writer, tried } = bench()
  writer.changed(table)
  await time.pass(50)
  writer.changed(table)
  await time.pass(20_000)
  t.same(tried, [50, 5_050])
})

await t.test('what costs much CPU time comes less often, but never more than 30 s apart', async t => {
  const { time, table, writer, tried, cost } = bench()
  for (const busy of [100, 1_000]) {
    cost.busy = busy
    tried.length = 0
    await time.pass(60_000)
    const began = time.now()
    writer.changed(table)
    await time.pass(1_000)
    writer.changed(table)
    await time.pass(60_000)
    t.same(
      tried.map(at => at - began),
      [50, busy === 100 ? 10_050 : 30_050],
    )
  }
})

await t.test('a failed manifest is tried again after a pause that grows to 30 s', async t => {
  const { time, table, writer, tried, attempts, lines, failed } = bench()
  for (let i = 0; i < 7; i++) attempts.push(failure('S3_ERROR', false))
  writer.changed(table)
  await time.pass(200_000)
  const pauses = tried.map((at, i) => at - (tried[i - 1] ?? 0)).slice(1)
  t.same(pauses, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  t.equal(failed.length, 7)
  t.same(lines, ['Error writing the restore point of ks/t: it is S3_ERROR'], 'one cause, one line')
  t.equal(writer.failed.size, 0, 'the last one succeeded')
})

await t.test('at the end of an outage what waits is tried at once', async t => {
  const { time, table, writer, tried, attempts } = bench()
  for (let i = 0; i < 5; i++) attempts.push(failure('S3_ERROR', true))
  writer.changed(table)
  await time.pass(35_000)
  t.equal(tried.length, 5)
  writer.retry()
  await time.pass(50)
  t.equal(tried.length, 6)
})

await t.test('a one-shot run tries again what may succeed, as often as --retries says', async t => {
  const { time, table, writer, tried, attempts } = bench({ isOneShot: true })
  for (let i = 0; i < 9; i++) attempts.push(failure('S3_ERROR', true))
  writer.changed(table)
  await time.pass(300_000)
  t.equal(tried.length, 3)
  t.equal(writer.failed.size, 1)
  t.notOk(writer.isBusy)
  attempts.length = 0
  writer.changed(table)
  await time.pass(30_000)
  t.equal(tried.length, 4, 'a change after a failure makes for another attempt')
  t.equal(writer.failed.size, 0)
  attempts.push(failure('S3_ACCESS_DENIED', false))
  writer.changed(table)
  await time.pass(300_000)
  t.equal(tried.length, 5, 'what is refused is not tried again')
})

await t.test('a refused listing is tried again alone, ever more seldom', async t => {
  const { time, table, writer, tried, listed, attempts, cost } = bench()
  cost.isListed = false
  attempts.push('unlisted')
  writer.changed(table)
  await time.pass(15_000)
  t.same(tried, [50], 'no manifest says the same again')
  t.same(listed, [2_050, 6_050, 14_050])
  cost.isListed = true
  await time.pass(3_600_000)
  t.equal(listed.length, 4)
})

await t.test('the end of a run waits only for what has something to say', async t => {
  const { time, table, writer, tried, attempts } = bench()
  const flush = async () => {
    const began = time.now()
    let end: number | undefined
    void writer.flush().then(() => (end = time.now()))
    await time.pass(60_000)
    return (end ?? Infinity) - began
  }
  t.equal(await flush(), 0)
  writer.changed(table)
  await time.pass(100)
  writer.changed(table)
  t.equal(await flush(), 1_050, 'two manifests are more than a second apart all the same')
  t.equal(tried.length, 2)
  writer.changed(table)
  attempts.push(failure('S3_ERROR', true))
  await flush()
  t.equal(tried.length, 3, 'a daemon that is being stopped does not try again')
})

await t.test('another writer ends it, and a dry run writes nothing', async t => {
  const { time, table, writer, tried, fenced, attempts } = bench()
  attempts.push(failure('FENCED', false))
  writer.changed(table)
  await time.pass(60_000)
  writer.changed(table)
  await time.pass(60_000)
  t.equal(tried.length, 1)
  t.match(fenced, [{ code: 'FENCED' }])
  const dry = bench({ isDryRun: true })
  dry.writer.changed(dry.table)
  await dry.time.pass(1_000)
  t.same(dry.tried, [])
})

await t.test('16 manifests are written at once, and each table has its turn', async t => {
  const { time, writer, tried } = bench()
  for (let i = 0; i < 100; i++) writer.changed({ name: `ks/t${i}` } as unknown as Table)
  await time.pass(1_000)
  t.equal(tried.length, 100)
})
