import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { until } from '../support/node.js'
import { TxnLog } from '../support/table.js'
import { Tracked, turn } from '../support/tracked.js'

await t.test(
  'what a LIST at the start found is believed only of what nothing has happened to since',
  async t => {
    const node = new Tracked(t)
    const table = node.table().set('nb-1-big').set('nb-2-big')
    node.scan('start', table)
    node.event(join(table.path, 'nb-2-big-Statistics.db'), 'moved-in')
    node.copy(table, 'nb-3-big')
    await until(() => node.given.length === 3)
    const untouched = () => node.given.map(found => `${found.group.name} ${found.untouched}`).sort()
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
  t.equal(node.given[0]?.group.name, 'nb-2-big')
  t.equal(node.unit().history, undefined)
  let asked = false
  void node.tracker.whenLoaded().then(() => (asked = true))
  await node.quiet()
  t.equal(node.given.length, 1)
  t.notOk(asked)
  node.tracker.loaded(node.unit())
  await until(() => node.given.length === 2)
  t.ok(asked)
  t.same(node.live(), ['nb-1-big', 'nb-2-big'])
})

await t.test('what changes during its upload goes up again once it is quiet', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  await until(() => node.given.length === 1)
  table.replace('nb-1-big-Statistics.db', Buffer.from('new'))
  node.event(join(table.path, 'nb-1-big-Statistics.db'), 'moved-in')
  node.end()
  t.ok(node.unit().changed)
  await until(() => node.given.length === 1)
  t.equal(node.given[0]?.durable.size, 8, 'what went up is known')
  node.end()
  t.equal([...node.tracker.in('done')].length, 1)
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
  t.equal([...node.tracker.in('written')].length, 1)
  txn.commit()
  node.event(txn.path, 'closed')
  await turn()
  t.equal(node.given.length, 1)
  t.ok(node.given[0]?.group.urgent)
  txn.end()
  node.event(txn.path, 'gone')
  node.end()
  rmSync(join(table.path, 'nb-1-big-Summary.db'))
  node.event(join(table.path, 'nb-1-big-Summary.db'), 'gone')
  table.file('nb-1-big-Summary.db', '')
  node.event(join(table.path, 'nb-1-big-Summary.db'), 'created')
  await turn()
  t.equal([...node.tracker.in('settling')].length, 1, 'it may be half-written')
})

await t.test('the same name again while the old content is on its way is another set', async t => {
  const node = new Tracked(t)
  const table = node.table()
  node.scan('start', table)
  await turn()
  node.copy(table, 'nb-1-big')
  await until(() => node.given.length === 1)
  node.delete(table, 'nb-1-big')
  t.equal(node.unlinked.length, 1)
  node.copy(table, 'nb-1-big')
  await until(() => node.given.length === 2)
  t.not(node.given[0]?.group, node.given[1]?.group)
  node.end()
  t.equal([...node.tracker.in('busy')].length, 1, "the old one's end says nothing of the new one")
  node.end()
  t.equal([...node.tracker.in('done')].length, 1)
})

await t.test('after stop() nothing counts as durable that is not', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big').set('nb-2-big')
  node.scan('start', table)
  await until(() => node.given.length === 2)
  node.tracker.stop()
  node.end('again')
  node.end()
  await node.tracker.idle()
  t.same(
    [...node.tracker.in('dirty', 'done')].map(({ name, state, stored }) => [
      name,
      state,
      stored !== undefined,
    ]),
    [
      ['nb-1-big', 'dirty', false],
      ['nb-2-big', 'done', true],
    ],
  )
})

await t.test(
  'a transaction log that is there at the start guards what it names, old files or not',
  async t => {
    const node = new Tracked(t, { existing: false })
    const table = node.table().set('nb-1-big').set('nb-2-big')
    const txn = new TxnLog(table.path, 'flush').add('nb-2-big')
    node.scan('start', table)
    await turn()
    t.same(
      [...node.tracker.in('old')].map(({ name }) => name),
      ['nb-1-big'],
    )
    t.same(node.live(), ['nb-1-big'])
    txn.commit().end()
    node.event(txn.path, 'gone')
    await until(() => node.given.length === 1)
    t.equal(node.given[0]?.group.name, 'nb-2-big')
    t.same(node.commits, ['+nb-2-big'])
  },
)

await t.test('an aborted transaction leaves old sets alone', async t => {
  const node = new Tracked(t, { existing: false })
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
  t.equal([...node.tracker.in('old')].length, 1)
  t.same([node.given, node.commits, node.errors], [[], [], []])
  t.same(node.live(), ['nb-1-big'])
})

await t.test('a rescan drops what is gone: files, sets, components and transactions', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big').set('nb-2-big').set('nb-3-big')
  table.file('plain')
  const txn = new TxnLog(table.path, 'compaction').add('nb-3-big').remove('nb-1-big').commit()
  node.scan('start', table)
  await until(() => node.given.length === 3)
  while (node.given.length > 0) node.end()
  const unit = node.unit()
  t.ok(unit.transactions.isObsolete('', 'nb-1-big'))
  t.same(node.live(), ['nb-2-big', 'nb-3-big'])
  table.delete('nb-1-big')
  table.delete('nb-2-big')
  rmSync(join(table.path, 'plain'))
  rmSync(join(table.path, 'nb-3-big-Filter.db'))
  txn.end()
  unit.changed = false
  node.scan('rescan', table)
  const groups = [...(node.tracker.directories.get(table.path)?.groups.values() ?? [])]
  t.same(
    groups.map(({ name }) => name),
    ['nb-3-big'],
  )
  t.notOk(groups[0]?.names.has('nb-3-big-Filter.db'))
  t.notOk(unit.transactions.isObsolete('', 'nb-1-big'))
  t.ok(unit.changed, 'a file of no set went')
  await until(() => node.errors.length > 0)
  t.match(node.errors[0], /nb-2-big is gone, and no transaction log says why/)
})

await t.test(
  'an old set that changed while events were lost goes up; one that did not stays old',
  async t => {
    const node = new Tracked(t, { existing: false })
    const table = node.table().set('nb-1-big').set('nb-2-big')
    node.scan('start', table)
    node.scan('rescan', table)
    await node.tracker.idle()
    t.same(node.given, [])
    writeFileSync(join(table.path, 'x.tmp'), 'rewritten')
    renameSync(join(table.path, 'x.tmp'), join(table.path, 'nb-1-big-Statistics.db'))
    node.scan('rescan', table)
    await until(() => node.given.length === 1)
    t.equal(node.given[0]?.group.name, 'nb-1-big')
  },
)

await t.test('a set whose files are gone before anybody told is gone', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big')
  table.file('plain')
  node.scan('start', table)
  await until(() => node.given.length === 2)
  while (node.given.length > 0) node.end()
  node.unit().changed = false
  const paths = table.paths('nb-1-big')
  table.delete('nb-1-big')
  rmSync(join(table.path, 'plain'))
  node.event(paths.find(path => path.endsWith('Statistics.db')) ?? '', 'gone')
  node.event(join(table.path, 'plain'), 'closed')
  await turn()
  t.same(
    node.unlinked.map(({ name }) => name),
    ['nb-1-big'],
  )
  t.ok(node.unit().changed, 'the file of no set')
  await until(() => node.errors.length > 0)
  t.same(node.commits, ['-nb-1-big unexplained'])
})

await t.test(
  'a directory that goes takes its sets along; names that are not UTF-8 are told once',
  async t => {
    const node = new Tracked(t)
    const table = node.table().set('nb-1-big')
    mkdirSync(join(table.path, '.idx'))
    node.scan('start', table)
    await until(() => node.given.length === 1)
    node.end()
    rmSync(table.path, { recursive: true })
    node.tracker.lost(table.path)
    t.equal(node.unit().directories.size, 0)
    await until(() => node.commits.length > 0)
    t.same(node.commits, ['-nb-1-big unexplained'])
    for (let i = 0; i < 3; i++) node.tracker.unreadable('/x', 'bad-\ufffd')
    t.equal(node.problems.length, 1)
  },
)
