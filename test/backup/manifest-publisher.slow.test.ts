import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { ManifestPublisher } from '../../src/backup/manifest-publisher.js'
import { FullManifest } from '../../src/manifest/manifest-delta.js'
import type { ManifestStore } from '../../src/manifest/manifest-store.js'
import { applyDelta } from '../../src/manifest/state.js'
import { Fence } from '../../src/node/fence.js'
import { S3Error } from '../../src/s3/errors.js'
import { until } from '../support/node.js'
import { Recorded } from '../support/recorded.js'

/** Names of a restore point's SSTables. */
function setsOf(state: { sets: ReadonlyMap<string, unknown> } | undefined): string[] {
  return [...(state?.sets.keys() ?? [])].map(path => basename(path)).sort()
}

await t.test('the first manifest is full, the next one a delta, and they keep their distance', async t => {
  const one = await Recorded.create(t)
  const { tracked } = one
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
  await until(() => tracked.in('done').length === 21)
  await sleep(1_500)
  t.equal((await one.written()).length, 1, 'not within 5 s')
  const began = performance.now()
  await one.flush()
  t.ok(performance.now() - began < 3_000, 'the end of a run does not wait as long')
  const keys = await one.written()
  t.equal(keys.length, 2)
  const bytes = (await one.node.bucket.list('.tablesnap/node1/states/')).map(({ size }) => size)
  t.ok((bytes[0] ?? 0) < (bytes[1] ?? 0), 'a delta says less')
  t.equal((await one.newest())?.sets.size, 21)
  t.ok((keys[0]?.time ?? 0) > (keys[1]?.time ?? 0))
})

await t.test('no manifest says the same again, and none is written of what is empty', async t => {
  const one = await Recorded.create(t)
  const { tracked, writer } = one
  const table = tracked.table()
  tracked.scan('start', table)
  await until(() => tracked.core().isCovered)
  t.same(await one.written(), [])
  tracked.copy(table, 'nb-1-big')
  await until(async () => (await one.written()).length === 1)
  writer.changed(tracked.core())
  await one.flush()
  t.equal((await one.written()).length, 1)
  tracked.delete(table, 'nb-1-big')
  await until(() => tracked.errors.length > 0)
  await one.flush()
  t.equal((await one.written()).length, 2, 'a removal is news, the last one too')
  t.match(await one.newest(), { sets: new Map(), unexplained: [`${table.path}/nb-1-big`] })
})

await t.test('a refused listing is tried again, and makes no second manifest', async t => {
  const one = await Recorded.create(t)
  const { tracked, node } = one
  node.bucket.server.faults.add({ key: /listdir/, fault: faults.answer(403, 'AccessDenied') })
  const table = tracked.table().set('nb-1-big')
  tracked.scan('start', table)
  await until(() => one.published.length > 0)
  t.equal((await one.newest())?.unlisted, true)
  t.equal(one.listings.failed.size, 1)
  await until(() => one.listings.failed.size === 0)
  t.ok(await node.listing(table.path))
  t.equal((await one.written()).length, 1)
  node.bucket.server.faults.add({ key: /listdir/, fault: faults.answer(403, 'AccessDenied') })
  tracked.copy(table, 'nb-2-big')
  await until(() => tracked.in('done').length === 2)
  await one.flush()
  t.equal((await one.written()).length, 2, 'what is new is said all the same')
})

await t.test('of two manifests under one key the second is a millisecond later', async t => {
  const { tracked, listings, fence } = await Recorded.create(t, {
    tracked: { restorePoint: () => undefined },
  })
  tracked.scan('start', tracked.table().set('nb-1-big'))
  await tracked.idle()
  const times: number[] = []
  const store: ManifestStore = {
    newest: () => Promise.resolve([]),
    read: () => Promise.reject(new Error('there is none')),
    write: ({ state: { time } }) => {
      times.push(time)
      const taken = new S3Error({
        asked: { operation: 'PutObject' },
        answer: { status: 412, s3Code: 'PreconditionFailed' },
        message: 'taken',
        follows: { retry: false },
      })
      return times.length < 3 ? Promise.reject(taken) : Promise.resolve({ key: 'k', bytes: 1, busy: 0 })
    },
  }
  const publisher = new ManifestPublisher(store, listings, fence, tracked.clockwork, 'node1')
  const published = await publisher.publish(tracked.core(), 0)
  const [first = 0] = times
  t.same(times, [first, first + 1, first + 2])
  t.equal(published?.state.time, first + 2)
  t.equal(tracked.newest()?.time, first + 2)
})

await t.test('a newer manifest of another run is taken up before a partial one is written', async t => {
  const one = await Recorded.create(t, { tracked: { backsUpExisting: false } })
  const { tracked, states, config } = one
  const table = tracked.table().set('nb-1-big')
  tracked.scan('start', table)
  await until(() => one.published.length === 1)
  t.same((await one.newest())?.unprotected, [`${table.path}/nb-1-big`])
  const other = await Recorded.create(t, { tracked: { base: tracked.base } })
  other.tracked.scan('start', table)
  await until(() => other.published.length === 1)
  const whole = { ...other.published[0]!.state, time: Date.now() }
  await states.write({ state: whole, delta: undefined }, config.object)
  tracked.copy(table, 'nb-2-big')
  await until(() => tracked.in('done').length === 2)
  await one.flush()
  t.match(await one.newest(), { unprotected: [] })
  t.same(setsOf(await one.newest()), ['nb-1-big', 'nb-2-big'])
})

await t.test(
  'a manifest of another run that was written at the same time is found behind the own one',
  async t => {
    const one = await Recorded.create(t, { tracked: { backsUpExisting: false } })
    const { tracked, states, config } = one
    const table = tracked.table().set('nb-1-big')
    tracked.scan('start', table)
    await until(() => one.published.length === 1)
    const other = await Recorded.create(t, { tracked: { base: tracked.base } })
    other.tracked.scan('start', table)
    await until(() => other.published.length === 1)
    tracked.copy(table, 'nb-2-big')
    await until(() => tracked.in('done').length === 1)
    await one.flush()
    const { time = 0, unprotected } = (await one.newest()) ?? {}
    t.same(unprotected, [`${table.path}/nb-1-big`])
    await states.write(
      { state: { ...other.published[0]!.state, time: time - 1 }, delta: undefined },
      config.object,
    )
    tracked.copy(table, 'nb-3-big')
    await until(() => tracked.in('done').length >= 2)
    await one.flush()
    t.match(await one.newest(), { unprotected: [] })
    t.same(setsOf(await one.newest()), ['nb-1-big', 'nb-2-big', 'nb-3-big'])
  },
)

await t.test('a manifest of another epoch is not taken up', async t => {
  const one = await Recorded.create(t, { tracked: { backsUpExisting: false } })
  const { tracked, states, config } = one
  const table = tracked.table().set('nb-1-big')
  tracked.scan('start', table)
  await until(() => one.published.length === 1)
  const foreign = { ...one.published[0]!.state, epoch: 7, time: Date.now(), unprotected: [] }
  await states.write({ state: foreign, delta: undefined }, config.object)
  tracked.copy(table, 'nb-2-big')
  await until(() => tracked.in('done').length === 1)
  await one.flush()
  t.same(tracked.newest()?.unprotected, [`${table.path}/nb-1-big`])
})

await t.test('another writer ends it', async t => {
  const one = await Recorded.create(t)
  const { tracked, writer, fence } = one
  await fence.claim()
  fence.epoch = 7
  fence.check = async () => Fence.prototype.check.call(fence, 0)
  tracked.scan('start', tracked.table().set('nb-1-big'))
  await until(() => one.fenced.length > 0)
  t.match(one.fenced[0], { code: 'FENCED' })
  t.same(await one.written(), [])
  writer.changed(tracked.core())
  await one.flush()
  t.equal(one.fenced.length, 1, 'it stopped')
})

await t.test(
  'a table that goes on from a restore point: a gap, and unexplained where a directory was lost',
  async t => {
    const goOn = async (isLost: boolean): Promise<void> => {
      const before = await Recorded.create(t)
      const table = before.tracked.table().set('nb-1-big').set('nb-2-big')
      before.tracked.scan('start', table)
      await until(() => before.published.length === 1)
      const newest = await before.newest()
      if (isLost) {
        renameSync(table.path, `${table.path}.old`)
        mkdirSync(table.path)
      } else table.delete('nb-1-big')
      const one = await Recorded.create(t, { tracked: { load: false, base: before.tracked.base } })
      const { tracked } = one
      tracked.scan('start', table)
      tracked.load(tracked.core(), newest)
      await until(() => one.published.length > 0)
      await one.flush()
      const state = await one.newest()
      t.equal(state?.gap, true)
      t.same(setsOf(state), isLost ? [] : ['nb-2-big'])
      t.same(
        state?.unexplained.map(path => basename(path)),
        isLost ? ['nb-1-big', 'nb-2-big'] : [],
      )
      t.equal(tracked.problems.length, isLost ? 1 : 0)
      rmSync(`${table.path}.old`, { recursive: true, force: true })
    }
    await goOn(true)
    await goOn(false)
  },
)

await t.test('a delta and the manifest that it is based on say the same as the state', async t => {
  const one = await Recorded.create(t)
  const { tracked } = one
  const table = tracked.table().set('nb-1-big').set('nb-2-big')
  tracked.scan('start', table)
  await until(() => one.published.length === 1)
  const base = new FullManifest('k', one.published[0]!.state)
  const sets = new Map(base.state.sets)
  sets.delete(`${table.path}/nb-1-big`)
  sets.set(`${table.path}/nb-3-big`, [...sets.values()][0]!)
  const next = { ...base.state, sets }
  const delta = base.deltaOf(next)
  t.same([...(delta?.state.sets.keys() ?? [])], [`${table.path}/nb-3-big`])
  t.match(delta?.delta, { base: 'k', removed: [`${table.path}/nb-1-big`] })
  t.same(applyDelta(base.state, delta!.state, delta!.delta).sets, sets)
  const many = new Map([...Array(40).keys()].map(i => [`/x/nb-${i}-big`, [...sets.values()][0]!]))
  t.equal(base.deltaOf({ ...next, sets: many }), undefined, 'what is mostly new is full')
})
