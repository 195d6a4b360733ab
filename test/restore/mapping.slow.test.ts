import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

import t from 'tap'

import { TABLE, World, leftovers } from './support.js'
import { UNIT, at, state, stateSet, write } from './states.js'

const world = await World.start(t)

const DATA = '/var/lib/cassandra/data'
const SECOND = TABLE.replace('/data/', '/data2/')
const INDEX = `${TABLE}/.by_name`
const OTHER = `${DATA}/ks2/t1-99990000111122223333444455556666`
const NEW_ID = 't1-ffffeeeeddddccccbbbbaaaa99998888'
const NEWER_ID = 't1-00001111222233334444555566667777'

function dataFiles(): string[] {
  return Object.keys(world.tree()).filter(path => path.endsWith('-Data.db'))
}

/** States of a table in two data directories with an index, and of another one. */
async function fill(): Promise<void> {
  await world.reset()
  const paths = [`${TABLE}/nb-1-big`, `${SECOND}/nb-2-big`, `${INDEX}/nb-1-big`]
  for (const path of [...paths, `${OTHER}/nb-1-big`])
    await world.putSet(path.slice(dirname(path).length + 1), { directory: dirname(path) })
  const sets = new Map(paths.map(path => [path, stateSet(path.slice(dirname(path).length + 1))]))
  const identity = { device: 1n, inode: 1n }
  const directories = new Map([TABLE, SECOND, INDEX].map(path => [path, identity]))
  await write(
    world.client,
    'node1',
    state(at(1), [], { sets, directories }),
    state(at(1), [], {
      unit: OTHER.slice(DATA.length + 1),
      sets: new Map([[`${OTHER}/nb-1-big`, stateSet('nb-1-big')]]),
      directories: new Map([[OTHER, identity]]),
    }),
  )
}

await t.test('--map-path: the longest path counts, and whole segments only', async t => {
  await fill()
  const mapPaths = [
    { from: '/var/lib', to: '/lib' },
    { from: '/var/lib/cassandra/dat', to: '/no' },
    { from: '/var/lib/cassandra/data2', to: '/mnt/two' },
  ]
  t.match(await world.restore({ mapPaths }), { exitCode: 0, sets: 4, failed: 0 })
  t.same(dataFiles().sort(), [
    `/lib/cassandra/data/${UNIT}/.by_name/nb-1-big-Data.db`,
    `/lib/cassandra/data/${UNIT}/nb-1-big-Data.db`,
    '/lib/cassandra/data/ks2/t1-99990000111122223333444455556666/nb-1-big-Data.db',
    `/mnt/two/${UNIT}/nb-2-big-Data.db`,
  ])
  t.same(world.log.like(/map-path/), [
    'warn --map-path /var/lib/cassandra/dat=/no: nothing that was below /var/lib/cassandra/dat is restored',
  ])
  t.same(leftovers(world.target), [])
  t.match(await world.restore({ mapPaths }), { exitCode: 0, sets: 0, skipped: 32 }, 'all is there')
})

await t.test('two data directories become one: sets of both are of the moment', async t => {
  await fill()
  const mapPaths = [{ from: `${DATA}2`, to: DATA }]
  t.match(await world.restore({ mapPaths }), { exitCode: 0, sets: 4 })
  t.ok(dataFiles().includes(`${TABLE}/nb-2-big-Data.db`))
  // With --at whatever the moment does not name is in its way.
  t.match(await world.restore({ mapPaths, at: at(1) }), { exitCode: 0, sets: 0, skipped: 32 })
  world.write(`${TABLE}/nb-9-big-Data.db`, 'x')
  await t.rejects(world.restore({ mapPaths, at: at(1) }), { code: 'TARGET_FOREIGN', message: /nb-9-big/ })
  t.match(await world.restore({ mapPaths, at: at(1), replace: true }), { exitCode: 0 })
  t.notOk(dataFiles().includes(`${TABLE}/nb-9-big-Data.db`))
})

await t.test('what cannot lie in one directory is refused before the first byte', async t => {
  await fill()
  await t.rejects(
    world.restore({
      mapPaths: [
        { from: `${DATA}/ks2`, to: dirname(TABLE) },
        { from: OTHER, to: TABLE },
      ],
    }),
    {
      code: 'MAP_COLLISION',
      message: /are different tables, and both would come to lie in .*t1-0a1b/,
    },
  )
  await t.rejects(world.restore({ mapPaths: [{ from: INDEX, to: TABLE }] }), {
    code: 'MAP_COLLISION',
    message: /nb-1-big and .*nb-1-big belong to a table and to an index of it, and would both come to lie in/,
  })
  await world.list('nb-1-big-Data.db', await world.putSet('nb-1-big', { directory: '/a/plain' }), '/a/plain')
  await world.list('nb-1-big-Data.db', await world.putSet('nb-1-big', { directory: '/b/plain' }), '/b/plain')
  await t.rejects(world.restore({ mapPaths: [{ from: '/a', to: '/b' }] }), {
    code: 'MAP_COLLISION',
    message: /plain\/nb-1-big and \/.\/plain\/nb-1-big would both come to lie in/,
  })
  t.same(world.tree(), {})
})

await t.test('a map leads out of the target by no link', async t => {
  await fill()
  mkdirSync(join(world.directory, 'outside'), { recursive: true })
  symlinkSync(join(world.directory, 'outside'), join(world.target, 'link'))
  t.match(await world.restore({ mapPaths: [{ from: `${DATA}/ks2`, to: '/link' }] }), {
    exitCode: 1,
    sets: 3,
    failed: 8,
  })
  t.equal(world.log.like(/error .*ks2.* leads out of the target by a symbolic link/).length, 1)
  t.same(world.tree(join(world.directory, 'outside')), {})
})

await t.test('--map-table: into the directory with the new id, in every data directory', async t => {
  await fill()
  const parents = [dirname(TABLE), dirname(SECOND)]
  for (const parent of parents) mkdirSync(join(world.target, parent, NEW_ID), { recursive: true })
  // Cassandra leaves a dropped table's directory behind.
  mkdirSync(join(world.target, TABLE), { recursive: true })
  t.match(await world.restore({ mapTables: ['ks1.t1'] }), { exitCode: 0, sets: 4 })
  t.same(dataFiles().sort(), [
    `${dirname(TABLE)}/${NEW_ID}/.by_name/nb-1-big-Data.db`,
    `${dirname(TABLE)}/${NEW_ID}/nb-1-big-Data.db`,
    `${OTHER}/nb-1-big-Data.db`,
    `${dirname(SECOND)}/${NEW_ID}/nb-2-big-Data.db`,
  ])
  t.ok(world.log.like(/ {2}nodetool refresh ks1 t1$/).length === 1, world.log.lines.join('\n'))

  world.write(`${dirname(SECOND)}/${NEW_ID}/nb-7-big-Data.db`, 'written since')
  await t.rejects(world.restore({ mapTables: ['ks1.t1'], at: at(1) }), {
    code: 'TARGET_FOREIGN',
    message: /ffffeeee.*nb-7-big/,
  })
})

await t.test('--map-table: a directory that is a link out of the target is none to restore into', async t => {
  await fill()
  const outside = join(world.directory, 'elsewhere')
  mkdirSync(outside)
  mkdirSync(join(world.target, dirname(TABLE)), { recursive: true })
  symlinkSync(outside, join(world.target, dirname(TABLE), NEW_ID))
  const only = { keyspaces: [], tables: ['ks1.t1'] }
  await t.rejects(world.restore({ mapTables: ['ks1.t1'], only }), {
    code: 'MAP_TABLE_MISSING',
    message: /data2/,
  })
  mkdirSync(join(world.target, dirname(SECOND), NEW_ID), { recursive: true })
  t.match(await world.restore({ mapTables: ['ks1.t1'], only }), { exitCode: 1, sets: 1, failed: 16 })
  t.same(world.tree(outside), {})
})

await t.test('--map-table: no directory, its own, or several', async t => {
  await fill()
  const mapTables = ['ks1.t1']
  await t.rejects(world.restore({ mapTables }), {
    code: 'MAP_TABLE_MISSING',
    message: /--map-table ks1.t1: there is no directory t1-<id> in .*ks1: create the table first/,
  })
  for (const path of [TABLE, SECOND]) mkdirSync(join(world.target, path), { recursive: true })
  t.match(await world.restore({ mapTables }), { exitCode: 0, sets: 4 }, 'it was not created again')
  for (const id of [NEW_ID, NEWER_ID]) mkdirSync(join(world.target, dirname(TABLE), id))
  await t.rejects(world.restore({ mapTables }), {
    code: 'MAP_TABLE_AMBIGUOUS',
    message:
      /several directories that may be the table's \(t1-.*, t1-.*\): .*with --map-path \/var\/lib\/.*=\/var/,
  })
  const chosen = [{ from: TABLE, to: `${dirname(TABLE)}/${NEW_ID}` }]
  mkdirSync(join(world.target, dirname(SECOND), NEW_ID))
  t.match(await world.restore({ mapTables, mapPaths: chosen }), { exitCode: 0, sets: 3 }, 'as it advises')
  t.ok(dataFiles().includes(`${dirname(TABLE)}/${NEW_ID}/.by_name/nb-1-big-Data.db`))
  await t.rejects(world.restore({ mapTables: ['ks1.t2'] }), { code: 'MAP_UNUSED', message: /ks1.t2/ })
})

await t.test('--map-table: of two tables of one name one is chosen by its id', async t => {
  await fill()
  const third = `${dirname(TABLE)}/${NEWER_ID}`
  await world.putSet('nb-5-big', { directory: third })
  await write(
    world.client,
    'node1',
    state(at(1), [], {
      unit: third.slice(DATA.length + 1),
      sets: new Map([[`${third}/nb-5-big`, stateSet('nb-5-big')]]),
      directories: new Map([[third, { device: 1n, inode: 1n }]]),
    }),
  )
  for (const path of [dirname(TABLE), dirname(SECOND)])
    mkdirSync(join(world.target, path, NEW_ID), { recursive: true })
  await t.rejects(world.restore({ mapTables: ['ks1.t1'] }), { code: 'MAP_COLLISION' })
  const only = { keyspaces: [], tables: [`ks1.${NEWER_ID}`] }
  t.match(await world.restore({ mapTables: [`ks1.${NEWER_ID}`], only }), { exitCode: 0, sets: 1 })
  t.same(dataFiles(), [`${dirname(TABLE)}/${NEW_ID}/nb-5-big-Data.db`])
})

await t.test('--keyspace and --table', async t => {
  await fill()
  const restored = async (keyspaces: string[], tables: string[]): Promise<string[]> => {
    await world.restore({
      only: { keyspaces, tables },
      target: join(world.target, `${keyspaces.join()}${tables.join()}`),
    })
    return dataFiles().filter(path => path.startsWith(`/${keyspaces.join()}${tables.join()}/`))
  }
  t.equal((await restored(['ks1'], [])).length, 3)
  t.equal((await restored([], ['ks2.t1'])).length, 1)
  t.equal((await restored([], [`ks1.${TABLE.slice(dirname(TABLE).length + 1)}`])).length, 3, 'with its id')
  t.equal((await restored(['ks1'], ['ks2.t1'])).length, 4, 'both together')
  await t.rejects(restored(['ks3'], ['ks1.t2']), {
    code: 'NOTHING_FOUND',
    message: /there is nothing of ks3, ks1.t2 of node1; there are ks1.t1, ks2.t1$/,
  })
  // What is wrong with another table is no hindrance.
  await world.client.call({
    operation: 'DeleteObject',
    method: 'DELETE',
    key: `node1:${OTHER}/nb-1-big-Data.db`,
  })
  await t.rejects(restored([], ['ks2.t1']), { code: 'STATE_DAMAGED' })
  t.equal((await restored(['ks1'], [])).length, 3)
})

await t.test('listings of the Python program: filters, maps and directories without an id', async t => {
  await world.reset()
  const old = '/old/data/ks1/t1'
  for (const directory of [TABLE, old, `${old}/snapshots/now`])
    await world.list('nb-1-big-Data.db', await world.putSet('nb-1-big', { directory }), directory)
  const mapPaths = [{ from: '/old/data', to: DATA }]
  t.match(await world.restore({ only: { keyspaces: [], tables: ['ks1.t1'] }, mapPaths }), {
    exitCode: 0,
    sets: 3,
  })
  t.same(
    dataFiles().sort(),
    [
      `${DATA}/ks1/t1/nb-1-big-Data.db`,
      `${DATA}/ks1/t1/snapshots/now/nb-1-big-Data.db`,
      `${TABLE}/nb-1-big-Data.db`,
    ].sort(),
  )
  mkdirSync(join(world.target, dirname(TABLE), NEW_ID))
  await t.rejects(
    world.restore({ only: { keyspaces: ['ks1'], tables: [] }, mapTables: ['ks1.t1'], mapPaths }),
    { code: 'MAP_TABLE_AMBIGUOUS', message: /\(t1-(0a1b\w+, t1-ffff|ffff\w+, t1-0a1b)\w+\)/ },
    'a directory without an id may be either',
  )
})
