import { join } from 'node:path'

import t from 'tap'

import { until } from '../support/node.js'
import { TxnLog } from '../support/table.js'
import { TABLE, Tracked, turn } from '../support/tracked.js'

async function settled(t: ConstructorParameters<typeof Tracked>[0], sets: readonly string[]) {
  const node = new Tracked(t, { auto: true })
  const table = node.table()
  for (const set of sets) table.set(set)
  node.scan('start', table)
  await until(() => node.unit().history !== undefined && [...node.tracker.in('done')].length === sets.length)
  /** A log came and went before anybody could read it. */
  const miss = () => node.event(join(table.path, 'nb_txn_compaction_missed.log'), 'created')
  return { node, table, miss }
}

await t.test('a set that a commit removes while the scan is on is not part of the table', async t => {
  const { node, table, miss } = await settled(t, ['nb-1-big', 'nb-2-big'])
  miss()
  const log = new TxnLog(table.path, 'compaction').remove('nb-1-big').commit()
  await until(() => node.unit().history !== undefined)
  t.same(node.live(), ['nb-2-big'])
  node.event(log.path, 'created')
  node.delete(table, 'nb-1-big')
  log.end()
  node.event(log.path, 'gone')
  await node.quiet()
  t.same([node.live(), node.errors, node.gaps], [['nb-2-big'], [], 1])
})

await t.test(
  'a log that the scan finds does not begin the history before the files are looked at',
  async t => {
    const { node, table, miss } = await settled(t, ['nb-1-big', 'nb-2-big'])
    miss()
    table.delete('nb-1-big')
    const log = new TxnLog(table.path, 'flush').add('nb-3-big')
    await until(() => node.unit().history !== undefined)
    await node.quiet()
    t.same([node.live(), node.errors], [['nb-2-big'], []], 'what was missed may have removed it')
    log.end()
    node.event(log.path, 'gone')
  },
)

await t.test(
  'a log of a flush that nobody could read is no gap: its set is found by its own events',
  async t => {
    const { node, table } = await settled(t, ['nb-1-big'])
    node.event(join(table.path, 'nb_txn_flush_missed.log'), 'created')
    t.ok(node.unit().history, 'the history goes on')
    node.copy(table, 'nb-2-big')
    await until(() => node.live().length === 2)
    t.same([node.live(), node.errors, node.gaps], [['nb-1-big', 'nb-2-big'], [], 0])
  },
)

await t.test('after an overflow every directory is scanned before the history goes on', async t => {
  const { node, table } = await settled(t, ['nb-1-big'])
  const other = node.table(TABLE.replace('d1', 'd2')).set('nb-9-big')
  node.scan('new', other)
  await until(() => node.live().length === 2)
  node.tracker.overflow()
  table.delete('nb-1-big')
  other.set('nb-10-big')
  node.scan('rescan', table)
  await turn()
  t.equal(node.unit().history, undefined, 'one of two')
  node.scan('rescan', other)
  await until(() => node.unit().history !== undefined && !node.unit().voided)
  await until(() => node.live().length === 2)
  t.same([node.live(), node.errors], [['nb-10-big', 'nb-9-big'], []])
})

await t.test('a rescan in which nothing is new says nothing', async t => {
  const { node, table } = await settled(t, ['nb-1-big'])
  const { length } = node.all
  node.scan('rescan', table)
  await node.quiet()
  t.same([node.commits, node.gaps, node.all.length], [[], 0, length])
})
