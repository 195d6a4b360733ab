import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import type { Ended } from '../../src/backup/agenda.js'
import type { Directory } from '../../src/backup/directory.js'
import { identify, type Found, type Identity } from '../../src/backup/found.js'
import { Tracker, type TrackerOptions } from '../../src/backup/tracker.js'
import { Filter } from '../../src/plan/filter.js'
import { readTree } from '../../src/watch/tree.js'
import { until } from '../support/node.js'
import { Table, TxnLog } from '../support/table.js'

interface Bench {
  readonly table: Table
  readonly tracker: Tracker
  /** Units given to be uploaded, not yet ended. */
  readonly given: Found[]
  readonly quiet: Directory[]
  readonly problems: string[]
  readonly scan: (reason: 'start' | 'rescan' | 'new') => void
  /** Ends the oldest given unit; `done`: with all its files durable. */
  readonly end: (next: Ended['next']) => void
  /** Writes a set, with the events of it. */
  readonly write: (set: string) => void
}

function bench(t: Test, options: Partial<TrackerOptions> = {}): Bench {
  const path = mkdtempSync(join(tmpdir(), 'tablesnap-tracker-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  const table = new Table(path)
  const given: Found[] = []
  const quiet: Directory[] = []
  const problems: string[] = []
  const tracker: Tracker = new Tracker({
    existing: true,
    settle: 30,
    retry: true,
    listenEvents: ['IN_MOVED_TO', 'IN_CLOSE_WRITE', 'IN_CREATE'],
    filter: new Filter({ exclude: [], include: [], snapshots: false, backups: false }, [path]),
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    onComplete: found => given.push(found),
    onProblem: (_path, message) => problems.push(message),
    onQuiet: directory => quiet.push(directory),
    ...options,
  })
  t.teardown(() => tracker.stop())
  return {
    table,
    tracker,
    given,
    quiet,
    problems,
    scan: reason => tracker.scanned(path, readTree(path), reason),
    end: next => {
      const found = given.shift()!
      const durable = new Map<string, Identity>()
      if (next === 'done') for (const name of found.names) durable.set(name, identify(join(path, name))!)
      tracker.ended(found, { durable, versions: new Set(), next })
    },
    write: set => {
      table.set(set)
      for (const name of table.names(set)) {
        tracker.file(path, name, 'created')
        tracker.file(path, name, 'closed')
      }
    },
  }
}

await t.test(
  'what a LIST at the start found is believed only of what nothing has happened to since',
  async t => {
    const { table, tracker, given, scan, end, write } = bench(t)
    table.set('nb-1-big').set('nb-2-big')
    scan('start')
    tracker.file(table.path, 'nb-2-big-Statistics.db', 'moved-in')
    write('nb-3-big')
    await until(() => given.length === 3)
    const untouched = () => given.map(found => `${found.unit} ${found.untouched}`).sort()
    t.same(untouched(), ['nb-1-big true', 'nb-2-big false', 'nb-3-big false'])
    for (let i = 0; i < 3; i++) end('done')
    table.replace('nb-1-big-Statistics.db', Buffer.from('same?'))
    scan('rescan')
    await until(() => given.length === 1)
    t.same(untouched(), ['nb-1-big false'])
  },
)

await t.test(
  'a failed upload is tried again after a pause by a daemon, and not at all by a one-shot backup',
  async t => {
    const daemon = bench(t)
    daemon.table.set('nb-1-big')
    daemon.scan('start')
    await until(() => daemon.given.length === 1)
    daemon.end('failed')
    const began = performance.now()
    t.same(daemon.quiet, [])
    await until(() => daemon.given.length === 1)
    const pause = performance.now() - began
    t.ok(pause > 900 && pause < 5_000, `${pause} ms`)
    daemon.end('done')
    t.ok(daemon.quiet.length > 0)

    const once = bench(t, { retry: false })
    once.table.set('nb-1-big')
    once.scan('start')
    await until(() => once.given.length === 1)
    once.end('failed')
    await once.tracker.idle()
    t.same([...once.tracker.in('failed')].length, 1)
    t.same(once.quiet, [], 'a listing must not lack it')
  },
)

await t.test('what changes during its upload goes up again once it is quiet', async t => {
  const { table, tracker, given, quiet, scan, end } = bench(t)
  table.set('nb-1-big')
  scan('start')
  await until(() => given.length === 1)
  table.replace('nb-1-big-Statistics.db', Buffer.from('new'))
  tracker.file(table.path, 'nb-1-big-Statistics.db', 'moved-in')
  quiet.length = 0
  end('done')
  t.same(quiet, [])
  await until(() => given.length === 1)
  t.equal(given[0]?.durable.size, 8, 'what went up is known')
  end('done')
  t.ok(quiet.length > 0)
})

await t.test('what a transaction wrote needs no quiet time, what is rewritten later does', async t => {
  const { table, tracker, given, end } = bench(t, { settle: 60_000 })
  const txn = new TxnLog(table.path, 'flush').add('nb-1-big')
  const log = txn.path.slice(table.path.length + 1)
  tracker.file(table.path, log, 'created')
  table.set('nb-1-big')
  for (const name of table.names('nb-1-big')) tracker.file(table.path, name, 'created')
  await new Promise(resolve => setImmediate(resolve))
  t.equal([...tracker.in('written')].length, 1)
  txn.commit()
  tracker.file(table.path, log, 'closed')
  txn.end()
  tracker.file(table.path, log, 'gone')
  await until(() => given.length === 1)
  end('done')
  rmSync(join(table.path, 'nb-1-big-Summary.db'))
  tracker.file(table.path, 'nb-1-big-Summary.db', 'gone')
  table.file('nb-1-big-Summary.db', '')
  tracker.file(table.path, 'nb-1-big-Summary.db', 'created')
  await new Promise(resolve => setImmediate(resolve))
  t.equal([...tracker.in('settling')].length, 1, 'it may be half-written')
})

await t.test('a one-shot backup does not wait for ever', async t => {
  const { table, tracker, given, scan, end } = bench(t, { retry: false, settle: 200 })
  const path = table.file('restless')
  const timer = setInterval(() => writeFileSync(path, String(performance.now())), 10)
  t.teardown(() => clearInterval(timer))
  scan('start')
  await tracker.idle()
  t.equal([...tracker.in('waiting')].length, 1, 'it never came to rest')
  t.same(given, [])
  clearInterval(timer)
  scan('rescan')
  for (let tries = 0; tries < 4; tries++) {
    await until(() => given.length === 1)
    end('again')
  }
  await tracker.idle()
  t.equal([...tracker.in('waiting')].length, 1, 'it changed during each of four uploads')
})

await t.test('the same name again while the old content is on its way', async t => {
  const { table, tracker, given, end, write } = bench(t)
  write('nb-1-big')
  await until(() => given.length === 1)
  for (const name of table.names('nb-1-big')) {
    rmSync(join(table.path, name))
    tracker.file(table.path, name, 'gone')
  }
  write('nb-1-big')
  await until(() => given.length === 2)
  t.not(given[0], given[1])
  tracker.ended(given.shift()!, {
    durable: new Map([['nb-1-big-Data.db', { size: 1n, mtime: 1n, inode: 1n }]]),
    versions: new Set(),
    next: 'done',
  })
  t.equal([...tracker.in('busy')].length, 1, "the old one's end says nothing of the new one")
  end('done')
  t.equal([...tracker.in('done')].length, 1)
})

await t.test('after stop() nothing counts as durable that is not', async t => {
  const { table, tracker, given, quiet, scan, end } = bench(t)
  table.set('nb-1-big').set('nb-2-big')
  scan('start')
  await until(() => given.length === 2)
  tracker.stop()
  end('again')
  quiet.length = 0
  end('done')
  await tracker.idle()
  t.same(quiet, [], 'no listing')
  t.equal([...tracker.in('dirty')].length, 1)
})

await t.test(
  'a transaction log that is there at the start guards what it names, old files or not',
  async t => {
    const { table, tracker, given, scan } = bench(t, { existing: false })
    const txn = new TxnLog(table.path, 'flush').add('nb-2-big')
    table.set('nb-1-big').set('nb-2-big')
    scan('start')
    t.equal([...tracker.in('old')].length, 1)
    txn.commit().end()
    tracker.file(table.path, txn.path.slice(table.path.length + 1), 'gone')
    await until(() => given.length === 1)
    t.equal(given[0]?.unit, 'nb-2-big')
  },
)

await t.test('an aborted transaction leaves old sets alone', async t => {
  const { table, tracker, given, scan, quiet } = bench(t, { existing: false })
  table.set('nb-1-big')
  scan('start')
  const txn = new TxnLog(table.path, 'compaction').add('nb-2-big').remove('nb-1-big')
  const log = txn.path.slice(table.path.length + 1)
  tracker.file(table.path, log, 'created')
  tracker.file(table.path, log, 'closed')
  txn.end()
  tracker.file(table.path, log, 'gone')
  t.equal([...tracker.in('old')].length, 1)
  t.same(given, [])
  t.ok(quiet.length > 0)
})

await t.test('a rescan drops what is gone: files, sets and transactions', async t => {
  const { table, tracker, given, scan, end } = bench(t)
  table.set('nb-1-big').set('nb-2-big')
  table.file('plain')
  const txn = new TxnLog(table.path, 'compaction').add('nb-3-big').remove('nb-1-big').commit()
  table.set('nb-3-big')
  scan('start')
  await until(() => given.length === 3)
  for (let i = 0; i < 3; i++) end('done')
  const [directory] = tracker.directories.values()
  t.ok(directory?.isObsolete('nb-1-big'))
  table.delete('nb-1-big')
  table.delete('nb-2-big')
  rmSync(join(table.path, 'plain'))
  rmSync(join(table.path, 'nb-3-big-Filter.db'))
  txn.end()
  scan('rescan')
  t.same([...(directory?.units.keys() ?? [])], ['nb-3-big'])
  t.notOk(directory?.units.get('nb-3-big')?.names.has('nb-3-big-Filter.db'))
  t.notOk(directory?.isObsolete('nb-1-big'))
  await tracker.idle()
})

await t.test('an old set that changed while events were lost', async t => {
  const { table, given, scan, tracker } = bench(t, { existing: false })
  table.set('nb-1-big').set('nb-2-big')
  scan('start')
  scan('rescan')
  await tracker.idle()
  t.same(given, [])
  writeFileSync(join(table.path, 'x.tmp'), 'rewritten')
  renameSync(join(table.path, 'x.tmp'), join(table.path, 'nb-1-big-Statistics.db'))
  scan('rescan')
  await until(() => given.length === 1)
  t.equal(given[0]?.unit, 'nb-1-big')
})

await t.test('names that are not UTF-8 are told once', t => {
  const { tracker, problems } = bench(t)
  for (let i = 0; i < 3; i++) tracker.unreadable('/x', 'bad-\ufffd')
  t.equal(problems.length, 1)
  t.end()
})
