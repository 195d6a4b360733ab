import t from 'tap'

import { listMoments, type ListedMoment } from '../../src/restore/history.js'
import { nodeNames } from '../../src/restore/nodes.js'

import { COMPONENTS, TABLE, World, config, type RunOptions } from './support.js'
import { KEYS, UNIT, at, state, write } from './states.js'

const world = await World.start(t)

const OLD = '/old/data/ks1/t1'

async function moments(options: RunOptions = {}): Promise<ListedMoment[]> {
  const { client, engine, log } = world
  const { name = 'node1', scope, ...rest } = options
  const found: ListedMoment[] = []
  const deps = { client, engine, name, log, scope }
  for await (const moment of listMoments({ ...config(world.target), ...rest }, deps)) found.push(moment)
  return found
}

/** `time status sets`, for what is compared at a glance. */
function brief(found: readonly ListedMoment[]): string[] {
  return found.map(
    ({ time, status, sets, missing }) =>
      `${time === undefined ? '-' : new Date(time).toISOString().slice(14, 19)} ${status} ${sets} ${missing}`,
  )
}

await t.test('states, the newest first, with what each lacks', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big']) await world.putSet(set)
  await world.putSet('nb-3-big', { without: ['Data.db'] })
  const [, , , , broken = ''] = await write(
    world.client,
    'node1',
    state(at(1), ['nb-1-big']),
    state(at(2), ['nb-1-big', 'nb-2-big']),
    state(at(3), ['nb-1-big', 'nb-2-big'], { unprotected: [`${TABLE}/nb-8-big`] }),
    state(at(4), ['nb-1-big'], { unexplained: [`${TABLE}/nb-2-big`] }),
    state(at(5), []),
    state(at(6), ['nb-2-big', 'nb-3-big']),
  )
  await world.put(broken, 'no state')
  const found = await moments()
  t.same(brief(found), [
    '06:00 damaged 1 1',
    '05:00 unreadable 0 0',
    '04:00 unexplained 1 1',
    '03:00 partial 2 1',
    '02:00 complete 2 0',
    '01:00 complete 1 0',
  ])
  const bytes = COMPONENTS.reduce((sum, one) => sum + `content of nb-1-big-${one}`.length, 0)
  t.match(found.at(-1), { unit: UNIT, key: KEYS.state(UNIT, at(1)), directory: undefined, bytes })
  t.match(found[1]?.reason, /cannot be used/)
  t.equal(world.log.lines.length, 0)

  t.same(brief(await moments({ at: at(2, 30) })), ['02:00 complete 2 0', '01:00 complete 1 0'])
  t.same(brief(await moments({ atKey: KEYS.state(UNIT, at(1)) })), ['01:00 complete 1 0'])
  for (const one of found.filter(({ status }) => status === 'complete')) {
    world.write('x', '')
    const summary = await world.restore({ at: one.time, replace: true, dryRun: true })
    t.match(summary, { exitCode: 0, sets: one.sets, bytes: one.bytes }, 'a restore of it says the same')
  }
})

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
  const hours = 3_600_000
  await write(
    world.client,
    'node1',
    state(Date.now() - hours, ['nb-1-big']),
    state(Date.now() + hours, ['nb-1-big']),
  )
  await world.list('nb-1-big-Data.db', names)
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
    [KEYS.state(UNIT, at(9)), /is not in bucket bucket: --list shows/],
  ] as const)
    await t.rejects(moments({ atKey: key }), { code: 'MOMENT_MISSING', message })
})

await t.test('a restore to the key of a state or a listing', async t => {
  await world.reset()
  for (const set of ['nb-1-big', 'nb-2-big']) await world.putSet(set)
  await write(world.client, 'node1', state(at(1), ['nb-1-big']), state(at(2), ['nb-2-big']))
  t.match(await world.restore({ atKey: KEYS.state(UNIT, at(1)) }), { exitCode: 0, sets: 1 })
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
  t.same(await names('', ':'), ['node.2', 'node1', 'p/node3', 'node:4'])
  t.same(await names('p/', ':'), ['node3'])
  t.same(await names('', ''), ['node1', 'node:4'])
})
