import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'

import { TABLE, World } from './support.js'
import { UNIT, at, stateSet, state, write } from './states.js'

const world = await World.start(t)

const DATA = '/var/lib/cassandra/data'

async function table(directory: string, set: string): Promise<void> {
  await world.putSet(set, { directory })
  const sets = new Map([[`${directory}/${set}`, stateSet(set)]])
  await write(
    world.client,
    'node1',
    state(at(1), [], { unit: directory.slice(DATA.length + 1), sets, directories: new Map() }),
  )
}

/** Lines from the first that begins so. */
function nextLines(): string[] {
  const lines = world.log.lines
  return lines.slice(lines.findIndex(line => line.startsWith('info Next'))).slice(0, -1)
}

await t.test('the plan: tables, space, objects that are missing or of the wrong size', async t => {
  await world.reset()
  await table(TABLE, 'nb-1-big')
  await table(`${DATA}/ks2/t2-99990000111122223333444455556666`, 'nb-1-big')
  await world.put(`node1:${TABLE}/nb-1-big-Summary.db`, 'of another size')
  await world.client.call({
    operation: 'DeleteObject',
    method: 'DELETE',
    key: `node1:${TABLE}/nb-1-big-Filter.db`,
  })
  await world.restore({ dryRun: true, partial: true })
  t.match(world.log.like(/^info Restoring/), [
    /: 2 tables, 2 SSTables, 14 files, \d\S* \w+ in 2 directories; 0 files already in place, 1 missing, 1 of the wrong size, 0 refused$/,
  ])
  t.match(world.log.like(/^info needs/), [/info needs \S+ \w+ in \/.*target; \S+ \w+ free/])
  t.match(world.log.like(/complete to the flush of/), [
    `${UNIT} will be complete to the flush of 2026-11-23T04:01:00.000Z; later writes are only in the commitlog`,
    /^info ks2\/t2/,
  ])
  t.match(world.log.like(/^warn .*Summary/), [/has 15 bytes in the bucket, and by its state \d+/])
  t.same(world.log.like(/Next/), [], 'nothing was done')
})

await t.test('commitlog segments that would be replayed are named', async t => {
  await world.reset()
  await table(TABLE, 'nb-1-big')
  await world.restore({ dryRun: true })
  t.same(world.log.like(/commit log segments?/), [])
  world.write('/var/lib/cassandra/commitlog/CommitLog-7-1700000000001.log', 'x')
  world.write('/var/lib/cassandra/commitlog/CommitLog-7-1700000000001_cdc.idx', 'x')
  world.write('/var/lib/cassandra/commitlog/other', 'x')
  await world.restore({ dryRun: true })
  const line =
    /Cassandra replays 1 commit log segment at its next start \(\S+\/commitlog\/CommitLog-7-1700000000001.log\)/
  t.match(world.log.like(/commit log segments?/), [line])
  t.equal(world.log.like(/^info .*commit log segments?/).length, 1)
  await world.restore({ dryRun: true, at: at(1) })
  t.equal(world.log.like(/^warn .*commit log segments?/).length, 1, 'an older moment would not stay one')
})

await t.test('what comes next: import from elsewhere', async t => {
  await world.reset()
  await table(TABLE, 'nb-1-big')
  await world.restore()
  t.same(nextLines(), [
    'info Next, where Cassandra runs with the tables in its schema:',
    `info   nodetool import --copy-data ks1 t1 ${join(world.target, TABLE)}`,
  ])
  await world.restore()
  t.same(world.log.like(/Next/), [], 'nothing came')
})

await t.test('what comes next: refresh where the table is, UUID ids', async t => {
  await world.reset()
  await table(TABLE, 'da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti')
  mkdirSync(join(world.target, dirname(TABLE), 't1-ffffeeeeddddccccbbbbaaaa99998888'), { recursive: true })
  await world.restore({ mapTables: ['ks1.t1'] })
  t.same(nextLines(), [
    'info Next: start Cassandra; or where it runs, with the tables in its schema:',
    'info   nodetool refresh ks1 t1',
  ])
  t.equal(world.log.like(/uuid_sstable_identifiers_enabled: true/).length, 1)
})

await t.test('what comes next: a whole node', async t => {
  await world.reset()
  await table(TABLE, 'nb-1-big')
  await table(`${DATA}/system/local-7ad54392bcdd35a684174e047860b377`, 'nb-1-big')
  await table(`${DATA}/system_schema/tables-afddfb9dbc1e30688056eed6c302ba09`, 'nb-1-big')
  await world.restore()
  t.match(nextLines(), [
    /^info Next: start Cassandra on what was restored; it takes its tokens and its schema/,
  ])
  await world.reset()
  await table(TABLE, 'nb-1-big')
  world.server.faults.add({ on: 'GET', key: /Data\.db$/, count: Infinity, fault: faults.corrupt(0) })
  t.match(await world.restore(), { exitCode: 1 })
  t.same(world.log.like(/Next/), [], 'not all is there')
})
