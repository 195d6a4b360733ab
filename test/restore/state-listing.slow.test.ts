import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { States } from '../../src/manifest/states.js'
import { isOwnListing, listingOf, writeListing } from '../../src/manifest/upstream-listing.js'
import { getObject } from '../../src/s3/object.js'

import { KEYS, STORAGE, at, entry, state, write } from './states.js'
import { TABLE, World } from './support.js'

const world = await World.start(t)

/** Names of the sets in the target. */
function sets(target = world.target): string[] {
  const names = Object.keys(world.tree(target)).map(path => /([^/]*)-Data\.db$/.exec(path)?.[1])
  return names.filter(name => name !== undefined).sort()
}

/** A state of now, by the server's clock in whole seconds as LastModified has them. */
function now(): number {
  return Math.floor((Date.now() + world.shift) / 1000) * 1000
}

/** Writes a listing as the daemon does. */
async function listOurs(dataName: string, names: readonly string[]): Promise<void> {
  world.shift += 1100
  await writeListing(world.client, listingOf(KEYS, TABLE, dataName, names), STORAGE)
}

await t.test('our listings are marked, and those of the original are not', async t => {
  await world.reset()
  await listOurs('nb-1-big-Data.db', ['nb-1-big-Data.db'])
  await world.list('nb-2-big-Data.db', ['nb-2-big-Data.db'])
  const ours = await getObject(world.client, KEYS.listing(`${TABLE}/nb-1-big-Data.db`))
  t.equal(ours.info.metadata['tablesnap'], '2')
  t.equal(isOwnListing(ours.info.metadata), true)
  const other = await getObject(world.client, KEYS.listing(`${TABLE}/nb-2-big-Data.db`))
  t.equal(isOwnListing(other.info.metadata), false)
})

await t.test('a newer listing of the original wins, one of ours and an older one do not', async t => {
  await world.reset()
  const one = await world.putSet('nb-1-big')
  const two = await world.putSet('nb-2-big')
  await world.putSet('nb-3-big')
  await world.list('nb-1-big-Data.db', one)
  world.shift += 2000
  await write(world.client, 'node1', state(now(), ['nb-3-big']))
  await listOurs('nb-2-big-Data.db', two)
  t.match(await world.restore(), { exitCode: 0, sets: 1 })
  t.same(sets(), ['nb-3-big'], 'the state is newer than the one listing, and the other is ours')

  await world.list('nb-9-big-Data.db', two)
  await listOurs('nb-1-big-Data.db', one)
  const target = join(world.directory, 'back')
  t.match(await world.restore({ target }), { exitCode: 0, sets: 1 })
  t.same(sets(target), ['nb-2-big'], 'ours on top of it hides it not')
  t.equal(world.log.like(/^warn .*nb-9-big-Data.db-listdir.json is the Python program's and newer/).length, 1)
  t.equal(world.log.like(/complete to the flush of/).length, 1)
})

await t.test('--at goes through states and listings as one sequence', async t => {
  await world.reset()
  const listed: number[] = []
  for (const set of ['nb-1-big', 'nb-2-big']) {
    await world.list(`${set}-Data.db`, await world.putSet(set))
    listed.push(now())
    world.shift += 5000
  }
  await world.putSet('nb-3-big')
  const stated = now()
  await write(world.client, 'node1', state(stated, ['nb-3-big']))
  world.shift += 5000
  await world.list('nb-4-big-Data.db', await world.putSet('nb-4-big'))
  const expected = [
    [listed[0], 'nb-1-big'],
    [(listed[1] ?? 0) - 3000, 'nb-1-big'],
    [listed[1], 'nb-2-big'],
    [stated - 1, 'nb-2-big'],
    [stated, 'nb-3-big'],
    [stated + 2000, 'nb-3-big'],
    [stated + 60_000, 'nb-4-big'],
    [undefined, 'nb-4-big'],
  ] as const
  for (const [time, set] of expected) {
    const target = join(world.directory, `sequence${String(time)}`)
    t.match(await world.restore({ at: time, target }), { exitCode: 0 })
    t.same(sets(target), [set], String(time))
  }
  await t.rejects(world.restore({ at: (listed[0] ?? 0) - 5000 }), { code: 'MOMENT_MISSING' })
})

await t.test('a directory of a unit with a state is governed by the state alone', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  const index = `${TABLE}/.idx`
  await world.list('nb-7-big-Data.db', await world.putSet('nb-7-big', { directory: index }), index)
  const second = TABLE.replace('/data/', '/data2/')
  await world.putSet('nb-8-big', { directory: second })
  await world.put('node1:/etc/cassandra.yaml', 'yaml')
  world.shift += 2000
  await write(world.client, 'node1', state(now(), ['nb-1-big']))
  t.match(await world.restore(), { exitCode: 0, sets: 2 })
  t.same(sets(), ['nb-1-big'], 'the index was dropped, and of the other data directory the state has nothing')
  t.ok(world.tree()['/etc/cassandra.yaml'], 'a unit with neither comes whole')
})

await t.test('with --at a unit with neither comes whole, and that is told', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big']))
  await world.put('node1:/etc/cassandra.yaml', 'yaml')
  t.match(await world.restore({ at: at(2) }), { exitCode: 0, sets: 2 })
  t.equal(
    world.log.like(
      /^warn \/etc has neither a manifest nor an upstream listing: tablesnap restores all of its objects/,
    ).length,
    1,
  )
})

await t.test('other contents of files without a state: the newest, as before', async t => {
  await world.reset()
  await world.put('node1:/data/x', 'first')
  await world.put('node1:/data/y', 'first')
  world.shift += 1100
  const key = '.tablesnap/node1/versions/data/x~0123456789abcdef'
  await world.put(key, 'second')
  await world.put('.tablesnap/node1/versions/data/y~0123456789abcdef', 'second')
  await write(world.client, 'node1', state(at(1), [], { unit: 'other', directories: new Map() }))
  t.match(await world.restore(), { exitCode: 0, files: 2 })
  t.equal(readFileSync(join(world.target, '/data/x'), 'utf8'), 'second')
  const files = new Map([
    ['/data/x', entry('second', key)],
    ['/data/y', entry('first')],
  ])
  await write(world.client, 'node1', state(at(1), [], { unit: 'data', files, directories: new Map() }))
  const target = join(world.directory, 'stated')
  t.match(await world.restore({ target }), { exitCode: 0, files: 2 })
  t.equal(readFileSync(join(target, '/data/x'), 'utf8'), 'second')
  t.equal(readFileSync(join(target, '/data/y'), 'utf8'), 'first')
})

await t.test('a unit below another one does not hide its states', async t => {
  await world.reset()
  const states = new States(world.client, KEYS)
  const units = ['data/x', 'data/x/.hidden', 'data/x/1st', 'data/x/sub']
  for (const unit of units) {
    for (const time of [at(1), at(2)]) {
      await write(world.client, 'node1', state(time, [], { unit, directories: new Map() }))
    }
  }
  const found: string[] = []
  for await (const { unit, time } of states.heads()) {
    t.equal(time, at(2), unit)
    found.push(unit)
  }
  t.same(found.sort(), units)
  for (const unit of units) {
    t.match(await states.newest(unit), { unit, time: at(2) })
    t.match(await states.newest(unit, at(2) - 1), { unit, time: at(1) })
    t.equal(await states.newest(unit, at(1) - 1), undefined)
    const times: number[] = []
    for await (const { time } of states.keysOf(unit)) times.push(time)
    t.same(times, [at(2), at(1)], unit)
  }
})
