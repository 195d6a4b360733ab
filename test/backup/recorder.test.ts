import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Fence } from '../../src/backup/fence.js'
import { faults } from '../../src/local-s3/fault.js'
import { until } from '../support/node.js'
import { Recorded } from '../support/recorded.js'
import { TABLE } from '../support/tracked.js'

/** Names of a state's sets. */
function setsOf(state: { sets: ReadonlyMap<string, unknown> } | undefined): string[] {
  return [...(state?.sets.keys() ?? [])].map(path => basename(path)).sort()
}

await t.test('the first state is full, the next one a delta, and they keep their distance', async t => {
  const one = await Recorded.create(t)
  const { tracked, recorder } = one
  const table = tracked.table()
  for (let i = 1; i <= 20; i++) table.set(`nb-${i}-big`, { components: ['Data.db'], toc: ['Data.db'] })
  tracked.scan('start', table)
  await until(async () => (await one.written()).length === 1)
  const first = await one.newest()
  t.equal(first?.sets.size, 20)
  t.match(first, { node: 'node1', epoch: 1, gap: false, unexplained: [], unprotected: [] })
  t.ok(first?.directories.has(table.path))
  t.same(await one.node.listing(table.path).then(found => found?.names), table.names())
  tracked.copy(table, 'nb-21-big')
  await until(() => tracked.live().length === 21 && [...tracked.tracker.in('done')].length === 21)
  await sleep(1_500)
  t.equal((await one.written()).length, 1, 'not within 5 s')
  const began = performance.now()
  await recorder.flush()
  t.ok(performance.now() - began < 3_000, 'the end of a run does not wait as long')
  const keys = await one.written()
  t.equal(keys.length, 2)
  const bytes = (await one.node.bucket.list('.tablesnap/node1/states/')).map(({ size }) => size)
  t.ok((bytes[0] ?? 0) < (bytes[1] ?? 0), 'a delta says less')
  t.equal((await one.newest())?.sets.size, 21)
  t.ok((keys[0]?.time ?? 0) > (keys[1]?.time ?? 0))
})

await t.test('no state says the same again, and none is written of what is empty', async t => {
  const one = await Recorded.create(t)
  const { tracked, recorder } = one
  const table = tracked.table()
  tracked.scan('start', table)
  await until(() => one.recorded.length > 0)
  t.same(await one.written(), [])
  tracked.copy(table, 'nb-1-big')
  await until(async () => (await one.written()).length === 1)
  const unit = tracked.unit()
  unit.changed = true
  recorder.changed(unit)
  await recorder.flush()
  t.equal((await one.written()).length, 1)
  t.notOk(unit.changed)
  tracked.delete(table, 'nb-1-big')
  await until(() => tracked.live().length === 0)
  await recorder.flush()
  t.equal((await one.written()).length, 2, 'a removal is news, the last one too')
  t.match(await one.newest(), { sets: new Map(), unexplained: [`${table.path}/nb-1-big`] })
})

await t.test('a state, and a listing, that could not be written is tried again', async t => {
  const [state, listing] = await Promise.all([Recorded.create(t), Recorded.create(t)])
  state.node.bucket.server.faults.add({
    key: /states/,
    on: 'PUT',
    fault: faults.answer(403, 'AccessDenied'),
  })
  listing.node.bucket.server.faults.add({ key: /listdir/, fault: faults.answer(403, 'AccessDenied') })
  for (const { tracked } of [state, listing]) tracked.scan('start', tracked.table().set('nb-1-big'))
  await until(() => state.recorder.failed.size > 0)
  t.match(state.log.join(''), /ERROR Error writing the state of ks\/t-0a1b\S+: .*403/)
  await until(async () => (await listing.newest()) !== undefined)
  t.equal((await listing.newest())?.unlisted, true)
  t.equal(listing.listings.failed.size, 1)
  await until(async () => setsOf(await state.newest()).length > 0)
  await until(() => state.recorder.failed.size === 0)
  await until(async () => (await listing.newest())?.unlisted === undefined)
  t.equal(listing.listings.failed.size, 0)
  t.ok(await listing.node.listing(listing.tracked.table().path))
})

await t.test('a one-shot backup tells of a failure once', async t => {
  const one = await Recorded.create(t, { flags: ['-B'] })
  const { tracked, recorder } = one
  one.node.bucket.server.faults.add({
    key: /states/,
    on: 'PUT',
    fault: faults.answer(403, 'AccessDenied'),
  })
  tracked.scan('start', tracked.table().set('nb-1-big'))
  await until(() => recorder.failed.size > 0)
  await recorder.flush()
  t.same(await one.written(), [])
  t.equal(recorder.failed.size, 1)
})

await t.test('of two states of one time the second is a millisecond later', async t => {
  const time = Date.UTC(2026, 10, 25)
  const one = await Recorded.create(t, { clock: () => time })
  const { tracked, states, config } = one
  const table = tracked.table().set('nb-1-big')
  const taken = { node: 'node1', epoch: 1, unit: 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9', time, gap: false }
  const sizes = readdirSync(table.path).map(name => statSync(join(table.path, name)).size)
  const entry = {
    size: sizes.reduce((sum, size) => sum + size, 0),
    mtime: 1n,
    inode: 1n,
    crc64: undefined,
    key: undefined,
  }
  const set = { components: new Map([['Data.db', entry]]), corrupt: false, kept: false }
  const nothing = { files: new Map(), directories: new Map(), unexplained: [], unprotected: [] }
  // Another manifest that says the same of itself.
  const state = { ...taken, ...nothing, sets: new Map([['/other/nb-1-big', set]]) }
  await states.write({ state, delta: undefined }, config.object)
  tracked.scan('start', table)
  await until(async () => (await one.written()).length === 2)
  t.same(
    (await one.written()).map(key => key.time),
    [time + 1, time],
  )
  t.equal(tracked.unit().newest?.time, time + 1)
})

await t.test('another writer ends it', async t => {
  const one = await Recorded.create(t)
  const { tracked, recorder, fence } = one
  await fence.claim()
  fence.epoch = 7
  fence.check = async () => Fence.prototype.check.call(fence, 0)
  tracked.scan('start', tracked.table().set('nb-1-big'))
  await until(() => one.fenced.length > 0)
  t.match(one.fenced[0], { code: 'FENCED' })
  t.same(await one.written(), [])
  recorder.changed(tracked.unit())
  await recorder.flush()
  t.equal(one.fenced.length, 1, 'it stopped')
})

await t.test(
  'a history that goes on from a state: a gap, and unexplained where a directory was lost',
  async t => {
    const goOn = async (isLost: boolean): Promise<void> => {
      const one = await Recorded.create(t, { tracked: { load: false } })
      const { tracked, recorder } = one
      const table = tracked.table().set('nb-1-big').set('nb-2-big')
      tracked.scan('start', table)
      const unit = tracked.unit()
      tracked.tracker.loaded(unit)
      await until(async () => (await one.written()).length === 1)
      const { newest } = unit
      tracked.tracker.lost(table.path)
      if (isLost) {
        renameSync(table.path, `${table.path}.old`)
        mkdirSync(table.path)
      } else table.delete('nb-1-big')
      unit.history = undefined
      unit.newest = newest
      tracked.scan('new', tracked.table(TABLE))
      tracked.tracker.loaded(unit)
      await until(() => unit.history !== undefined)
      await recorder.flush()
      const state = await one.newest()
      t.equal(state?.gap, true)
      t.same(setsOf(state), isLost ? [] : ['nb-2-big'])
      t.same(
        state?.unexplained.map(path => basename(path)),
        isLost ? ['nb-1-big', 'nb-2-big'] : [],
      )
      t.equal(one.problems.length, isLost ? 1 : 0)
      rmSync(`${table.path}.old`, { recursive: true, force: true })
    }
    await Promise.all([goOn(true), goOn(false)])
  },
)
