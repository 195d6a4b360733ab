import t, { type Test } from 'tap'

import { KeyLayout } from '../../src/manifest/keys.js'
import { encodeState } from '../../src/manifest/manifest-encode.js'
import { factsOf, totalsOf } from '../../src/manifest/manifest-facts.js'
import type { StoredState } from '../../src/manifest/manifest.js'
import type { State } from '../../src/manifest/state.js'
import { States } from '../../src/manifest/states.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { putObject } from '../../src/s3/object.js'
import { failure } from '../s3/support.js'
import { testBucket, type TestBucket } from '../support/bucket.js'

const keys = new KeyLayout('p/', 'node1', ':')
const NOTHING = { sets: 0, files: 0, bytes: 0 }
const PLAIN = { storageClass: undefined, sse: undefined, kmsKeyId: undefined }

function stateOf(unit: string, time: number, more: Partial<State> = {}): State {
  return {
    node: 'node1',
    epoch: 1,
    unit,
    time,
    gap: false,
    unexplained: [],
    sets: new Map(),
    files: new Map(),
    unprotected: [],
    directories: new Map(),
    ...more,
  }
}

function full(unit: string, time: number, more: Partial<State> = {}): StoredState {
  return { state: stateOf(unit, time, more), delta: undefined }
}

async function bucketOf(t: Test): Promise<{ bucket: TestBucket; states: States }> {
  const bucket = await testBucket(t)
  await ensureBucket(bucket.client, true)
  await putText(bucket, keys.node, '{"epoch": 1}')
  return { bucket, states: new States(bucket.client, keys) }
}

async function putText(bucket: TestBucket, key: string, text: string): Promise<void> {
  await putObject(
    bucket.client,
    key,
    { body: Buffer.from(text), headers: {} },
    { headers: {}, ifAbsent: false },
  )
}

async function all<T>(generator: AsyncGenerator<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of generator) items.push(item)
  return items
}

function setsOf(...paths: string[]): State['sets'] {
  return new Map(paths.map(path => [path, { components: new Map(), corrupt: false, kept: false }]))
}

await t.test('units inside each other, with names of every kind, keep their states apart', async t => {
  const { bucket, states } = await bucketOf(t)
  const units = [
    'a',
    'a/.idx',
    'a/7',
    'a/7/~',
    'a/!',
    'a/b',
    'a0',
    '7',
    '~7',
    'a/1234567890123-20261123T041233123Z',
  ]
  for (const unit of units) for (const time of [5, 2000, 30]) await states.write(full(unit, time), PLAIN)
  await putText(bucket, `${keys.states('')}a/note.txt`, 'x')
  bucket.server.requests.length = 0
  t.same((await all(states.units())).sort(), [...units].sort())
  t.ok(bucket.server.requests.length <= units.length + 2, 'one LIST each')
  for (const unit of units) {
    const times = (await all(states.keysOf(unit))).map(({ time }) => time)
    t.same(times, [2000, 30, 5], unit)
    bucket.server.requests.length = 0
    t.match(await states.newest(unit), { unit, time: 2000 })
    t.equal(bucket.server.requests.length, 1, 'one LIST')
  }
  t.same(await all(states.keysOf('a/c')), [])
  t.equal(await states.newest('a/c'), undefined)
  t.equal(await states.newest('b'), undefined)
})

await t.test('the states up to a time, the newest first', async t => {
  const { states } = await bucketOf(t)
  const times = [0, 9, 10, 1_000_000_000_000, 1_795_406_227_843, 1_795_406_227_844]
  for (const time of times) await states.write(full('u', time), PLAIN)
  await states.write(full('u/below', 7), PLAIN)
  for (const until of [...times, 8, 11, 1_795_406_227_842, 2_000_000_000_000]) {
    const found = (await all(states.keysOf('u', until))).map(({ time }) => time)
    t.same(found, times.filter(time => time <= until).reverse(), String(until))
  }
})

await t.test('a state is written once', async t => {
  const { bucket, states } = await bucketOf(t)
  const one = full('u', 7, { sets: setsOf('/d/nb-1-big') })
  const { key } = await states.write(one, PLAIN)
  t.same(await states.read(key), one.state)
  t.equal((await states.write(one, PLAIN)).key, key, 'the same again is the same')
  t.match(
    await failure(states.write(full('u', 7, { sets: setsOf('/d/nb-2-big') }), PLAIN)),
    { status: 412 },
    'another one that says the same of itself is refused',
  )
  t.same(await states.read(key), one.state)
  t.same(
    (await bucket.list()).map(object => object.key),
    [keys.node, key],
  )
})

await t.test('a delta is read with its base, by two GETs', async t => {
  const { bucket, states } = await bucketOf(t)
  const { key: base } = await states.write(
    full('u', 7, { sets: setsOf('/d/nb-1-big', '/d/nb-2-big') }),
    PLAIN,
  )
  const delta = { base, removed: ['/d/nb-1-big'], totals: { sets: 2, files: 0, bytes: 0 } }
  const state = stateOf('u', 8, { sets: setsOf('/d/nb-3-big') })
  const { key } = await states.write({ state, delta }, PLAIN)
  bucket.server.requests.length = 0
  t.same([...(await states.read(key)).sets.keys()], ['/d/nb-2-big', '/d/nb-3-big'])
  t.equal(bucket.server.requests.length, 2)

  const { key: second } = await states.write(
    { state: stateOf('u', 9), delta: { base: key, removed: [], totals: NOTHING } },
    PLAIN,
  )
  await t.rejects(states.read(second), { code: 'STATE_CORRUPT' }, 'a delta is no base')
  const { key: other } = await states.write(full('v', 7), PLAIN)
  const { key: foreign } = await states.write(
    { state: stateOf('u', 10), delta: { base: other, removed: [], totals: NOTHING } },
    PLAIN,
  )
  await t.rejects(states.read(foreign), { code: 'STATE_CORRUPT' }, 'nor is another unit’s state')
  const { key: lost } = await states.write(
    { state: stateOf('u', 11), delta: { base: keys.state('u', 1), removed: [], totals: NOTHING } },
    PLAIN,
  )
  await t.rejects(states.read(lost), { code: 'STATE_CORRUPT' }, 'nor is nothing')
})

await t.test('a state under the key of another unit, and what is none, are refused', async t => {
  const { bucket, states } = await bucketOf(t)
  const put = async (body: Buffer): Promise<void> => {
    await putObject(
      bucket.client,
      keys.state('u', 7),
      { body, headers: {} },
      { headers: {}, ifAbsent: false },
    )
  }
  await put((await encodeState(full('v', 7))).body)
  await t.rejects(states.read(keys.state('u', 7)), { code: 'STATE_CORRUPT', message: /it is of unit v/ })
  await put(Buffer.from('{}'))
  await t.rejects(states.read(keys.state('u', 7)), { code: 'STATE_CORRUPT' })
})

await t.test('a body that says other things than its key is corrupt', async t => {
  const { bucket, states } = await bucketOf(t)
  const one = full('u', 7, { sets: setsOf('/d/nb-1-big') })
  const facts = factsOf(one.state, totalsOf(one.state), undefined)
  const { body } = await encodeState(one)
  const lies = [
    { epoch: 2 },
    { kind: 'partial' },
    { kind: 'unexplained' },
    { gap: true },
    { base: 5 },
    { sets: 2 },
    { files: 1 },
    { bytes: 1 },
  ] as const
  for (const lie of [{}, ...lies]) {
    const key = keys.state('u', 7, { ...facts, ...lie })
    await putObject(bucket.client, key, { body, headers: {} }, { headers: {}, ifAbsent: false })
    if (Object.keys(lie).length === 0) t.same((await states.read(key)).sets, one.state.sets)
    else
      await t.rejects(
        states.read(key),
        { code: 'STATE_CORRUPT', message: /its key says/ },
        JSON.stringify(lie),
      )
  }
})

await t.test('a delta whose base is another full manifest than it was made of is corrupt', async t => {
  const { bucket, states } = await bucketOf(t)
  const { key: base } = await states.write(full('u', 7, { sets: setsOf('/d/nb-1-big') }), PLAIN)
  const totals = { sets: 2, files: 0, bytes: 0 }
  const state = stateOf('u', 8, { sets: setsOf('/d/nb-2-big') })
  const { key } = await states.write({ state, delta: { base, removed: [], totals } }, PLAIN)
  t.equal((await states.read(key)).sets.size, 2)
  const { body } = await encodeState(full('u', 7))
  await putObject(bucket.client, keys.state('u', 7), { body, headers: {} }, { headers: {}, ifAbsent: false })
  const { key: other } = await states.write(
    { state: { ...state, time: 9 }, delta: { base: keys.state('u', 7), removed: [], totals } },
    PLAIN,
  )
  await t.rejects(states.read(other), { code: 'STATE_CORRUPT', message: /together they name other files/ })
})
