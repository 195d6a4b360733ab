import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { until } from '../support/node.js'
import { TxnLog } from '../support/table.js'
import { Tracked, turn } from '../support/tracked.js'

await t.test(
  'a failed upload is tried again after a pause by a daemon, and not at all by a one-shot backup',
  async t => {
    const [daemon, once] = [new Tracked(t), new Tracked(t, { retry: false })]
    for (const node of [daemon, once]) {
      node.scan('start', node.table().set('nb-1-big'))
      await until(() => node.given.length === 1)
      node.end('failed')
    }
    const began = performance.now()
    await once.tracker.idle()
    t.equal([...once.tracker.in('failed')].length, 1)
    await until(() => daemon.given.length === 1)
    const pause = performance.now() - began
    t.ok(pause > 900 && pause < 5_000, `${pause} ms`)
    t.ok(daemon.given[0]?.group.hindered, 'it cannot be uploaded since then')
    daemon.end()
    t.equal([...daemon.tracker.in('done')].length, 1)
    t.equal([...daemon.unit().groups()][0]?.hindered, undefined)
    t.equal(once.given.length, 0)
  },
)

await t.test('a one-shot backup does not wait for ever for a file that does not come to rest', async t => {
  const node = new Tracked(t, { retry: false, settle: 80 })
  const table = node.table()
  const path = table.file('restless')
  const timer = setInterval(() => writeFileSync(path, String(performance.now())), 5)
  t.teardown(() => clearInterval(timer))
  node.scan('start', table)
  await node.tracker.idle()
  t.equal([...node.tracker.in('waiting')].length, 1, 'it never came to rest')
  clearInterval(timer)
  node.scan('rescan', table)
  for (let tries = 0; tries < 4; tries++) {
    await until(() => node.given.length === 1)
    node.end('again')
  }
  await node.tracker.idle()
  t.equal([...node.tracker.in('waiting')].length, 1, 'it changed during each of four uploads')
})

await t.test('a daemon takes up again whatever changed during its upload, however often', async t => {
  const node = new Tracked(t, { settle: 5 })
  node.scan('start', node.table().set('nb-1-big'))
  for (let tries = 0; tries < 6; tries++) {
    await until(() => node.given.length === 1)
    node.end('again')
  }
  await until(() => node.given.length === 1)
  t.equal(node.all.length, 7)
})

await t.test('a set that Cassandra took away while it waited is judged by what is there', async t => {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big').set('nb-2-big')
  node.scan('start', table)
  await until(() => node.given.length === 2)
  table.delete('nb-1-big')
  node.end('gone')
  await turn()
  t.same(
    [...node.unit().groups()].map(({ name }) => name),
    ['nb-2-big'],
  )
  node.end('gone')
  await until(() => node.given.length === 1)
  t.equal(node.given[0]?.group.name, 'nb-2-big', 'it came back before anybody looked')
})

await t.test('the history of a unit begins when all that its scan found was judged', async t => {
  const node = new Tracked(t, { settle: 60 })
  const table = node.table().set('nb-1-big')
  table.set('nb-2-big', { components: ['Data.db'], toc: null })
  table.file('plain')
  const log = new TxnLog(table.path, 'flush').add('nb-3-big')
  table.set('nb-3-big')
  node.scan('start', table)
  await turn()
  t.equal(node.unit().history, undefined, 'one is not quiet yet')
  t.equal(node.unit().unsettled.size, 1)
  await until(() => node.unit().history !== undefined)
  t.same(
    node.live(),
    ['nb-1-big'],
    'neither what is not complete nor what is being written; nor does it wait for uploads',
  )
  // Both were given out, within a moment of each other, and neither has ended.
  await until(() => node.given.length === 2)
  log.end()
})

await t.test('a removal during the scan that nobody explains makes it void; a commit does not', async t => {
  const node = new Tracked(t, { settle: 60 })
  const table = node.table().set('nb-1-big').set('nb-2-big').set('nb-3-big')
  node.scan('start', table)
  await turn()
  const log = new TxnLog(table.path, 'compaction').add('nb-4-big').remove('nb-1-big')
  node.event(log.path, 'created')
  node.copy(table, 'nb-4-big')
  log.commit()
  node.event(log.path, 'closed')
  node.delete(table, 'nb-1-big')
  log.end()
  node.event(log.path, 'gone')
  await until(() => node.unit().history !== undefined)
  t.equal(node.gaps, 0)
  t.same(node.live(), ['nb-2-big', 'nb-3-big', 'nb-4-big'])

  const other = new Tracked(t, { settle: 60 })
  const second = other.table().set('nb-1-big').set('nb-2-big')
  other.scan('start', second)
  await turn()
  other.delete(second, 'nb-1-big')
  await until(() => other.unit().history !== undefined)
  t.equal(other.gaps, 1)
  t.same([other.live(), other.errors], [['nb-2-big'], []])
})

await t.test(
  'a file of no set: renamed into place at once, written when it is quiet, a hardlink by its CREATE',
  async t => {
    const node = new Tracked(t, { settle: 60 })
    const table = node.table()
    node.scan('start', table)
    await turn()
    node.event(table.file('moved'), 'moved-in')
    node.event(table.file('written'), 'created')
    await turn()
    t.same(
      node.given.map(({ group }) => group.name),
      ['moved'],
    )
    t.notOk(
      [...node.unit().groups()].some(({ name }) => name === 'written'),
      'it may be open for long',
    )
    node.event(join(table.path, 'written'), 'closed')
    await until(() => node.given.length === 2)
    t.equal(node.given[1]?.group.name, 'written')
    rmSync(join(table.path, 'written'))
    while (node.given.length > 0) node.end('gone')
  },
)
