import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import t from 'tap'

import { TABLE, World } from './support.js'
import { UNIT, at, state, stateSet, write } from './states.js'

// A table that is restored without one of its SSTables is never called complete, whatever the reason.

const world = await World.start(t)

/** A table with three SSTables, and a manifest of them. */
async function threeSSTables(changes: Parameters<typeof state>[2] = {}): Promise<void> {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big', 'nb-3-big']) await world.putSet(set)
  await write(world.client, 'node1', state(at(1), ['nb-1-big', 'nb-2-big', 'nb-3-big'], changes))
}

function saysIncomplete(t: Pick<Tap, 'same'>, what: string, count: string, verb: 'is' | 'are'): void {
  t.same(world.log.like(/complete/), [
    `info ${what} will not be complete: ${count} of the flush of 2026-11-23T04:01:00.000Z ${verb} not restored, as said above`,
  ])
}

type Tap = typeof t

await t.test('objects that the bucket lacks', async t => {
  await threeSSTables()
  for (const name of ['nb-1-big-Data.db', 'nb-3-big-Statistics.db'])
    await world.client.call({ operation: 'DeleteObject', method: 'DELETE', key: `node1:${TABLE}/${name}` })
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 1 })
  saysIncomplete(t, UNIT, '2 SSTables and files', 'are')
})

await t.test('an SSTable without which Cassandra reads the same rows is no loss', async t => {
  await threeSSTables()
  const key = `node1:${TABLE}/nb-1-big-Filter.db`
  await world.client.call({ operation: 'DeleteObject', method: 'DELETE', key })
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 3 })
  t.equal(world.log.like(/will be complete to the flush/).length, 1)
})

await t.test('archived objects', async t => {
  await threeSSTables()
  const headers = { 'X-Amz-Storage-Class': 'GLACIER' }
  await world.put(`node1:${TABLE}/nb-1-big-Data.db`, 'content of nb-1-big-Data.db', { headers })
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 2 })
  saysIncomplete(t, UNIT, '1 SSTable or file', 'is')
})

await t.test('an SSTable that was damaged on the node', async t => {
  const sets = new Map([
    [`${TABLE}/nb-1-big`, stateSet('nb-1-big', { corrupt: true })],
    [`${TABLE}/nb-2-big`, stateSet('nb-2-big')],
  ])
  await threeSSTables({ sets })
  t.match(await world.restore({ partial: true }), { exitCode: 0, sets: 1 })
  saysIncomplete(t, UNIT, '1 SSTable or file', 'is')
  await threeSSTables({ sets })
  t.match(await world.restore({ force: true }), { exitCode: 0, sets: 2 })
  t.equal(world.log.like(/will be complete to the flush/).length, 1)
})

await t.test('a target that has something else in the place of the table', async t => {
  await threeSSTables()
  mkdirSync(dirname(join(world.target, TABLE)), { recursive: true })
  writeFileSync(join(world.target, TABLE), 'a file')
  t.match(await world.restore(), { exitCode: 1, sets: 0, failed: 24 })
  saysIncomplete(t, UNIT, '3 SSTables and files', 'are')
  t.equal(world.log.like(/^error/).length, 1, 'one cause is one line')
})

await t.test("a listing of the Python program's", async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big']) await world.putSet(set)
  const names = ['nb-1-big-Data.db', 'nb-2-big-Data.db', 'nb-2-big-Index.db', 'nb-1-big-Index.db']
  await world.put(`node1:${TABLE}/nb-2-big-Data.db-listdir.json`, JSON.stringify({ [TABLE]: names }))
  await world.client.call({
    operation: 'DeleteObject',
    method: 'DELETE',
    key: `node1:${TABLE}/nb-1-big-Data.db`,
  })
  const { exitCode } = await world.restore()
  t.equal(exitCode, 1)
  t.match(world.log.like(/complete/), [
    /^info \S+ will not be complete: 1 SSTable or file of the flush of \S+ is not restored, as said above$/,
  ])
})
