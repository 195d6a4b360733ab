import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Loader } from '../../src/backup/loader.js'
import { Outcomes } from '../../src/backup/outcomes.js'
import { Recovery } from '../../src/backup/recovery.js'
import { faults } from '../../dev/local-s3/fault.js'
import type { Table } from '../../src/tables/table.js'
import { until } from '../support/node.js'
import { Recorded } from '../support/recorded.js'
import { TABLE } from '../support/tracked.js'

async function bench(
  t: Parameters<typeof Recorded.create>[0],
  { looksForObjects = true, isOneShot = true } = {},
) {
  const one = await Recorded.create(t, { tracked: { load: false } })
  const { tracked, node, keys, states, fence, log, config } = one
  const outcomes = new Outcomes(log, false)
  const recovery = new Recovery(tracked.clockwork)
  const { client } = node.bucket
  const { signal } = new AbortController()
  const deps = { client, keys, states, fence, log, signal }
  const loader = new Loader(deps, tracked.clockwork, outcomes, recovery, { looksForObjects, isOneShot })
  t.teardown(() => loader.stop())
  const loaded: Table[] = []
  loader.onLoaded(table => void loaded.push(table))
  const table = tracked.table().set('nb-1-big')
  tracked.scan('start', table)
  const core = tracked.core()
  const load = async () => {
    loader.add(core)
    await until(() => loaded.length > 0)
  }
  const nothing = { sets: new Map(), files: new Map(), directories: new Map(), unexplained: [] }
  const state = {
    node: 'node1',
    epoch: 1,
    unit: core.name,
    time: 1_000,
    gap: false,
    unprotected: ['/x'],
    ...nothing,
  }
  const write = (time = 1_000) => states.write({ state: { ...state, time }, delta: undefined }, config.object)
  return {
    one,
    loader,
    core,
    table,
    load,
    write,
    outcomes,
    recovery,
    loaded,
    requests: node.bucket.server.requests,
  }
}

await t.test('a table with a restore point costs one LIST of few keys and a GET', async t => {
  const { core, load, loader, write, requests } = await bench(t)
  await write()
  const before = requests.length
  await load()
  t.match(core.newest, { time: 1_000, unprotected: ['/x'] })
  t.equal(loader.objectsOf(core), undefined)
  t.same(
    requests.slice(before).map(({ method }) => method),
    ['GET', 'GET'],
  )
})

await t.test('a table without one is listed by directory, unless only new files are uploaded', async t => {
  for (const looksForObjects of [true, false]) {
    const { one, core, table, load, loader } = await bench(t, { looksForObjects })
    const key = one.keys.file(`${table.path}/nb-1-big-Data.db`)
    const body = Buffer.from('12345')
    await one.node.bucket.client.call({ operation: 'PutObject', method: 'PUT', key, body })
    await load()
    t.equal(core.newest, undefined)
    t.equal(loader.objectsOf(core)?.get(key)?.size, looksForObjects ? 5 : undefined)
    loader.forget(core)
    t.equal(loader.objectsOf(core), undefined)
  }
})

await t.test('a manifest from the future counts as of when it was stored, and is named', async t => {
  const { one, core, load, write } = await bench(t)
  const before = Date.now()
  await write(before + 7_200_000)
  await load()
  const time = core.newest?.time ?? NaN
  t.ok(time > before - 2_000 && time <= Date.now(), `it is no floor for later ones: ${time - before}`)
  t.match(
    one.lines.join(''),
    /WARNING ks\/t-0a1b\S+: the time of its newest restore point, .* was in the future/,
  )
})

await t.test('a manifest that cannot be read is told, and its time stays the newest', async t => {
  const { one, core, load, write } = await bench(t)
  const { key } = await write()
  const body = Buffer.from('no gzip')
  await one.node.bucket.client.call({ operation: 'PutObject', method: 'PUT', key, body })
  await load()
  t.equal(core.newest, undefined)
  t.equal(core.phase === 'loading', false)
  t.match(one.lines.join(''), /ERROR .* tablesnap compares all of ks\/t-0a1b\S+ with the bucket again/)
})

await t.test('a one-shot run goes on without what the bucket refuses to tell, and says so', async t => {
  const { one, core, load, loader, outcomes } = await bench(t)
  one.node.bucket.server.faults.add({ on: 'GET', fault: faults.answer(403, 'AccessDenied') })
  await load()
  t.match(outcomes.summary.failed.get(core.name), /Cannot find out what the bucket holds of ks\/t-0a1b/)
  t.ok(loader.isIdle)
})

await t.test('a daemon asks again after a pause, at the end of an outage at once', async t => {
  const { one, core, load, loader, outcomes } = await bench(t, { isOneShot: false })
  one.node.bucket.server.faults.add({ on: 'GET', fault: faults.answer(403, 'AccessDenied') })
  const began = performance.now()
  void load()
  await until(() => outcomes.summary.failed.size > 0)
  t.notOk(loader.isIdle)
  await sleep(100)
  loader.retry()
  await until(() => core.phase !== 'loading')
  t.ok(performance.now() - began < 900)
  await loader.whenLoaded()
  t.equal(outcomes.summary.failed.size, 0)
  t.ok(loader.isIdle)
})

await t.test('a bucket that is not there is empty', async t => {
  const { core, load, loader, requests } = await bench(t)
  loader.expectNothing()
  const before = requests.length
  await load()
  t.equal(requests.length, before)
  t.equal(core.newest, undefined)
})

await t.test('directories that the same scan finds are listed, too', async t => {
  const { one, core, loader, requests } = await bench(t)
  const before = requests.length
  loader.add(core)
  one.tracked.scan('start', one.tracked.table(TABLE.replace('d1', 'd2')).set('nb-2-big'))
  await until(() => loader.objectsOf(core) !== undefined)
  t.equal(requests.length - before, 3, 'its manifests, and both directories')
})

await t.test('many tables do not take a LIST each', async t => {
  const { one, loader, loaded, write, requests } = await bench(t)
  await write()
  const { tracked } = one
  for (let i = 0; i < 100; i++) {
    const id = String(i).padStart(32, '0')
    tracked.scan('start', tracked.table(`d1/ks/t-${id}`))
  }
  const before = requests.length
  for (const table of tracked.tables) loader.add(table)
  await until(() => loaded.length === 101)
  t.ok(requests.length - before < 10, `${requests.length - before} requests`)
  t.equal(tracked.core().newest?.time, 1_000)
})
