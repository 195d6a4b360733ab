import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import t from 'tap'

import { Transactions } from '../../src/backup/transactions.js'
import { until } from '../support/node.js'
import { BIG, TxnLog } from '../support/table.js'
import { TABLE, Tracked, turn } from '../support/tracked.js'

/** Descriptors of this process that lead into a directory. */
function heldIn(directory: string): number {
  let held = 0
  for (const fd of readdirSync('/proc/self/fd', { withFileTypes: true })) {
    if (fd.isSymbolicLink() && isIn(fd.name, directory)) held++
  }
  return held
}

function isIn(fd: string, directory: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory)
  } catch {
    return false
  }
}

await t.test('a log is read after it was unlinked, through its descriptor', async t => {
  const node = new Tracked(t)
  const table = node.table()
  const transactions = new Transactions()
  t.teardown(() => transactions.close())
  const log = new TxnLog(table.path, 'compaction').add('nb-3-big').remove('nb-1-big')
  const name = basename(log.path)
  const transaction = transactions.of(name, '')
  t.equal(transaction, transactions.of(name, ''), 'one for a name')
  t.ok(transaction.open(table.path))
  transaction.read(table.path)
  t.ok(transactions.isWritten('', 'nb-3-big'))
  t.notOk(transactions.isObsolete('', 'nb-1-big'))
  t.notOk(transactions.isWritten('.idx', 'nb-3-big'), 'an index has names of its own')
  log.commit().end()
  t.notOk(transaction.isOver)
  t.equal(heldIn(table.path), 1)
  transaction.read(table.path)
  t.notOk(transactions.isWritten('', 'nb-3-big'))
  t.ok(transactions.isObsolete('', 'nb-1-big'))
  transaction.end(table.path)
  t.equal(heldIn(table.path), 0)
  t.ok(transaction.isOver)
  t.ok(transaction.txn.committed, 'what it said stays')
  transactions.tidy(transaction)
  t.notOk(transactions.isObsolete('', 'nb-1-big'))
  t.notOk(transactions.of('nb_txn_flush_x.log', '').open(table.path), 'gone already')
})

await t.test('what is no transaction log says nothing and does no harm', async t => {
  const node = new Tracked(t)
  const table = node.table()
  const transactions = new Transactions()
  t.teardown(() => transactions.close())
  mkdirSync(join(table.path, 'nb_txn_flush_d.log'))
  const directory = transactions.of('nb_txn_flush_d.log', '')
  t.ok(directory.open(table.path))
  directory.read(table.path)
  t.same([...directory.txn.adds], [])
  symlinkSync('nb_txn_flush_l.log', join(table.path, 'nb_txn_flush_l.log'))
  t.throws(() => transactions.of('nb_txn_flush_l.log', '').open(table.path), { code: 'ELOOP' })
  table.file('nb_txn_flush_cut.log', 'ADD:[/x/nb-1-big-,0,8][1')
  const cut = transactions.of('nb_txn_flush_cut.log', '')
  cut.open(table.path)
  cut.read(table.path)
  t.same([...cut.txn.adds], [], 'a line that was cut off')
})

await t.test(
  'replicas in two data directories are one transaction, committed once any of them is',
  async t => {
    const node = new Tracked(t)
    const one = node.table()
    const two = node.table(TABLE.replace('d1', 'd2'))
    node.scan('start', one, two)
    await turn()
    const log = new TxnLog(one.path, 'flush').add('nb-1-big').add('nb-2-big')
    const other = new TxnLog(two.path, 'flush', basename(log.path)).add('nb-1-big').add('nb-2-big')
    for (const { path } of [log, other]) node.event(path, 'created')
    node.copy(one, 'nb-1-big')
    node.copy(two, 'nb-2-big')
    await turn()
    t.same([...node.tracker.in('written')].map(({ name }) => name).sort(), ['nb-1-big', 'nb-2-big'])
    other.commit()
    node.event(other.path, 'closed')
    t.same(node.commits, ['+nb-1-big +nb-2-big'])
    await turn()
    t.equal(node.given.length, 2)
    log.end()
    node.event(log.path, 'gone')
    other.end()
    node.event(other.path, 'gone')
    await turn()
    t.same(node.commits, ['+nb-1-big +nb-2-big'], 'told once')
    t.same(node.live(), ['nb-1-big', 'nb-2-big'])
    t.equal(heldIn(node.base), 0)
  },
)

await t.test('a log that was seen to come and could not be opened is a gap', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  await node.quiet()
  node.end()
  table.flush('nb-2-big')
  table.delete('nb-1-big')
  node.event(join(table.path, 'nb_txn_compaction_x.log'), 'created')
  t.equal(node.gaps, 1)
  t.equal(node.unit().history, undefined)
  await until(() => node.live().length > 0)
  t.same(node.errors, [], 'what went meanwhile is explained')
  t.same(node.live(), ['nb-2-big'])
})

await t.test(
  'a log that cannot be read is told, and a gap once it has gone; it is not read without end',
  async t => {
    const node = new Tracked(t)
    const table = node.table().set('nb-1-big')
    const path = join(table.path, 'nb_txn_compaction_x.log')
    symlinkSync('nb_txn_compaction_x.log', path)
    node.scan('start', table)
    await node.quiet()
    node.event(path, 'created')
    await node.quiet()
    t.match(node.problems[0], /nb_txn_compaction_x\.log cannot be read: ELOOP/)
    t.ok(node.gaps <= 2, `${node.gaps} scans`)
    while (node.given.length > 0) node.end()
    const { gaps } = node
    table.delete('nb-1-big')
    for (const component of [...BIG, 'TOC.txt']) node.event(join(table.path, `nb-1-big-${component}`), 'gone')
    rmSync(path)
    node.event(path, 'gone')
    t.equal(node.gaps, gaps + 1)
    await until(() => node.unit().history !== undefined)
    t.same(node.errors, [], 'a commit that nobody could read may have removed it')
    t.same(node.live(), [])
  },
)

await t.test(
  'an ADD whose files never come is no output; a REMOVE of it later tells that something was missed',
  async t => {
    const node = new Tracked(t)
    const table = node.table()
    node.scan('start', table)
    await turn()
    const flush = new TxnLog(table.path, 'flush').add('nb-1-big').add('nb-2-big')
    node.event(flush.path, 'created')
    node.copy(table, 'nb-1-big')
    flush.commit().end()
    node.event(flush.path, 'gone')
    t.same(node.commits, ['+nb-1-big'])
    t.equal(node.gaps, 0)
    const compaction = new TxnLog(table.path, 'compaction').remove('nb-2-big').commit()
    node.event(compaction.path, 'created')
    t.equal(node.gaps, 1)
    compaction.end()
    node.event(compaction.path, 'gone')
    await until(() => node.live().length > 0)
    t.equal(node.gaps, 1)
    t.same(node.live(), ['nb-1-big'])
  },
)

await t.test('an ADD in a directory that nobody watches makes the unit partial', async t => {
  const node = new Tracked(t)
  const one = node.table()
  const two = node.table(TABLE.replace('d1', 'd2'))
  node.scan('start', one)
  await turn()
  two.set('nb-2-big')
  const log = new TxnLog(one.path, 'flush').add('nb-1-big')
  writeFileSync(log.path, `ADD:[${join(two.path, 'nb-2-big')}-,0,8][1]\nCOMMIT:[,0,0][1]\n`, { flag: 'a' })
  node.event(log.path, 'created')
  t.same([...node.unit().foreign], [two.path])
  t.match(node.errors[0], /d2.* is not watched, and has SSTables of ks\/t/)
  t.ok(existsSync(two.path))
})
