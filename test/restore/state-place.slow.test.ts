import { lstatSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import t from 'tap'

import { Filter } from '../../src/backup/filter.js'
import { isAside } from '../../src/cassandra/names.js'
import { tableOfUnit, unitOf } from '../../src/cassandra/unit.js'
import { findAside } from '../../src/restore/plan/aside.js'

import { UNIT, at, state, stateSet, write } from './states.js'
import { TABLE, World } from './support.js'

const world = await World.start(t)

const SECOND = TABLE.replace('/data/', '/data2/')
const INDEX = `${TABLE}/.by_name`

function dataFiles(): string[] {
  return Object.keys(world.tree()).filter(path => path.endsWith('-Data.db'))
}

/** A state of a table with an index and two data directories. */
async function withThree(time: number): Promise<void> {
  const paths = [`${TABLE}/nb-1-big`, `${SECOND}/nb-2-big`, `${INDEX}/nb-1-big`]
  for (const path of paths)
    await world.putSet(path.slice(dirname(path).length + 1), { directory: dirname(path) })
  const sets = new Map(paths.map(path => [path, stateSet(path.slice(dirname(path).length + 1))]))
  const directories = new Map([TABLE, SECOND, INDEX].map(path => [path, { device: 1n, inode: 1n }]))
  await write(world.client, 'node1', state(time, [], { sets, directories }))
}

await t.test('units', t => {
  t.equal(unitOf(TABLE), UNIT)
  t.equal(unitOf(INDEX), UNIT)
  t.equal(unitOf(SECOND), UNIT)
  t.equal(unitOf(`${TABLE}/snapshots/now`), `${TABLE}/snapshots/now`.slice(1))
  t.equal(unitOf(`${TABLE}/snapshots/now/.by_name`), `${TABLE}/snapshots/now/.by_name`.slice(1))
  t.equal(unitOf('/var/lib/cassandra/commitlog'), 'var/lib/cassandra/commitlog')
  t.equal(unitOf('/old/ks/table'), 'old/ks/table')
  t.equal(unitOf('/old/ks/table/.idx'), 'old/ks/table/.idx')
  t.equal(
    unitOf('/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'),
    't-0a1b2c3d4e5f60718293a4b5c6d7e8f9',
    'it has no keyspace',
  )
  t.equal(unitOf('/'), '/')
  t.same(tableOfUnit(UNIT), { keyspace: 'ks1', table: 't1' })
  t.equal(tableOfUnit('old/ks/table'), undefined)
  t.equal(tableOfUnit(`data/${UNIT}`), undefined)
  t.end()
})

await t.test('a unit comes with all its directories, and its indexes are to be rebuilt', async t => {
  await world.reset()
  await withThree(at(1))
  const line =
    'info Once Cassandra runs, rebuild the secondary indexes: nodetool rebuild_index ks1 t1 by_name'
  t.match(await world.restore({ dryRun: true }), { exitCode: 0, sets: 3 })
  t.same(world.log.like(/rebuild_index/), [line])
  t.match(await world.restore(), { exitCode: 0, sets: 3, files: 24 })
  t.equal(dataFiles().length, 3)
  t.same(world.log.like(/rebuild_index/), [line])
  t.equal(world.log.like(/complete to the flush of/).length, 1, 'once for the unit')
  await world.restore()
  t.same(world.log.like(/rebuild_index/), [], 'nothing came')
})

await t.test('SSTables of another moment are told by the whole unit', async t => {
  await world.reset()
  await withThree(at(1))
  await world.putSet('nb-3-big')
  await write(
    world.client,
    'node1',
    state(at(2), ['nb-3-big'], { directories: new Map([[SECOND, { device: 1n, inode: 1n }]]) }),
  )
  world.write(`${SECOND}/nb-9-big-Data.db`, 'the state has nothing in this directory')
  await t.rejects(world.restore(), { code: 'TARGET_FOREIGN', message: /data2.*nb-9-big-Data.db.*--replace/ })
  t.match(await world.restore({ replace: true }), { exitCode: 0, sets: 1 })
  t.same(
    dataFiles().filter(path => !isAside(path.split('/')[1] ?? '')),
    [`${TABLE}/nb-3-big-Data.db`],
  )

  world.write(`${SECOND}/nb-9-big-Data.db`, 'flushed since')
  t.match(await world.restore(), { exitCode: 0 }, 'beside all of the newest state it is simply newer')
  await t.rejects(
    world.restore({ at: at(2) }),
    { code: 'TARGET_FOREIGN' },
    'beside an older moment it is not',
  )
})

await t.test('what was moved aside is recognised, found again, and never uploaded', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big']))
  const local = world.write(`${TABLE}/nb-9-big-Data.db`, 'local')
  const { ino } = lstatSync(local, { bigint: true })
  t.equal(findAside(dirname(local), 'nb-9-big-Data.db', ino), undefined)
  await world.restore({ replace: true })
  const [name = ''] = readdirSync(world.target).filter(isAside)
  t.match(name, /^\.tablesnap-replaced-\d{8}T\d{9}Z$/)
  const aside = join(world.target, name, TABLE, 'nb-9-big-Data.db')
  t.equal(findAside(dirname(local), 'nb-9-big-Data.db', ino), aside)
  t.equal(findAside(dirname(local), 'nb-9-big-Data.db', ino + 1n), undefined, 'another file of that name')
  const filter = new Filter({ exclude: [], include: [], snapshots: true, backups: true }, [world.target])
  t.equal(filter.skips(join(world.target, name)), true)
  t.equal(filter.skips(join(world.target, 'replaced')), false)
})

await t.test('many objects need few requests', async t => {
  await world.reset()
  const names = Array.from({ length: 12 }, (_, index) => `nb-${index}-big`)
  await Promise.all(names.map(name => world.putSet(name)))
  for (let table = 0; table < 5; table++) {
    const unit = `data/other${table}`
    await write(world.client, 'node1', state(at(1), [], { unit, directories: new Map() }))
  }
  await write(world.client, 'node1', state(at(1), names))
  await world.restore()
  world.server.requests.length = 0
  t.match(await world.restore(), { exitCode: 0, skipped: 96 })
  // Files, other contents and manifests; one GET of each unit's newest, and one of node.json.
  t.equal(world.server.requests.filter(({ operation }) => operation === 'ListObjectsV2').length, 3)
  t.equal(world.server.requests.filter(({ operation }) => operation === 'GetObject').length, 7)
  t.equal(world.server.requests.length, 10)
})
