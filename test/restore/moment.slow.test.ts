import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { TABLE, World } from './support.js'

const world = await World.start(t)

/** The names of what was restored of the table. */
function names(target: string): string[] {
  return Object.keys(world.tree(target))
    .map(path => path.slice(TABLE.length + 1))
    .sort()
}

await t.test('a set that lacks a file Cassandra needs stays away, one that lacks another comes', async t => {
  await world.reset()
  const whole = await world.putSet('nb-1-big')
  const less = await world.putSet('nb-2-big', {
    without: ['Filter.db', 'Summary.db', 'Digest.crc32', 'TOC.txt'],
  })
  const broken = await world.putSet('nb-3-big', { without: ['Index.db'] })
  const lost = ['nb-4-big-Data.db', 'nb-4-big-Index.db']
  await world.list('nb-3-big-Data.db', [...whole, ...less, ...broken, ...lost])

  const summary = await world.restore()
  const expected = [...whole, ...less.filter(name => !/Filter|Summary|Digest|TOC/.test(name))].sort()
  t.same(names(world.target), expected)
  t.match(summary, { exitCode: 1, sets: 2, missing: 8, failed: 0 })
  t.same(world.log.like(/missing from the bucket/).length, 8)
  t.same(world.log.like(/^warn .*nb-3-big is not restored/).length, 1)
  t.equal(world.log.like(/^warn node1:.*nb-2-big-Filter.db is missing/).length, 1)

  t.match(await world.restore({ partial: true }), { exitCode: 0, missing: 8, skipped: expected.length })
})

await t.test('what is no backed-up file in a listing is no failure', async t => {
  await world.reset()
  const set = await world.putSet('nb-1-big')
  await world.put(`node1:${TABLE}/nb-2-big-Statistics.db.tmp`, 'junk')
  await world.put(`node1:${TABLE}/snapshots/now/nb-1-big-Data.db`, 'data')
  await world.put(`node1:${TABLE}/deeper/down/x`, 'x')
  await world.put(`node1:${TABLE}/nb_txn_flush_1.log`, 'ADD:[/nb-1-big-,0,8][1]')
  const more = [
    'backups',
    'snapshots',
    '.idx',
    'deeper',
    'nb_txn_flush_1.log',
    'nb_txn_flush_2.log',
    'nb-3-big-TOC.txt.tmp',
  ]
  await world.list('nb-1-big-Data.db', [
    ...set,
    ...more,
    'nb-2-big-Statistics.db.tmp',
    'nb-1-big-Data.db-listdir.json',
  ])
  const summary = await world.restore()
  t.match(summary, { exitCode: 0, missing: 0, failed: 0 })
  t.same(
    names(world.target),
    [...set, 'deeper/down/x', 'nb-2-big-Statistics.db.tmp', 'snapshots/now/nb-1-big-Data.db'].sort(),
  )
  t.equal(world.log.like(/^info Left out .*nb_txn_flush_1.log/).length, 1)

  const all = join(world.directory, 'all')
  await world.restore({ all: true, target: all })
  t.ok(names(all).includes('nb_txn_flush_1.log'))
  t.equal(world.log.like(/^warn .*nb_txn_flush_1.log is a transaction log/).length, 1)
})

await t.test('a listing written before Statistics.db existed does not lose it', async t => {
  await world.reset()
  const set = await world.putSet('nb-1-big')
  await world.putSet('nb-2-big')
  await world.putSet('nb-3-big', { without: ['Statistics.db'] })
  const early = ['CompressionInfo.db', 'Data.db', 'Index.db'].map(component => `nb-3-big-${component}`)
  await world.list('nb-1-big-Data.db', ['nb-1-big-Data.db', 'nb-1-big-Filter.db', ...early])
  const summary = await world.restore()
  const needed = set.filter(name => !/Summary|Digest|TOC/.test(name))
  t.same(names(world.target), [...needed, ...early].sort())
  t.equal(
    world.log.like(/^info .*nb-1-big-(Statistics|Index|CompressionInfo).db is restored as well/).length,
    3,
  )
  t.match(summary, { exitCode: 1, missing: 1 })
  t.equal(world.log.like(/nb-3-big-Statistics.db is missing/).length, 1)
})

await t.test('a listing that names TOC.txt names the whole set', async t => {
  await world.reset()
  const old = ['Data.db', 'TOC.txt'].map(component => `nb-1-big-${component}`)
  const bare = ['Data.db', 'TOC.txt', 'Statistics.db'].map(component => `nb-2-big-${component}`)
  for (const name of [...old, ...bare]) await world.put(`node1:${TABLE}/${name}`, name)
  await world.list('nb-2-big-Data.db', [...old, ...bare.slice(0, 2)])
  t.match(await world.restore(), { exitCode: 0, sets: 2, missing: 0 })
  t.same(
    names(world.target),
    [...old, ...bare].sort(),
    'what Cassandra needs and the bucket has comes all the same',
  )
})

await t.test(
  'the newest listing counts, whichever component it is named after; in one second the last key',
  async t => {
    await world.reset()
    const old = await world.putSet('nb-1-big')
    const now = await world.putSet('nb-2-big')
    await world.list('nb-9-big-Data.db', old)
    world.shift += 1100
    const time = Date.now() + world.shift
    while (Math.floor((Date.now() + world.shift) / 1000) !== Math.floor(time / 1000) + 1) world.shift += 100
    await world.put(`node1:${TABLE}/nb-2-big-TOC.txt-listdir.json`, JSON.stringify({ [`${TABLE}/`]: now }))
    await world.put(`node1:${TABLE}/nb-2-big-Index.db-listdir.json`, JSON.stringify({ '/elsewhere': old }))
    t.match(await world.restore(), { exitCode: 0, sets: 1 })
    t.same(names(world.target), now)
  },
)

await t.test('a directory without a listing comes whole, but for transaction logs', async t => {
  await world.reset()
  const set = await world.putSet('nb-1-big', { without: ['Statistics.db'] })
  await world.put(`node1:${TABLE}/nb_txn_flush_1.log`, 'ADD:[/nb-1-big-,0,8][1]')
  await world.put('node1:/etc/cassandra/cassandra.yaml', 'yaml')
  await world.put('node1:/etc/folder/', '')
  t.match(await world.restore(), { exitCode: 0, missing: 0 })
  t.same(Object.keys(world.tree()).sort(), [
    '/etc/cassandra/cassandra.yaml',
    ...set.filter(name => !name.includes('Statistics')).map(name => `${TABLE}/${name}`),
  ])
})

await t.test('a listing that is none is an error that names it', async t => {
  const bodies = [
    '',
    '{"/x": [',
    '[]',
    '"x"',
    '{}',
    `{"${TABLE}": {"a": 1}}`,
    `{"${TABLE}": [1]}`,
    `{"${TABLE}": ["../../../../etc/passwd"]}`,
    `{"${TABLE}": [".."]}`,
    `{"${TABLE}": [""]}`,
    `{"${TABLE}": ["a\\u0000b"]}`,
    Buffer.from([0xff, 0xfe]),
  ]
  await world.reset()
  await world.putSet('nb-1-big')
  const key = `node1:${TABLE}/nb-1-big-Data.db-listdir.json`
  for (const body of bodies) {
    await world.put(key, body)
    await t.rejects(world.restore(), { code: 'LISTING_CORRUPT', key, message: new RegExp(key) }, String(body))
  }
  t.same(world.tree(), {})
  t.match(await world.restore({ all: true }), { exitCode: 0, files: 8 })
})

await t.test('old names and other formats are sets, too', async t => {
  await world.reset()
  const target = join(world.directory, 'old')
  mkdirSync(target)
  const legacy = ['Data.db', 'Index.db', 'Statistics.db', 'Filter.db'].map(
    component => `ks-table-jb-1-${component}`,
  )
  const trie = ['Data.db', 'Partitions.db', 'Rows.db', 'Statistics.db'].map(
    component => `da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti-${component}`,
  )
  for (const name of [...legacy, ...trie.slice(0, 3)]) await world.put(`node1:${TABLE}/${name}`, name)
  await world.list('x-Data.db', [...legacy, ...trie])
  t.match(await world.restore({ target }), { exitCode: 1, missing: 1, sets: 1 })
  t.same(names(target), [...legacy].sort())
})
