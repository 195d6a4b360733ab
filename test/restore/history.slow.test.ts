import t from 'tap'

import { encodeState } from '../../src/manifest/manifest-encode.js'
import {
  listMoments,
  listUnits,
  type ListedMoment,
  type ListedUnit,
} from '../../src/restore/choose/history.js'
import { nodeNames } from '../../src/restore/read/nodes.js'

import { KEYS, UNIT, at, state, write } from './states.js'
import { COMPONENTS, TABLE, World, config, type RunOptions } from './support.js'

const world = await World.start(t)

const OLD = '/old/data/ks1/t1'

async function moments(options: RunOptions = {}): Promise<ListedMoment[]> {
  const { client, engine, log } = world
  const { name = 'node1', scope, ...rest } = options
  const found: ListedMoment[] = []
  const deps = { client, engine, node: { name }, log, scope }
  for await (const moment of listMoments({ ...config(world.target), ...rest }, deps)) found.push(moment)
  return found
}

async function units(options: RunOptions = {}): Promise<ListedUnit[]> {
  const { client, engine, log } = world
  const found: ListedUnit[] = []
  const deps = { client, engine, node: { name: 'node1' }, log, scope: undefined }
  for await (const unit of listUnits({ ...config(world.target), ...options }, deps)) found.push(unit)
  return found
}

/** `time status sets`, for what is compared at a glance. */
function brief(found: readonly ListedMoment[]): string[] {
  return found.map(
    ({ time, status, sets, missing }) =>
      `${time === undefined ? '-' : new Date(time).toISOString().slice(14, 19)} ${status} ${sets} ${String(missing)}`,
  )
}

await t.test(
  'restore points, the newest first: the newest is checked, of the others the keys tell',
  async t => {
    await world.reset()
    for (const set of ['nb-1-big', 'nb-2-big']) await world.putSet(set)
    await world.putSet('nb-3-big', { without: ['Data.db'] })
    const [first = '', , , , , newest = ''] = await write(
      world.client,
      'node1',
      state(at(1), ['nb-1-big']),
      state(at(2), ['nb-1-big', 'nb-2-big']),
      state(at(3), ['nb-1-big', 'nb-2-big'], { unprotected: [`${TABLE}/nb-8-big`] }),
      state(at(4), ['nb-1-big'], { unexplained: [`${TABLE}/nb-2-big`] }),
      state(at(5), []),
      state(at(6), ['nb-2-big', 'nb-3-big']),
    )
    const found = await moments()
    const older = [
      '05:00 complete 0 undefined',
      '04:00 unexplained 1 undefined',
      '03:00 partial 2 undefined',
      '02:00 complete 2 undefined',
      '01:00 complete 1 undefined',
    ]
    t.same(brief(found), ['06:00 damaged 1 1', ...older])
    const bytes = COMPONENTS.reduce((sum, one) => sum + `content of nb-1-big-${one}`.length, 0)
    t.match(found.at(-1), { unit: UNIT, key: first, directory: undefined, bytes, checked: false })
    t.equal(world.log.lines.length, 0)

    t.same(brief(await moments({ at: at(2, 30) })), ['02:00 complete 2 0', older[4]])
    t.same(brief(await moments({ atKey: first })), ['01:00 complete 1 0'])
    t.same(brief(await moments({ since: at(5), limit: 1 })), ['06:00 damaged 1 1'])
    for (const one of found.filter(({ status }) => status === 'complete')) {
      world.write('x', '')
      const summary = await world.restore({ at: one.time, replace: true, dryRun: true })
      t.match(summary, { exitCode: 0, sets: one.sets, bytes: one.bytes }, 'a restore of it says the same')
    }
    await world.put(newest, 'no state')
    const [unit] = await units({ limit: 2 })
    t.match(unit?.moments[0], { status: 'unreadable', reason: /cannot be used/ })
    t.match(unit, { more: 4, oldest: at(1), kinds: { complete: 4, partial: 1, unexplained: 1, unknown: 0 } })
    t.equal(unit?.mend, `tablesnap -n node1 -B bucket ${TABLE}`)
  },
)

await t.test('listings of the Python program; ours count where there is no state', async t => {
  await world.reset()
  const one = await world.putSet('nb-1-big', { directory: OLD })
  const two = await world.putSet('nb-2-big', { directory: OLD, without: ['Index.db', 'Summary.db'] })
  await world.list('nb-1-big-Data.db', one, OLD)
  await world.list('nb-2-big-Data.db', [...one, ...two], OLD)
  await world.list('nb-3-big-Data.db', [], OLD)
  await world.put(`node1:${OLD}/nb-3-big-Data.db-listdir.json`, '{]')
  await world.putSet('nb-1-big', { directory: '/never/listed' })
  const found = await moments()
  t.same(
    found.map(({ status, sets, missing }) => `${status} ${sets} ${missing}`),
    ['undated 1 0', 'unreadable 0 0', 'partial 1 2', 'complete 1 0'],
  )
  t.match(found[3], { directory: OLD, key: `node1:${OLD}/nb-1-big-Data.db-listdir.json`, unit: OLD.slice(1) })
  t.match(found[0], { directory: '/never/listed', time: undefined, key: undefined })
  const key = `node1:${OLD}/nb-1-big-Data.db-listdir.json`
  t.equal((await moments({ atKey: key, scope: { origin: OLD, take: 'newest' } })).length, 1)
})

await t.test('both in one sequence by time', async t => {
  await world.reset()
  const names = await world.putSet('nb-1-big')
  const now = (): number => Date.now() + world.shift
  await write(world.client, 'node1', state(now() - 3_600_000, ['nb-1-big']))
  world.shift += 3000
  await world.list('nb-1-big-Data.db', names)
  world.shift += 3000
  await write(world.client, 'node1', state(now(), ['nb-1-big']))
  await world.put(`node1:${TABLE}/nb-2-big-Data.db-listdir.json`, JSON.stringify({ [TABLE]: names }), {
    metadata: { tablesnap: '2' },
  })
  const found = await moments()
  t.same(
    found.map(({ directory, status }) => [directory === undefined ? 'state' : 'listing', status]),
    [
      ['state', 'complete'],
      ['listing', 'complete'],
      ['state', 'complete'],
    ],
  )
})

await t.test('keys of earlier versions are read where they are shown', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  for (let minute = 1; minute <= 4; minute++) {
    const unprotected = minute === 2 ? [`${TABLE}/nb-9-big`] : []
    const one = state(at(minute), ['nb-1-big'], { unprotected })
    const { body } = await encodeState({ state: one, delta: undefined })
    await world.put(KEYS.state(UNIT, at(minute)), body)
  }
  world.server.requests.length = 0
  const [unit] = await units({ limit: 3 })
  t.same(brief(unit?.moments ?? []), ['04:00 complete 1 0', '03:00 complete 1 0', '02:00 partial 1 1'])
  t.match(unit, { more: 1, kinds: { unknown: 4 }, oldest: at(1) })
  t.equal(
    world.server.requests.filter(({ operation, key }) => operation === 'GetObject' && key.includes('states'))
      .length,
    3,
  )
})

await t.test('many restore points take a LIST for 1,000 and a GET for each table', async t => {
  await world.reset()
  const tables = 6
  for (let table = 0; table < tables; table++) {
    const unit = `ks1/t${table}-0a1b2c3d4e5f60718293a4b5c6d7e8f9`
    const all = Array.from({ length: 60 }, (_, second) =>
      state(at(0, second), [], { unit, directories: new Map() }),
    )
    await Promise.all(all.map(one => write(world.client, 'node1', one)))
  }
  world.server.requests.length = 0
  const found = await units({ limit: 5 })
  t.same(
    found.map(({ moments, more }) => [moments.length, more]),
    found.map(() => [5, 55]),
  )
  t.equal(found.length, tables)
  const count = (operation: string): number =>
    world.server.requests.filter(request => request.operation === operation).length
  // Files, other contents, manifests; the separator, the epochs, and the newest manifest of each table.
  t.equal(count('ListObjectsV2'), 3)
  t.equal(count('GetObject'), tables + 2)
  const [late] = await units({ limit: 5, since: at(1) })
  t.match(late, { moments: [], more: 0 }, 'a table without any in that time is listed as such')
})

await t.test('a part of the node', async t => {
  await world.reset()
  const second = TABLE.replace('/data/', '/data2/')
  await world.putSet('nb-1-big')
  await world.putSet('nb-2-big', { directory: second })
  await world.list('nb-1-big-Data.db', await world.putSet('nb-1-big', { directory: OLD }), OLD)
  const sets = new Map([
    ...state(0, ['nb-1-big']).sets,
    ...[...state(0, ['nb-2-big']).sets].map(([, set]) => [`${second}/nb-2-big`, set] as const),
  ])
  await write(world.client, 'node1', state(at(1), [], { sets }))
  t.equal((await moments()).length, 2)
  t.match(await moments({ scope: { origin: second, take: 'newest' } }), [{ unit: UNIT, sets: 1 }])
  t.match(await moments({ scope: { origin: '/old', take: 'below' } }), [{ directory: OLD }])
  t.match(await moments({ only: { keyspaces: [], tables: [`ks1.${UNIT.slice(4)}`] } }), [
    { unit: UNIT, sets: 2 },
  ])
  await t.rejects(moments({ only: { keyspaces: ['ks9'], tables: [] } }), {
    code: 'NOTHING_FOUND',
    message: /there are ks1.t1$/,
  })
  await t.rejects(moments({ name: 'node9' }), { code: 'NOTHING_FOUND', message: /the bucket has node1/ })
  for (const [key, message] of [
    [
      'node2:/x/y-Data.db-listdir.json',
      /neither the key of a state of node1 \(\.tablesnap\/node1\/states\/…\) nor of a listing/,
    ],
    [KEYS.state(UNIT, at(9)), /is not in bucket bucket: --list prints/],
  ] as const)
    await t.rejects(moments({ atKey: key }), { code: 'MOMENT_MISSING', message })
})

await t.test('a restore to the key of a state or a listing', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big']) await world.putSet(set)
  const [key = ''] = await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(2), ['nb-2-big']),
  )
  t.match(await world.restore({ atKey: key }), { exitCode: 0, sets: 1 })
  t.same(
    Object.keys(world.tree()).sort(),
    COMPONENTS.map(component => `${TABLE}/nb-1-big-${component}`).sort(),
  )
  await world.reset()
  const one = await world.putSet('nb-1-big')
  await world.list('nb-1-big-Data.db', one)
  await world.list('nb-2-big-Data.db', await world.putSet('nb-2-big'))
  t.match(await world.restore({ atKey: `node1:${TABLE}/nb-1-big-Data.db-listdir.json` }), { exitCode: 0 })
  t.same(Object.keys(world.tree()).sort(), one.map(name => `${TABLE}/${name}`).sort())
})

await t.test('the names in a bucket', async t => {
  await world.reset()
  await world.put('node1:/a/file', 'x')
  await world.put('node.2:/a/b:c/file', 'x')
  await world.put('p/node3:/a/file', 'x')
  await world.put('.tablesnap/node1/node.json', '{}')
  await world.put('.tablesnap/node:4/node.json', '{}')
  const names = async (prefix: string, separator: string): Promise<string[]> => {
    const found: string[] = []
    for await (const name of nodeNames({ client: world.client, prefix, separator })) found.push(name)
    return found
  }
  t.same(await names('', ':'), ['node1', 'node:4', 'node.2', 'p/node3'])
  t.same(await names('p/', ':'), ['node3'])
  t.same(await names('', ''), ['node1', 'node:4'])
})

await t.test('the names in a bucket of many objects take few requests', async t => {
  await world.reset()
  for (let i = 0; i < 1200; i++) await world.put(`node1:/a/${i}`, '')
  await world.put('node2:/a', '')
  await world.put('node3:/a', '')
  const from = world.server.requests.length
  const found: string[] = []
  for await (const name of nodeNames({ client: world.client, prefix: '', separator: ':' })) found.push(name)
  t.same(found, ['node1', 'node2', 'node3'])
  const delimiters = world.server.requests.slice(from).map(({ query }) => query['delimiter'])
  t.same(delimiters, ['/', undefined, undefined, undefined], 'a delimiter other than / is not asked for')
})

await t.test('another separator than that of the keys is refused by name', async t => {
  await world.reset()
  await world.putSet('nb-1-big')
  await write(world.client, 'node1', state(at(1), ['nb-1-big']))
  await world.put('.tablesnap/node1/node.json', '{"format":1,"writer":"w","epoch":1,"separator":":"}')
  const refusal = {
    code: 'SEPARATOR_CHANGED',
    message: /node1 were written with the separator ":", and this run has "\/": give --keyname-separator ":"/,
  }
  await t.rejects(moments({ separator: '/' }), refusal)
  await t.rejects(world.restore({ separator: '/' }), refusal)
  t.match(await world.restore(), { exitCode: 0, sets: 1 })
})

await t.test('a backup under another prefix is pointed to', async t => {
  await world.reset()
  await world.put('.tablesnap/node1/node.json', '{}')
  await world.put('prod/.tablesnap/node1/node.json', '{}')
  await world.put('test-.tablesnap/node1/node.json', '{}')
  await t.rejects(moments({ prefix: 'nowhere/' }), {
    code: 'NOTHING_FOUND',
    message: /; the bucket has backups with --prefix "", --prefix "test-", --prefix "prod\/"$/,
  })
})
