import t from 'tap'

import { Epochs, parseEpochs } from '../../src/manifest/epochs.js'
import { KeyLayout, type StateKey } from '../../src/manifest/keys.js'
import { encodeState } from '../../src/manifest/manifest-encode.js'
import { ranked } from '../../src/manifest/ranked.js'
import type { State } from '../../src/manifest/state.js'
import { States } from '../../src/manifest/states.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { putObject } from '../../src/s3/object.js'
import { testBucket } from '../support/bucket.js'

const MINUTE = 60_000
const T0 = Date.UTC(2026, 10, 20)

/** A manifest of an epoch, some minutes after T0. @param stored when the server got it, minutes */
function at(epoch: number | undefined, minute: number, stored = minute): StateKey {
  const facts =
    epoch === undefined
      ? undefined
      : ({ epoch, kind: 'complete', gap: false, base: undefined, sets: 1, files: 0, bytes: 1 } as const)
  return {
    key: `${epoch ?? 'old'}@${minute}`,
    unit: 'u',
    time: T0 + minute * MINUTE,
    stored: T0 + stored * MINUTE,
    facts,
  }
}

async function order(keys: readonly StateKey[], epochs: Epochs, old = 1): Promise<string[]> {
  const byTime = [...keys].sort((a, b) => b.time - a.time)
  const found: string[] = []
  for await (const { key } of ranked(
    byTime,
    () => Promise.resolve(epochs),
    () => Promise.resolve(old),
  ))
    found.push(key)
  return found
}

/** @param since of epochs 1, 2, …, minutes after T0 */
function known(...since: number[]): Epochs {
  return new Epochs(
    since.length,
    since.map((minute, index) => ({ epoch: index + 1, since: T0 + minute * MINUTE })),
  )
}

await t.test(
  'a writer that lost the name is outranked, also with what it wrote after the take-over',
  async t => {
    const keys = [at(1, 5), at(1, 9), at(2, 10), at(1, 10.9), at(1, 10.5)]
    const right = ['2@10', '1@10.9', '1@10.5', '1@9', '1@5']
    t.same(await order(keys, known(0, 10)), right)
    t.same(await order(keys, new Epochs(2)), right, 'where node.json does not tell when the epoch began')
    t.same(await order(keys, new Epochs(undefined)), right, 'nor which epoch there is')
    t.same(await order([...keys, at(2, 11)], known(0, 10)), ['2@11', ...right])
  },
)

await t.test('a table that the new writer has nothing of keeps its manifests, at no cost', async t => {
  let taken = 0
  const keys = function* (): Generator<StateKey> {
    for (let minute = 100; minute > 0; minute--) {
      taken++
      yield at(1, minute)
    }
  }
  for await (const { key } of ranked(
    keys(),
    () => Promise.resolve(known(0, 1000)),
    () => Promise.resolve(1),
  )) {
    t.equal(key, '1@100')
    break
  }
  t.equal(taken, 2, 'nothing written before an epoch can be of it')
})

await t.test('several take-overs, each with a late manifest of the one before', async t => {
  const keys = [at(1, 1), at(2, 10), at(1, 10.5), at(3, 20), at(2, 20.5), at(3, 30)]
  t.same(await order(keys, known(0, 10, 20)), ['3@30', '3@20', '2@20.5', '2@10', '1@10.5', '1@1'])
})

await t.test('a manifest from the future counts as of when it was stored', async t => {
  const keys = [at(1, 5), at(1, 130, 10), at(1, 12), at(1, 13)]
  t.same(await order(keys, known(0)), ['1@13', '1@12', '1@130', '1@5'])
  t.same(await order([at(2, 11), at(1, 130, 10)], known(0, 10)), ['2@11', '1@130'])
  t.same(await order([at(1, 5, 900), at(1, 6, 900)], known(0)), ['1@6', '1@5'], 'a bucket may be a copy')
})

await t.test('keys that do not tell the epoch: the body is asked where it can matter', async t => {
  t.same(await order([at(undefined, 11), at(2, 10)], known(0, 10), 1), ['2@10', 'old@11'])
  t.same(await order([at(undefined, 11), at(2, 10)], known(0, 10), 2), ['old@11', '2@10'])
  const never = (): Promise<number> => Promise.reject(new Error('asked'))
  const first: StateKey[] = []
  for await (const key of ranked(
    [at(undefined, 11), at(undefined, 10)],
    () => Promise.resolve(known(0)),
    never,
  ))
    first.push(key)
  t.equal(first.length, 2, 'never where nobody took the name over')
})

await t.test('what node.json says of epochs', async t => {
  const told = parseEpochs(
    '{"epoch":2,"epochs":[{"epoch":1,"since":0},{"epoch":2,"since":99999999},{"epoch":"3"},null]}',
  )
  t.equal(told.current, 2)
  t.equal(told.mayFollow({ epoch: 1, time: 5 }, 5), false)
  t.equal(told.mayFollow({ epoch: 1, time: 99999999 }, 99999999), true)
  for (const text of ['', 'null', '[]', '{"epoch":"1"}', '{"epoch":-1}', '7'])
    t.equal(parseEpochs(text).current, undefined, text)
})

await t.test('every reader of a bucket takes the new writer’s manifest', async t => {
  const bucket = await testBucket(t)
  await ensureBucket(bucket.client, true)
  const keys = new KeyLayout('', 'node1', ':')
  const settings = { storageClass: undefined, sse: undefined, kmsKeyId: undefined }
  const state = (epoch: number, minute: number, unit: string): State => ({
    node: 'node1',
    epoch,
    unit,
    time: T0 + minute * MINUTE,
    gap: false,
    unexplained: [],
    sets: new Map(),
    files: new Map(),
    unprotected: [],
    directories: new Map(),
  })
  const put = async (key: string, body: Buffer): Promise<void> => {
    await putObject(bucket.client, key, { body, headers: {} }, { headers: {}, ifAbsent: false })
  }
  const writer = new States(bucket.client, keys)
  for (const [epoch, minute] of [
    [1, 9],
    [2, 10],
    [1, 10.9],
  ] as const) {
    await writer.write({ state: state(epoch, minute, 'new'), delta: undefined }, settings)
    const old = state(epoch, minute, 'old')
    await put(keys.state('old', old.time), (await encodeState({ state: old, delta: undefined })).body)
  }
  const epochs = [
    { epoch: 1, since: T0 },
    { epoch: 2, since: T0 + 10 * MINUTE },
  ]
  for (const node of [{ epoch: 2 }, { epoch: 2, epochs }]) {
    await put(keys.node, Buffer.from(JSON.stringify(node)))
    const states = new States(bucket.client, keys)
    const minutes = async (unit: string): Promise<number[]> => {
      const found: number[] = []
      for await (const { time } of states.keysOf(unit)) found.push((time - T0) / MINUTE)
      return found
    }
    for (const unit of ['new', 'old']) {
      t.equal((await states.newest(unit))?.time, T0 + 10 * MINUTE, unit)
      t.same(await minutes(unit), [10, 10.9, 9], unit)
      t.equal((await states.newest(unit, T0 + 9.5 * MINUTE))?.time, T0 + 9 * MINUTE, 'before the take-over')
    }
    const heads: number[] = []
    for await (const { time } of states.heads()) heads.push((time - T0) / MINUTE)
    t.same(heads, [10, 10])
  }
})
