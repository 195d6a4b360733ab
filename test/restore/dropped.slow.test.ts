import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { TABLE, World } from './support.js'
import { at, state, write } from './states.js'

const world = await World.start(t)

const KEYSPACE = '/var/lib/cassandra/data/ks1'
const SECOND = `t1-${'1'.repeat(32)}`
const LIVE = `t1-${'2'.repeat(32)}`

function make(name: string, ...below: string[]): string {
  const path = join(world.target, KEYSPACE, name)
  mkdirSync(join(path, ...below), { recursive: true })
  return path
}

/** The table was dropped twice: its first directory and the second one are left, the third is read. */
async function prepare(): Promise<void> {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big']))
  make(TABLE.slice(KEYSPACE.length + 1), 'snapshots', 'dropped-1795406227843-t1')
  make(LIVE, 'backups')
  make(SECOND, 'snapshots', 'dropped-1795406229843-t1')
}

function places(): string[] {
  const paths = Object.keys(world.tree()).filter(path => path.endsWith('-Data.db'))
  return paths.map(path => path.split('/').at(-2) ?? '')
}

await t.test('--map-table tells directories of dropped tables from the live one', async t => {
  await prepare()
  t.match(await world.restore({ mapTables: ['ks1.t1'] }), { exitCode: 0, sets: 1 })
  t.same(places(), [LIVE])
  const other = `t1-${'3'.repeat(32)}`
  make(other)
  await t.rejects(world.restore({ mapTables: ['ks1.t1'] }), {
    code: 'MAP_TABLE_AMBIGUOUS',
    message: /may be the table's \((t1-2+, t1-3+|t1-3+, t1-2+)\): .*--map-path .*=\/var\S*\/t1-(2|3)+$/,
  })
})

await t.test('a restore into the directory of a table that was created again is refused', async t => {
  await prepare()
  await t.rejects(world.restore(), {
    code: 'TARGET_SUPERSEDED',
    message: new RegExp(
      `^Cassandra does not read .*${TABLE}: ks1.t1 was dropped and created again, and its directory is .*${LIVE}. .*--map-table ks1.t1`,
    ),
  })
  t.same(world.tree(), {})
  t.match(await world.restore({ dryRun: true }), { exitCode: 1 })
  t.match(await world.restore({ force: true }), { exitCode: 0, sets: 1 })
  t.match(
    await world.restore(),
    { exitCode: 0, skipped: 8 },
    'SSTables are in it: it may be the one that is read',
  )
})

await t.test(
  'a restore beside the directory of another id is refused, into an empty keyspace not',
  async t => {
    await world.reset()
    await world.putSet('nb-1-big')
    await write(world.client, 'node1', state(at(1), ['nb-1-big']))
    make(LIVE)
    await t.rejects(world.restore(), { code: 'TARGET_SUPERSEDED' })
    await t.rejects(world.restore({ mapTables: ['ks1.none'] }), { code: 'MAP_UNUSED' })
    t.match(
      await world.restore({ mapPaths: [{ from: KEYSPACE, to: KEYSPACE }] }),
      { exitCode: 0 },
      'it was said',
    )
    await world.reset()
    await world.putSet('nb-1-big')
    await write(world.client, 'node1', state(at(1), ['nb-1-big']))
    make(SECOND, 'snapshots', 'dropped-1795406229843-t1')
    t.match(await world.restore(), { exitCode: 0, sets: 1 }, 'beside a dropped one it may be the live one')
  },
)
