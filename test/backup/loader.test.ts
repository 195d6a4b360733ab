import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Loader } from '../../src/backup/loader.js'
import type { Unit } from '../../src/backup/unit.js'
import { faults } from '../../src/local-s3/fault.js'
import { createLogger } from '../../src/report/log.js'
import { until } from '../support/node.js'
import { Recorded } from '../support/recorded.js'

async function bench(t: Parameters<typeof Recorded.create>[0], flags: readonly string[] = ['-B']) {
  const one = await Recorded.create(t, { flags, tracked: { load: false } })
  const { tracked, node, config, keys, states, fence } = one
  const lines: string[] = []
  const loaded: { unit: Unit; error: unknown }[] = []
  const abort = new AbortController()
  const log = createLogger('text', line => lines.push(line))
  const loader = new Loader(
    { config, client: node.bucket.client, keys, log, states, fence, signal: abort.signal },
    (unit, error) => void loaded.push({ unit, error }),
  )
  const table = tracked.table().set('nb-1-big')
  tracked.scan('start', table)
  const unit = tracked.unit()
  const load = async () => {
    loaded.length = 0
    loader.add(unit)
    await until(() => loaded.length === 1)
    return loaded[0]?.error
  }
  const nothing = { sets: new Map(), files: new Map(), unexplained: [], unprotected: ['/x'] }
  const state = {
    node: 'node1',
    epoch: 1,
    unit: unit.name,
    time: 1_000,
    gap: false,
    directories: new Map(),
    ...nothing,
  }
  const write = () => states.write({ state, delta: undefined }, config.object)
  return { one, loader, unit, table, load, lines, write, requests: node.bucket.server.requests }
}

await t.test('a unit with a state costs one LIST of one key and a GET', async t => {
  const { unit, load, write, requests } = await bench(t)
  await write()
  const before = requests.length
  t.equal(await load(), undefined)
  t.match(unit.newest, { time: 1_000, unprotected: ['/x'] })
  t.equal(unit.listed, undefined)
  t.same(
    requests.slice(before).map(({ method }) => method),
    ['GET', 'GET'],
  )
})

await t.test(
  'a unit without one is listed by directory, by what uploads; not by a daemon that takes new files only',
  async t => {
    for (const flags of [['-B'], ['-B', '--watch'], []]) {
      const { one, unit, table, load } = await bench(t, flags)
      const key = one.keys.file(`${table.path}/nb-1-big-Data.db`)
      await one.node.bucket.client.call({
        operation: 'PutObject',
        method: 'PUT',
        key,
        body: Buffer.from('12345'),
      })
      t.equal(await load(), undefined)
      t.equal(unit.newest, undefined)
      t.equal(unit.listed?.get(key)?.size, flags.length === 0 ? undefined : 5)
    }
  },
)

await t.test('a state that cannot be read is told, and its time stays the newest', async t => {
  const { one, unit, load, write, lines } = await bench(t)
  const { key } = await write()
  await one.node.bucket.client.call({
    operation: 'PutObject',
    method: 'PUT',
    key,
    body: Buffer.from('no gzip'),
  })
  t.equal(await load(), undefined)
  t.equal(unit.newest, undefined)
  t.equal(unit.newestTime, 1_000)
  t.match(lines.join(''), /ERROR .* all of ks\/t-0a1b\S+ is compared with the bucket anew/)
})

await t.test(
  'a bucket that does not answer is an error of that unit; one that is not there is empty',
  async t => {
    const { one, loader, unit, load } = await bench(t)
    one.node.bucket.server.faults.add({ on: 'GET', fault: faults.answer(403, 'AccessDenied') })
    t.match(await load(), { code: 'S3_ACCESS_DENIED' })
    loader.isEmpty = true
    const before = one.node.bucket.server.requests.length
    t.equal(await load(), undefined)
    t.equal(one.node.bucket.server.requests.length, before)
    t.equal(unit.newest, undefined)
  },
)

await t.test('directories that the same scan finds are listed, too', async t => {
  const { one, loader, unit, requests } = await bench(t)
  const before = requests.length
  loader.add(unit)
  one.tracked.scan('start', one.tracked.table('d2/ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9').set('nb-2-big'))
  await until(() => unit.listed !== undefined)
  await sleep(0)
  t.equal(requests.length - before, 3, 'its states, and both directories')
})
