import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { deltaOf, isSame, snapshotOf } from '../../src/backup/snapshot.js'
import type { State } from '../../src/state/state.js'
import { totalsOf } from '../../src/state/manifest-facts.js'
import { until } from '../support/node.js'
import { TABLE, Tracked, turn } from '../support/tracked.js'

const ORIGIN = { node: 'node1', epoch: 3 }

async function settled(t: ConstructorParameters<typeof Tracked>[0], sets: readonly string[]) {
  const node = new Tracked(t, { auto: true })
  const table = node.table()
  for (const set of sets) table.set(set)
  node.scan('start', table)
  await until(() => node.unit().history !== undefined && [...node.tracker.in('done')].length === sets.length)
  const unit = node.unit()
  const state = (): State => {
    const moment = unit.history?.next(set => unit.standing(set, performance.now()), true)
    if (moment === undefined) throw new Error('there is nothing to say')
    unit.history?.accept(moment)
    return snapshotOf(unit, moment, ORIGIN)
  }
  return { node, table, unit, state }
}

await t.test('what states may say of a set: durable, owed, or waived after a while', async t => {
  const { node, table, unit } = await settled(t, ['nb-1-big'])
  const [first] = unit.groups()
  const now = performance.now()
  t.equal(unit.standing(first!, now), 'durable')
  node.tracker.stop()
  node.copy(table, 'nb-2-big')
  const second = unit.setOf('', 'nb-2-big')!
  second.hindered = now - unit.patience - 1
  t.equal(unit.standing(second, now), 'owed', 'it is no part of the table')
  unit.history?.commit({ adds: [second], removes: [], time: 1 })
  t.equal(unit.standing(second, now), 'waived')
  second.hindered = now - unit.patience + 60_000
  t.equal(unit.standing(second, now), 'owed', 'not within ten minutes')
  second.hindered = undefined
  t.equal(unit.standing(second, now), 'owed')
  second.state = 'old'
  t.equal(unit.standing(second, now), 'waived', 'nobody will upload it')
  unit.history?.commit({ adds: [], removes: [second], time: 2 })
  t.equal(unit.standing(second, now), 'owed', 'a commit removed it')
})

await t.test('old sets make a state partial until they are uploaded', async t => {
  const node = new Tracked(t, { existing: false, auto: true })
  const table = node.table().set('nb-1-big')
  table.file('plain')
  node.scan('start', table)
  await until(() => node.unit().history !== undefined)
  const unit = node.unit()
  const moment = unit.history?.next(set => unit.standing(set, performance.now()))
  const { unprotected, sets } = snapshotOf(unit, moment!, ORIGIN)
  t.same(unprotected, [join(table.path, 'nb-1-big'), join(table.path, 'plain')])
  t.equal(sets.size, 0)
  t.equal(unit.history?.accept(moment!).length, 0)
})

await t.test('a state names what is durable, in every directory, and what is not watched', async t => {
  const { node, table, unit, state } = await settled(t, ['nb-1-big'])
  const index = node.table(`${TABLE}/.idx`).set('nb-1-big')
  node.scan('new', index)
  node.copy(table, 'nb-2-big')
  node.event(table.file('manifest.json'), 'moved-in')
  await until(() => node.live().length === 3 && [...node.tracker.in('done')].length === 4)
  unit.foreign.add('/elsewhere')
  const { sets, files, directories, unprotected, epoch, unit: name } = state()
  t.same(
    [...sets.keys()].sort(),
    [join(index.path, 'nb-1-big'), join(table.path, 'nb-1-big'), join(table.path, 'nb-2-big')].sort(),
  )
  t.same([...files.keys()], [join(table.path, 'manifest.json')])
  t.same([...directories.keys()].sort(), [table.path, index.path].sort())
  t.same([unprotected, epoch, name], [['/elsewhere/*'], 3, 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'])
})

await t.test('a delta and the full state that it is based on say the same as the state', async t => {
  const { node, table, state } = await settled(t, ['nb-1-big', 'nb-2-big'])
  const base = { key: 'k', state: state() }
  node.copy(table, 'nb-3-big')
  node.delete(table, 'nb-1-big')
  await until(() => node.commits.length === 2 && [...node.tracker.in('done')].length === 2)
  const next = state()
  const delta = deltaOf(base, next)
  t.same([...(delta?.state.sets.keys() ?? [])], [join(table.path, 'nb-3-big')])
  t.match(delta?.delta, { base: 'k', removed: [join(table.path, 'nb-1-big')] })
  t.same(delta?.delta.totals, totalsOf(next), 'of the whole state')
  const many = new Map([...Array(40).keys()].map(i => [`/x/nb-${i}-big`, [...next.sets.values()][0]!]))
  t.equal(deltaOf(base, { ...next, sets: many }), undefined, 'what is mostly new is full')
})

await t.test('whether a state says what the one before said', async t => {
  const { node, table, state } = await settled(t, ['nb-1-big'])
  const one = state()
  t.ok(isSame(one, { ...one, time: one.time + 1, gap: true }))
  t.notOk(isSame(one, { ...one, epoch: 4 }))
  t.notOk(isSame(one, { ...one, unexplained: ['/x'] }))
  t.notOk(isSame(one, { ...one, unprotected: ['/x'] }))
  t.notOk(isSame(one, { ...one, directories: new Map() }))
  t.notOk(isSame({ ...one, unlisted: true }, one))
  t.notOk(
    isSame(one, {
      ...one,
      sets: new Map([...one.sets].map(([path, set]) => [path, { ...set, kept: true }])),
    }),
  )
  table.replace('nb-1-big-Statistics.db', Buffer.from('rewritten'))
  node.event(join(table.path, 'nb-1-big-Statistics.db'), 'moved-in')
  await until(() => node.all.length === 2 && [...node.tracker.in('done')].length === 1)
  t.notOk(isSame(one, state()), 'a component was rewritten')
})

await t.test('a directory of a state that is another one now is lost', async t => {
  const { node, table, unit, state } = await settled(t, ['nb-1-big'])
  const newest = state()
  t.equal(unit.look(table.path, newest), 'watched')
  unit.directories.delete(table.path)
  t.equal(unit.look(table.path, newest), 'unwatched')
  t.equal(unit.look('/nowhere', newest), 'lost')
  const identity = newest.directories.get(table.path)!
  const renumbered = { ...newest, directories: new Map([[table.path, { ...identity, device: 1n }]]) }
  t.equal(unit.look(table.path, renumbered), 'unwatched', 'devices are numbered anew; its files are the same')
  table.replace('nb-1-big-Data.db', Buffer.from('another'))
  t.equal(unit.look(table.path, renumbered), 'lost')
  renameSync(table.path, join(node.base, 'away'))
  mkdirSync(table.path)
  t.equal(unit.look(table.path, newest), 'lost')
  await turn()
})

await t.test('what an earlier run deleted once it was in the bucket stays part of the table', async t => {
  const { node, unit, state, table } = await settled(t, ['nb-1-big', 'nb-2-big'])
  const newest = state()
  const kept = new Map(
    [...newest.sets].map(([path, set]) => [path, { ...set, kept: path.endsWith('nb-1-big') }]),
  )
  node.tracker.stop()
  table.delete('nb-1-big')
  unit.directories.get(table.path)?.groups.delete('nb-1-big')
  const sets = [...unit.scanned({ ...newest, sets: kept })].map(({ name }) => name)
  t.same(sets.sort(), ['nb-1-big', 'nb-2-big'])
  t.equal(unit.kept.size, 1)
})
