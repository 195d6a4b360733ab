import { linkSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { until } from '../support/node.js'
import { TxnLog, type Table } from '../support/table.js'
import { TABLE, Tracked, turn, type TrackedOptions } from '../support/tracked.js'

/** A node whose table has these sets, all of them durable. */
async function nodeWith(t: Test, sets: readonly string[], options: TrackedOptions & { path?: string } = {}) {
  const node = new Tracked(t, { auto: true, snapshots: true, ...options })
  const table = node.table(options.path ?? TABLE)
  for (const set of sets) table.set(set)
  node.scan('start', table)
  await until(() => node.unit().history !== undefined && [...node.tracker.in('done')].length === sets.length)
  return { node, table }
}

/** A transaction from its log's creation to its end. */
function transact(
  node: Tracked,
  table: Table,
  kind: 'flush' | 'compaction' | 'stream' | 'unknowncompactiontype',
  { adds = [], removes = [] }: { adds?: string[]; removes?: string[] },
): void {
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
}

await t.test('flush and stream add, compaction rewrites, truncate and drop end', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  transact(node, table, 'flush', { adds: ['nb-2-big'] })
  transact(node, table, 'stream', { adds: ['nb-3-big', 'nb-4-big'] })
  transact(node, table, 'compaction', { adds: ['nb-5-big'], removes: ['nb-1-big', 'nb-2-big'] })
  transact(node, table, 'compaction', { removes: ['nb-3-big'] })
  transact(node, table, 'unknowncompactiontype', { removes: ['nb-4-big', 'nb-5-big'] })
  transact(node, table, 'flush', { adds: ['nb-1-big'] })
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

await t.test('a truncate of an empty table is an end all the same', async t => {
  const { node, table } = await nodeWith(t, [])
  transact(node, table, 'unknowncompactiontype', {})
  t.same(node.commits, ['end'])
})

await t.test('sets that no transaction wrote are one commit, once all of them are quiet', async t => {
  const { node, table } = await nodeWith(t, [])
  node.copy(table, 'nb-1-big')
  node.copy(table, 'nb-2-big')
  await turn()
  t.same(node.commits, [])
  await until(() => node.commits.length > 0)
  t.same(node.commits, ['+nb-1-big +nb-2-big'])
})

await t.test('a set that is not quiet yet holds back what appeared beside it', async t => {
  const { node, table } = await nodeWith(t, [], { settle: 60 })
  node.copy(table, 'nb-1-big')
  const restless = setInterval(() => {
    table.file('nb-2-big-Data.db')
    node.event(join(table.path, 'nb-2-big-Data.db'), 'closed')
  }, 10)
  t.teardown(() => clearInterval(restless))
  table.set('nb-2-big')
  await until(() => [...node.tracker.in('done')].length === 1)
  await node.quiet()
  t.same(node.commits, [])
  clearInterval(restless)
  await until(() => node.commits.length > 0)
  t.same(node.commits, ['+nb-1-big +nb-2-big'])
})

await t.test(
  'a whole set renamed is one commit, known by its inode, however long the renames take',
  async t => {
    const { node, table } = await nodeWith(t, ['nb-77-big'])
    const names = table.names('nb-77-big')
    const rename = (name: string) => {
      const to = name.replace('nb-77', 'nb-2')
      renameSync(join(table.path, name), join(table.path, to))
      node.event(join(table.path, name), 'gone')
      node.event(join(table.path, to), 'moved-in')
    }
    const [first = '', ...others] = [...names].sort(
      (a, b) => Number(b.includes('Data')) - Number(a.includes('Data')),
    )
    rename(first)
    await node.quiet()
    await node.quiet()
    t.same([node.commits, node.errors], [[], []], 'it is on its way')
    others.forEach(rename)
    await until(() => node.commits.length > 0)
    t.same(node.commits, ['+nb-2-big -nb-77-big'])
    t.same(node.errors, [])
  },
)

await t.test('a set that vanishes without a commit is unexplained', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big', 'nb-2-big'])
  node.delete(table, 'nb-1-big')
  t.same(node.commits, [], 'a transaction may tell yet')
  await until(() => node.commits.length > 0)
  t.same(node.commits, ['-nb-1-big unexplained'])
  t.match(node.errors, [/nb-1-big is gone, and no transaction log says why/])
  transact(node, table, 'compaction', { adds: ['nb-3-big'], removes: ['nb-1-big', 'nb-2-big'] })
  t.equal(node.commits.at(-1), '+nb-3-big -nb-1-big -nb-2-big')
  t.same(node.unit().history?.next(() => 'durable')?.unexplained, [], 'it is explained after all')
})

await t.test('a log that is read after the files went explains them', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  const log = new TxnLog(table.path, 'compaction').remove('nb-1-big')
  node.event(log.path, 'created')
  log.commit()
  node.delete(table, 'nb-1-big')
  node.event(log.path, 'closed')
  t.same(node.commits, ['-nb-1-big'])
  await node.quiet()
  t.same(node.errors, [])
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

await t.test('snapshots and backups lose what they like', async t => {
  for (const below of ['snapshots/s1', 'backups', 'snapshots/s1/.idx']) {
    const { node, table } = await nodeWith(t, ['nb-1-big'], { path: `${TABLE}/${below}` })
    node.delete(table, 'nb-1-big')
    await until(() => node.commits.length > 0)
    t.same([node.commits, node.errors], [[`-${below}/nb-1-big`], []])
  }
})

await t.test('a REMOVE of sets that nothing was known of is part of the commit', async t => {
  const { node, table } = await nodeWith(t, [])
  const log = new TxnLog(table.path, 'compaction').add('nb-9-big').remove('nb-8-big')
  node.event(log.path, 'created')
  node.copy(table, 'nb-9-big')
  log.commit()
  node.event(log.path, 'closed')
  t.same(node.commits, ['+nb-9-big -nb-8-big'])
  t.equal(node.gaps, 0)
})

await t.test('a path that is used again has one set at a time, whatever was seen of its going', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  const before = [...node.unit().groups()][0]
  node.delete(table, 'nb-1-big')
  transact(node, table, 'flush', { adds: ['nb-1-big'] })
  t.same(node.commits, ['-nb-1-big unexplained', '+nb-1-big'])
  const live = [...(node.unit().history?.live ?? [])]
  t.equal(live.length, 1)
  t.not(live[0], before)
  t.ok(live[0]?.fresh, 'and is another one than that which vanished')
  t.same(node.unit().history?.next(() => 'durable')?.unexplained, [before?.path])
})

await t.test('sets that a restore of ours moved aside are part of what it brought', async t => {
  const { node, table } = await nodeWith(t, ['nb-1-big'])
  const aside = node.table(`${TABLE}/.tablesnap-replaced-20261125T000000000Z`)
  for (const name of table.names('nb-1-big')) {
    renameSync(join(table.path, name), join(aside.path, name))
    node.event(join(table.path, name), 'gone')
  }
  node.copy(table, 'nb-2-big')
  await until(() => node.commits.length > 0)
  t.same([node.commits, node.errors], [['+nb-2-big -nb-1-big'], []])
})

await t.test('a set that never becomes complete is part of the table after a while', async t => {
  const { node, table } = await nodeWith(t, [])
  table.set('nb-1-big', { components: ['Data.db', 'Index.db'], toc: null })
  for (const path of table.paths()) node.event(path, 'closed')
  await until(() => [...node.tracker.in('waiting')].length === 1)
  node.tracker.expose(performance.now() - 60_000)
  t.same(node.commits, [], 'it may come yet')
  node.tracker.expose(performance.now())
  t.same(node.commits, ['+nb-1-big'])
  linkSync(join(table.path, 'nb-1-big-Index.db'), join(table.path, 'nb-1-big-Statistics.db'))
  node.event(join(table.path, 'nb-1-big-Statistics.db'), 'created')
  await until(() => [...node.tracker.in('done')].length === 1)
  t.same(node.commits, ['+nb-1-big'])
})
