import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import t, { type Test } from 'tap'

import { until } from '../support/node.js'
import { BIG, TxnLog, type Table } from '../support/table.js'
import { TABLE, Tracked, turn, type TrackedOptions } from '../support/tracked.js'

/** A node whose table has these SSTables, all of them uploaded. */
async function nodeWith(t: Test, sets: readonly string[], options: TrackedOptions & { path?: string } = {}) {
  const { path = TABLE, ...others } = options
  const node = new Tracked(t, { auto: true, snapshots: true, ...others })
  const table = node.table(path)
  for (const set of sets) table.set(set)
  node.scan('start', table)
  await until(() => node.core().phase === 'live' && node.in('done').length === sets.length)
  await node.idle()
  node.commits.length = 0
  return { node, table }
}

/** A transaction from its log's creation to its end. */
async function transact(
  node: Tracked,
  table: Table,
  kind: 'flush' | 'compaction' | 'stream' | 'unknowncompactiontype',
  { adds = [], removes = [] }: { adds?: string[]; removes?: string[] },
): Promise<void> {
  const log = new TxnLog(table.path, kind)
  node.event(log.path, 'created')
  for (const set of adds) {
    log.add(set)
    node.copy(table, set)
  }
  for (const set of removes) log.remove(set)
  log.commit()
  node.event(log.path, 'closed')
  for (const set of removes) node.delete(table, set)
  log.end()
  node.event(log.path, 'gone')
  await node.idle()
}

await t.test('flush and stream add, compaction rewrites, truncate and drop end', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  await transact(node, table, 'flush', { adds: ['nb-2-big'] })
  await transact(node, table, 'stream', { adds: ['nb-3-big', 'nb-4-big'] })
  await transact(node, table, 'compaction', { adds: ['nb-5-big'], removes: ['nb-1-big', 'nb-2-big'] })
  await transact(node, table, 'compaction', { removes: ['nb-3-big'] })
  await transact(node, table, 'unknowncompactiontype', { removes: ['nb-4-big', 'nb-5-big'] })
  await transact(node, table, 'flush', { adds: ['nb-1-big'] })
  t.same(node.commits, [
    '+nb-2-big',
    '+nb-3-big +nb-4-big',
    '+nb-5-big -nb-1-big -nb-2-big',
    '-nb-3-big',
    '-nb-4-big -nb-5-big end',
    '+nb-1-big',
  ])
  t.same(node.live(), ['nb-1-big'])
  await node.quiet()
  t.same(node.errors, [])
  t.equal(node.commits.length, 6, 'nothing is told twice')
})

await t.test(
  'what the LIST at the start showed holds only for files to which nothing has happened',
  async t => {
    const node = new Tracked(t)
    const table = node.table().set('nb-1-big').set('nb-2-big')
    node.scan('start', table)
    node.event(join(table.path, 'nb-2-big-Statistics.db'), 'moved-in')
    node.copy(table, 'nb-3-big')
    await until(() => node.given.length === 3)
    const untouched = () => node.given.map(({ files, isUntouched }) => `${files.name} ${isUntouched}`).sort()
    t.same(untouched(), ['nb-1-big true', 'nb-2-big false', 'nb-3-big false'])
    while (node.given.length > 0) node.end()
    table.replace('nb-1-big-Statistics.db', Buffer.from('same?'))
    node.scan('rescan', table)
    await until(() => node.given.length === 1)
    t.same(untouched(), ['nb-1-big false'])
  },
)

await t.test('what a scan finds waits for what the bucket says, what comes does not', async t => {
  const node = new Tracked(t, { load: false, settle: 10 })
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  node.copy(table, 'nb-2-big')
  await until(() => node.given.length === 1)
  t.equal(node.given[0]?.files.name, 'nb-2-big')
  t.equal(node.core().phase, 'loading')
  await node.quiet()
  t.equal(node.given.length, 1)
  node.load(node.core())
  await until(() => node.given.length === 2)
})

await t.test('what changes during its upload is uploaded again once it is quiet', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  await until(() => node.given.length === 1)
  node.event(join(table.path, 'nb-1-big-Statistics.db'), 'moved-in')
  // What was sent is what was there before.
  node.end()
  table.replace('nb-1-big-Statistics.db', Buffer.from('new'))
  await until(() => node.given.length === 1)
  t.equal(node.given[0]?.durable.size, 8, 'what was uploaded is known')
  node.end()
  t.equal(node.in('done').length, 1)
})

await t.test('what is in the bucket as it is, is not uploaded again', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  await until(() => node.given.length === 1)
  node.end()
  node.event(join(table.path, 'nb-1-big-Statistics.db'), 'closed')
  t.equal(node.in('done').length, 0, 'it is looked at')
  await until(() => node.in('done').length === 1)
  t.equal(node.all.length, 1)
})

await t.test('what a transaction wrote needs no quiet time, what is rewritten later does', async t => {
  const node = new Tracked(t, { settle: 60_000 })
  const table = node.table()
  node.scan('start', table)
  await turn()
  const txn = new TxnLog(table.path, 'flush').add('nb-1-big')
  node.event(txn.path, 'created')
  node.copy(table, 'nb-1-big')
  await turn()
  t.equal(node.in('written').length, 1)
  txn.commit()
  node.event(txn.path, 'closed')
  await turn()
  t.equal(node.given.length, 1)
  t.ok(node.given[0]?.files.isUrgent)
  txn.end()
  node.event(txn.path, 'gone')
  node.end()
  rmSync(join(table.path, 'nb-1-big-Summary.db'))
  node.event(join(table.path, 'nb-1-big-Summary.db'), 'gone')
  table.file('nb-1-big-Summary.db', '')
  node.event(join(table.path, 'nb-1-big-Summary.db'), 'created')
  await turn()
  t.equal(node.in('settling').length, 1, 'it may be half-written')
})

await t.test('the same name again while the old content is on its way is another SSTable', async t => {
  const node = new Tracked(t)
  const table = node.table()
  node.scan('start', table)
  await turn()
  node.copy(table, 'nb-1-big')
  await until(() => node.given.length === 1)
  node.delete(table, 'nb-1-big')
  t.equal(node.unlinkedFiles.length, 1)
  node.copy(table, 'nb-1-big')
  await until(() => node.given.length === 2)
  t.not(node.given[0]?.files, node.given[1]?.files)
  node.end()
  t.equal(node.in('uploading').length, 1, "the old one's end says nothing of the new one")
  node.end()
  t.equal(node.in('done').length, 1)
})

await t.test(
  'a transaction log that is there at the start guards what it names, old files or not',
  async t => {
    const node = new Tracked(t, { backsUpExisting: false })
    const table = node.table().set('nb-1-big').set('nb-2-big')
    const txn = new TxnLog(table.path, 'flush').add('nb-2-big')
    node.scan('start', table)
    await turn()
    t.same(
      node.in('old').map(({ name }) => name),
      ['nb-1-big'],
    )
    txn.commit().end()
    node.event(txn.path, 'gone')
    await until(() => node.given.length === 1)
    t.equal(node.given[0]?.files.name, 'nb-2-big')
  },
)

await t.test('an aborted transaction leaves old SSTables alone', async t => {
  const node = new Tracked(t, { backsUpExisting: false })
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  await turn()
  const txn = new TxnLog(table.path, 'compaction').add('nb-2-big').remove('nb-1-big')
  node.event(txn.path, 'created')
  node.copy(table, 'nb-2-big')
  await turn()
  node.delete(table, 'nb-2-big')
  txn.end()
  node.event(txn.path, 'gone')
  await node.quiet()
  t.equal(node.in('old').length, 1)
  t.same([node.given, node.commits, node.errors], [[], [], []])
})

await t.test(
  'an old SSTable that changed while events were lost is uploaded; an unchanged one stays old',
  async t => {
    const node = new Tracked(t, { backsUpExisting: false })
    const table = node.table().set('nb-1-big').set('nb-2-big')
    node.scan('start', table)
    node.scan('rescan', table)
    await node.idle()
    t.same(node.given, [])
    table.replace('nb-1-big-Statistics.db', Buffer.from('rewritten'))
    node.scan('rescan', table)
    await until(() => node.given.length === 1)
    t.equal(node.given[0]?.files.name, 'nb-1-big')
  },
)

await t.test('an SSTable whose files are gone before anybody told is gone', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  const paths = table.paths('nb-1-big')
  table.delete('nb-1-big')
  node.event(paths.find(path => path.endsWith('Statistics.db')) ?? '', 'gone')
  await until(() => node.errors.length > 0)
  t.same(
    node.unlinkedFiles.map(({ name }) => name),
    ['nb-1-big'],
  )
  t.same(node.commits, ['-nb-1-big unexplained'])
})

await t.test(
  'a directory that goes takes its SSTables along; names that are not UTF-8 are told once',
  async t => {
    const { node, table } = await nodeWith(t, ['nb-1-big'])
    rmSync(table.path, { recursive: true })
    node.sensor.lost(table.path)
    t.equal(node.core().directories.size, 0)
    await until(() => node.commits.length > 0)
    t.same(node.commits, ['-nb-1-big unexplained'])
    for (let i = 0; i < 3; i++) node.news.unreadable('/x', 'bad-\ufffd')
    t.equal(node.problems.length, 1)
  },
)

await t.test(
  'a failed upload is tried again after a pause by a daemon, and not at all by a one-shot run',
  async t => {
    const [daemon, once] = [new Tracked(t), new Tracked(t, { isOneShot: true })]
    for (const node of [daemon, once]) {
      node.scan('start', node.table().set('nb-1-big'))
      await until(() => node.given.length === 1)
      node.end('failed')
    }
    const began = performance.now()
    await once.idle()
    t.equal(once.in('failed').length, 1)
    await until(() => daemon.given.length === 1)
    const pause = performance.now() - began
    t.ok(pause > 500 && pause < 5_000, `${pause} ms`)
    daemon.end()
    t.equal(daemon.in('done').length, 1)
    t.equal(once.given.length, 0)
  },
)

await t.test('a one-shot run does not wait for ever for a file that does not come to rest', async t => {
  const node = new Tracked(t, { isOneShot: true, settle: 80 })
  const table = node.table()
  const path = table.file('restless')
  const timer = setInterval(() => writeFileSync(path, String(performance.now())), 5)
  t.teardown(() => clearInterval(timer))
  node.scan('start', table)
  await node.idle()
  t.equal(node.in('waiting').length, 1)
  clearInterval(timer)
  node.scan('rescan', table)
  for (let tries = 0; tries < 4; tries++) {
    await until(() => node.given.length === 1)
    node.end('changed')
  }
  await node.idle()
  t.equal(node.in('waiting').length, 1, 'it changed during each of four uploads')
})

await t.test(
  'a file that belongs to no SSTable: renamed into place at once, written when it is quiet, a hardlink by its CREATE',
  async t => {
    const node = new Tracked(t, { settle: 60 })
    const table = node.table()
    node.scan('start', table)
    await turn()
    node.event(table.file('moved'), 'moved-in')
    node.event(table.file('written'), 'created')
    await turn()
    t.same(
      node.given.map(({ files }) => files.name),
      ['moved'],
    )
    t.equal(node.core().get(table.path, 'written'), undefined, 'it may be open for long')
    linkSync(join(table.path, 'moved'), join(table.path, 'linked'))
    node.event(join(table.path, 'linked'), 'created')
    node.event(join(table.path, 'written'), 'closed')
    await until(() => node.given.length === 3)
    while (node.given.length > 0) node.end('gone')
  },
)

await t.test('replicas of a log in two data directories are one transaction', async t => {
  const node = new Tracked(t, { auto: true })
  const one = node.table()
  const two = node.table(TABLE.replace('d1', 'd2'))
  node.scan('start', one, two)
  await node.idle()
  const log = new TxnLog(one.path, 'flush').add('nb-1-big').add('nb-2-big')
  const other = new TxnLog(two.path, 'flush', basename(log.path)).add('nb-1-big').add('nb-2-big')
  for (const { path } of [log, other]) node.event(path, 'created')
  node.copy(one, 'nb-1-big')
  node.copy(two, 'nb-2-big')
  await turn()
  t.equal(node.in('written').length, 2)
  other.commit()
  node.event(other.path, 'closed')
  await node.idle()
  log.end()
  node.event(log.path, 'gone')
  other.end()
  node.event(other.path, 'gone')
  await node.idle()
  t.same(node.commits, ['+nb-1-big +nb-2-big'], 'told once')
  t.same(node.live(), ['nb-1-big', 'nb-2-big'])
})

await t.test(
  'a log of a compaction that nobody could read makes for a scan, one of a flush does not',
  async t => {
    const { node, table } = await nodeWith(t, ['nb-1-big'])
    node.event(join(table.path, 'nb_txn_flush_missed.log'), 'created')
    node.event(join(table.path, 'nb_txn_flush_missed.log'), 'gone')
    node.copy(table, 'nb-2-big')
    await until(() => node.live().length === 2)
    t.equal(node.gaps, 0)
    node.event(join(table.path, 'nb_txn_compaction_missed.log'), 'created')
    for (const component of [...BIG, 'TOC.txt']) rmSync(join(table.path, `nb-1-big-${component}`))
    node.event(join(table.path, 'nb_txn_compaction_missed.log'), 'gone')
    await until(() => node.gaps > 0)
    await until(() => node.live().length === 1)
    t.same(node.errors, [], 'a commit that nobody could read may have removed it')
  },
)

await t.test('after an overflow every directory is scanned before anything is said', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  const other = node.table(TABLE.replace('d1', 'd2')).set('nb-9-big')
  node.scan('new', other)
  await until(() => node.live().length === 2)
  table.delete('nb-1-big')
  other.set('nb-10-big')
  node.sensor.overflow()
  await until(() => node.live().join() === 'nb-10-big,nb-9-big')
  t.same(node.errors, [])
})

await t.test('a rescan in which nothing is new says nothing', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  const [uploads, states] = [node.all.length, node.states.length]
  node.scan('rescan', table)
  await node.quiet()
  t.same([node.commits, node.gaps, node.all.length, node.states.length], [[], 0, uploads, states])
})

await t.test('an SSTable that vanishes without a commit is unexplained, until a log explains it', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big', 'nb-2-big'])
  node.delete(table, 'nb-1-big')
  t.same(node.commits, [], 'a transaction may tell yet')
  await until(() => node.commits.length > 0)
  t.same(node.commits, ['-nb-1-big unexplained'])
  t.match(node.errors, [/nb-1-big is gone, and no transaction log says why/])
  await transact(node, table, 'compaction', { adds: ['nb-3-big'], removes: ['nb-1-big', 'nb-2-big'] })
  t.same([node.newest()?.unexplained, node.live()], [[], ['nb-3-big']])
})

await t.test('snapshots and backups lose what they like', async t => {
  for (const below of ['snapshots/s1', 'backups', 'snapshots/s1/.idx']) {
    const { node, table } = await nodeWith(t, ['nb-1-big'], { path: `${TABLE}/${below}` })
    node.delete(table, 'nb-1-big')
    await until(() => node.commits.length > 0)
    t.same([node.commits, node.errors], [[`-${below}/nb-1-big`], []])
  }
})

await t.test('before Cassandra 3.0 a removal is explained by a later generation', async t => {
  const { node, table } = await nodeWith(t, ['ks-t-jb-1', 'ks-t-jb-2', 'ks-t-jb-3'])
  node.delete(table, 'ks-t-jb-1')
  await until(() => node.commits.length > 0)
  t.same([node.commits, node.errors], [['-ks-t-jb-1'], []])
  node.delete(table, 'ks-t-jb-3')
  await until(() => node.commits.length > 1)
  t.equal(node.commits[1], '-ks-t-jb-3 unexplained', 'nothing later can have replaced it')
})

await t.test('SSTables that a restore of ours moved aside are part of what it brought', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  const aside = node.table(`${TABLE}/.tablesnap-replaced-20261125T000000000Z`)
  for (const name of table.names('nb-1-big')) {
    renameSync(join(table.path, name), join(aside.path, name))
    node.event(join(table.path, name), 'gone')
  }
  node.copy(table, 'nb-2-big')
  await until(() => node.live().join() === 'nb-2-big')
  t.same(node.errors, [])
})

await t.test('an SSTable in a directory that is not watched makes restore points partial', async t => {
  const { node, table } = await nodeWith(t, [])
  const two = node.table(TABLE.replace('d1', 'd2')).set('nb-2-big')
  const log = new TxnLog(table.path, 'flush')
  writeFileSync(log.path, `ADD:[${join(two.path, 'nb-2-big')}-,0,8][1]\nCOMMIT:[,0,0][1]\n`, { flag: 'a' })
  node.event(log.path, 'created')
  await until(() => node.states.length > 0)
  t.same(node.newest()?.unprotected, [`${two.path}/*`])
  t.match(node.problems[0], /d2.* is not watched, and has SSTables of the table/)
})

await t.test(
  'a path that is used again has one SSTable at a time, whatever was seen of its going',
  async t => {
    const { node, table } = await nodeWith(t, ['nb-1-big'])
    const before = node.core().get(table.path, 'nb-1-big')
    node.delete(table, 'nb-1-big')
    await transact(node, table, 'flush', { adds: ['nb-1-big'] })
    await until(() => node.errors.length > 0)
    t.not(node.core().get(table.path, 'nb-1-big'), before)
    await node.idle()
    t.same(node.newest()?.unexplained, [before?.path])
  },
)

await t.test('directories below are tables of their own, but for those of indexes', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  mkdirSync(join(table.path, '.idx'))
  node.scan('new', node.table(`${TABLE}/.idx`).set('nb-1-big'))
  node.scan('new', node.table(`${TABLE}/snapshots/s1`).set('nb-1-big'))
  await until(() => node.in('done').length === 3)
  t.equal(node.tables.size, 2)
  t.equal(node.core().directories.size, 2)
})
