import t from 'tap'

import { unitOf } from '../../src/cassandra/unit.js'
import { SlurpWorld, run, tree } from '../support/slurp.js'
import { UNIT, at, entry, state, stateSet, write } from './states.js'
import { COMPONENTS, TABLE } from './support.js'

const world = await SlurpWorld.start(t)
const { bucket } = world.bucket
const { client } = world.bucket

const SECOND = TABLE.replace('/data/', '/data2/')
const OTHER = '/var/lib/cassandra/data/ks1/young-99990000111122223333444455556666'
const LINKS = '/var/lib/cassandra/links'

/** Puts the objects of a set. */
async function putSet(directory: string, set: string, without = ''): Promise<void> {
  for (const component of COMPONENTS.filter(one => one !== without))
    await world.put(`node3:${directory}/${set}-${component}`, `content of ${set}-${component}`)
}

const FLAGS = ['-n', 'node3']

/** The states of node3; node1, the fixture's, has listings of the original's. */
async function writeStates(): Promise<void> {
  for (const set of ['nb-1-big', 'nb-2-big']) await putSet(TABLE, set)
  await putSet(SECOND, 'nb-3-big')
  await putSet(`${TABLE}/.idx`, 'nb-1-big')
  await putSet(OTHER, 'nb-1-big')
  await world.put(`node3:${TABLE}/manifest.json`, '{}')
  const paths = [`${TABLE}/nb-2-big`, `${SECOND}/nb-3-big`, `${TABLE}/.idx/nb-1-big`]
  const sets = new Map(paths.map(path => [path, stateSet(path.slice(path.lastIndexOf('/') + 1))]))
  const young = new Map([[`${OTHER}/nb-1-big`, stateSet('nb-1-big')]])
  const link = entry('content of nb-2-big-Data.db', `node3:${TABLE}/nb-2-big-Data.db`)
  const linked = { ...stateSet('nb-2-big'), components: new Map([['Data.db', link]]) }
  const links = new Map([[`${LINKS}/nb-2-big`, linked]])
  const states = [
    state(at(1), ['nb-1-big']),
    state(at(2), [], { sets, files: new Map([[`${TABLE}/manifest.json`, entry('{}')]]) }),
    state(at(3), [], { unit: unitOf(OTHER), sets: young, directories: new Map() }),
    state(at(3), [], { unit: unitOf(LINKS), sets: links, directories: new Map() }),
  ]
  await write(client, 'node3', ...states)
}

await writeStates()

await t.test('the state of the origin’s unit, restricted to the origin, flat into the target', async t => {
  const target = world.target()
  const { code, log } = await world.slurp([...FLAGS, bucket, TABLE, target])
  t.equal(code, 0, log)
  const names = COMPONENTS.map(component => `nb-2-big-${component}`)
  t.same(Object.keys(tree(target)), ['manifest.json', ...names])
  t.match(
    log,
    new RegExp(`${UNIT} will be complete to the flush of 2026-11-23T04:02:00.000Z; later writes are only`),
  )
  const second = world.target()
  t.equal((await world.slurp([...FLAGS, bucket, SECOND, second])).code, 0)
  t.equal(Object.keys(tree(second)).length, 8)
  const linked = world.target()
  const links = await world.slurp([...FLAGS, bucket, LINKS, linked])
  t.equal(links.code, 0, links.log)
  t.same(Object.keys(tree(linked)), ['nb-2-big-Data.db'], 'its object lies elsewhere')
})

await t.test('--at takes an older state', async t => {
  const target = world.target()
  const { code, log } = await world.slurp([...FLAGS, '--at', '2026-11-23T04:01:30Z', bucket, TABLE, target])
  t.equal(code, 0, log)
  t.same(
    Object.keys(tree(target)),
    COMPONENTS.map(component => `nb-1-big-${component}`),
  )
  const early = await world.slurp([...FLAGS, '--at', '1795406400', bucket, TABLE, world.target()])
  t.equal(early.code, 1)
  t.match(early.log, /t1-\w+ has no restore point and no upstream listing as old as 2026-11-23T04:00:00.000Z/)
})

await t.test('-r takes everything below, indexes included', async t => {
  const target = world.target()
  const { code, log } = await world.slurp([...FLAGS, '-r', bucket, '/var/lib/cassandra', target])
  t.equal(code, 0, log)
  const found = Object.keys(tree(target))
  t.equal(found.length, 4 * 8 + 2, found.join(' '))
  t.ok(found.includes(`data/${UNIT}/.idx/nb-1-big-Data.db`))
  t.match(log, /nodetool rebuild_index ks1 t1 idx/)
  const table = world.target()
  t.equal((await world.slurp([...FLAGS, '-r', bucket, TABLE, table])).code, 0)
  t.equal(Object.keys(tree(table)).length, 17)
})

await t.test('an origin of which there is nothing', async t => {
  const cases: [string[], RegExp][] = [
    [[`${TABLE}x`], /no listing of .*; there are states of .*t1-0a1b.*; -r restores all that are below/],
    [['-f', 'nb-9-big-Data.db', TABLE], /there is no listing of .*; there are states of/],
    [
      ['-n', 'node4', TABLE],
      /nothing of node4 in bucket bucket .*; the bucket has node3, node1: choose one with -n/,
    ],
  ]
  for (const [args, message] of cases) {
    const target = world.target()
    const { code, log } = await world.slurp([
      ...FLAGS,
      ...args.slice(0, -1),
      bucket,
      args.at(-1) ?? '',
      target,
    ])
    t.equal(code, 1, log)
    t.match(log.split('\n').at(-2), message)
    t.same(tree(target), {})
  }
})

await t.test('tablesnap -D: exit codes', async t => {
  const flags = [...world.bucket.flags, '-t', '1']
  const of = (...args: string[]) => run('tablesnap', [...flags, ...args])
  const target = world.target()
  const done = await of(...FLAGS, '-D', '--at', '2026-11-23 04:02:00 UTC', bucket, target)
  t.equal(done.code, 0, done.log)
  t.equal(Object.keys(tree(target)).length, 3 * 8 + 1)
  t.match(done.log, /young-\w+ is left out: it has no restore point and no upstream listing as old as that/)

  const wrong = await of('-D', '--at', 'noon', bucket, target)
  t.equal(wrong.code, 2)
  t.match(wrong.log, /^tablesnap: --at: "noon" is not a time such as 2026-11-23T04:12:33Z/)

  const unprotected = [`${TABLE}/nb-6-big`]
  await write(client, 'node1', state(at(1), ['nb-1-big'], { unprotected }))
  for (const component of COMPONENTS)
    await world.put(`node1:${TABLE}/nb-1-big-${component}`, `content of nb-1-big-${component}`)
  const partial = world.target()
  const dry = await of('-D', '--dry-run', '--at', '2026-11-23T04:01:00Z', bucket, partial)
  t.equal(dry.code, 1, dry.log)
  t.match(dry.log, /nb-6-big is not restored: it was not in the bucket/)
  t.match(
    dry.log,
    /run on the node that was backed up: tablesnap -n node1 --endpoint-url http:\S+ -B bucket \/var/,
  )
  t.same(tree(partial), {})
  const accepted = await of('-D', '--partial', '--at', '2026-11-23T04:01:00Z', bucket, partial)
  t.equal(accepted.code, 0, accepted.log)
  t.equal(Object.keys(tree(partial)).length, 8)
})
