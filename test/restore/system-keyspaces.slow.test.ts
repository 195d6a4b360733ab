import t from 'tap'

import { World } from './support.js'
import { at, stateSet, state, write } from './states.js'

const world = await World.start(t)

const DATA = '/var/lib/cassandra/data'
const ID = '0a1b2c3d4e5f60718293a4b5c6d7e8f9'

function pathOf(keyspace: string, table: string): string {
  return `${DATA}/${keyspace}/${table}-${ID}`
}

/** Puts a table's SSTables, and its restore points: `minute: sets`, `!` where an SSTable had vanished. */
async function table(keyspace: string, name: string, moments: Record<string, string[]>): Promise<void> {
  const directory = pathOf(keyspace, name)
  for (const set of new Set(Object.values(moments).flat())) await world.putSet(set, { directory })
  for (const [minute, names] of Object.entries(moments)) {
    const sets = new Map(names.map(set => [`${directory}/${set}`, stateSet(set)]))
    const unexplained = minute.endsWith('!') ? [`${directory}/nb-99-big`] : []
    const unit = `${keyspace}/${name}-${ID}`
    const directories = new Map([[directory, { device: 1n, inode: 1n }]])
    await write(
      world.client,
      'node1',
      state(at(parseInt(minute)), [], { unit, sets, unexplained, directories }),
    )
  }
}

function restored(): string[] {
  return Object.keys(world.tree())
    .filter(path => path.endsWith('-Data.db'))
    .map(path => path.replace(/^.*\/(\w+)-\w+\/(nb-\d+)-big-Data\.db$/, '$1 $2'))
    .sort()
}

await t.test('the tables of a system keyspace go back together, to where each of them is whole', async t => {
  await world.reset()
  await table('system_schema', 'columns', { 1: ['nb-1-big'], '4!': ['nb-4-big'] })
  await table('system_schema', 'tables', { 1: ['nb-1-big'], 3: ['nb-3-big'], 5: ['nb-5-big'] })
  // Whole at minute 5, and not at that to which columns goes back.
  await table('system_schema', 'views', { 1: ['nb-1-big'], '2!': ['nb-2-big'], 5: ['nb-5-big'] })
  await table('ks1', 't1', { 1: ['nb-1-big'], 5: ['nb-5-big'] })
  t.match(await world.restore(), { exitCode: 1 })
  t.same(restored(), ['columns nb-1', 't1 nb-5', 'tables nb-1', 'views nb-1'])
  t.equal(
    world.log.like(
      /^warn system_schema\/tables-\w+ goes back to 2026-11-23T04:01:59.999Z with system_schema\/views/,
    ).length,
    1,
  )
  t.equal(world.log.like(/^warn system_schema\/columns-\w+: its newest restore point, of .*04:04/).length, 1)
  t.match(await world.restore({ partial: true, replace: true }), { exitCode: 0 })
  t.match(await world.restore({ at: at(1), replace: true }), { exitCode: 0 })
})

await t.test('where none is whole the restore stops, unless --partial', async t => {
  await world.reset()
  await table('system_schema', 'columns', { '4!': ['nb-4-big'] })
  await table('system_schema', 'tables', { 1: ['nb-1-big'], 5: ['nb-5-big'] })
  await t.rejects(world.restore(), {
    code: 'KEYSPACE_SPLIT',
    message: /^system_schema\/columns-\w+ has no whole restore point as old as those of the other tables/,
  })
  t.same(world.tree(), {})
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 2 })
  await world.reset()
  await table('system_schema', 'columns', { '4!': ['nb-4-big'] })
  t.match(await world.restore(), { exitCode: 1, sets: 1 }, 'one table alone is what was asked for')
})
