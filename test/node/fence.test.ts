import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { KeyLayout } from '../../src/manifest/keys.js'
import { Fence, type FenceDeps, type FenceTerms } from '../../src/node/fence.js'
import { Recorded } from '../support/recorded.js'

const KEY = '.tablesnap/node1/node.json'

/** Fences of one bucket and name, each a process's. */
async function fences(t: Parameters<typeof Recorded.create>[0]) {
  const { node, config } = await Recorded.create(t)
  const lines: string[] = []
  const silent = () => undefined
  const log = { debug: silent, info: silent, warn: (text: string) => void lines.push(text), error: silent }
  const { client } = node.bucket
  const keys = new KeyLayout('', 'node1', ':')
  const fence = (id: string, options: Partial<FenceDeps & FenceTerms> = {}): Fence => {
    const writer = { id, isMachine: true, volumes: [], host: `host of ${id}`, formerIds: [] }
    const one = new Fence(
      { config, client, keys, name: 'node1', writer, log, ...options },
      { takeOver: false, alone: false, clock: () => 1_000, ...options },
    )
    t.teardown(() => one.close())
    return one
  }
  const record = async () => JSON.parse((await node.body(KEY)).toString()) as Record<string, unknown>
  return { node, fence, record, lines }
}

await t.test('a free name is taken, and stays with its writer', async t => {
  const { fence, record } = await fences(t)
  await fence('w1').claim()
  t.same(await record(), {
    format: 1,
    writer: 'w1',
    host: 'host of w1',
    epoch: 1,
    since: 1_000,
    separator: ':',
    epochs: [{ epoch: 1, since: 1_000 }],
    heedsPlans: true,
  })
  const again = fence('w1')
  await again.claim()
  t.equal(again.epoch, 1)
  t.notOk(again.tookOver)
})

await t.test('another writer is refused, and told how to take it over', async t => {
  const { fence, record, lines } = await fences(t)
  const first = fence('w1')
  await first.claim()
  await t.rejects(fence('w2').claim(), {
    code: 'FENCED',
    message: /another writer \(host of w1, epoch 1\).*--take-over.*-n NAME/,
  })
  const second = fence('w2', { takeOver: true, clock: () => 2_000 })
  await second.claim()
  t.same([second.epoch, second.tookOver], [2, true])
  t.same(await record(), {
    format: 1,
    writer: 'w2',
    host: 'host of w2',
    epoch: 2,
    since: 1_000,
    separator: ':',
    epochs: [
      { epoch: 1, since: 1_000 },
      { epoch: 2, since: 2_000, accepts: true },
    ],
    heedsPlans: true,
  })
  const later = fence('w2')
  await later.claim()
  t.same([later.tookOver, later.acceptedEpoch, first.acceptedEpoch], [false, 2, 0])
  t.match(lines, [/Took node1 over from host of w1: epoch 2/])
  await first.check()
  await t.rejects(first.check(0), {
    code: 'FENCED',
    message: /stopped: host of w2 took the name node1 over \(epoch 2, ours was 1\)/,
  })
  await second.check(0)
  await t.rejects(fence('w1').claim(), { code: 'FENCED' })
})

await t.test('another separator is refused, also by a take-over', async t => {
  const { fence, node } = await fences(t)
  await fence('w1').claim()
  const { config } = await Recorded.create(t)
  for (const takeOver of [false, true]) {
    const other = fence('w1', { config: { ...config, separator: '/' }, takeOver })
    await t.rejects(other.claim(), {
      code: 'SEPARATOR_CHANGED',
      message: /written with the separator ":", and this run has "\/": give --keyname-separator ":"/,
    })
  }
  const old = JSON.stringify({ format: 1, writer: 'w1', host: 'h', epoch: 1, since: 1 })
  await node.bucket.client.call({ operation: 'PutObject', method: 'PUT', key: KEY, body: Buffer.from(old) })
  await fence('w1', { config: { ...config, separator: '/' } }).claim()
  t.pass('a record of an earlier version says nothing of it')
})

await t.test('the same writer taken over is another one', async t => {
  const { fence } = await fences(t)
  const first = fence('w1')
  await first.claim()
  const second = fence('w1', { takeOver: true })
  await second.claim()
  t.equal(second.epoch, 2)
  await t.rejects(first.check(0), { code: 'FENCED' })
})

await t.test('how old the last look may be', async t => {
  const { node, fence } = await fences(t)
  const first = fence('w1')
  await first.claim()
  const reads = () =>
    node.bucket.server.requests.filter(({ method, key }) => method === 'GET' && key === KEY).length
  const before = reads()
  await first.check()
  t.equal(reads(), before, 'it was just looked at')
  await first.check(0)
  t.equal(reads(), before + 1)
})

await t.test('a record that was deleted is written again, with the epoch that it had', async t => {
  const { node, fence, record } = await fences(t)
  await fence('w1').claim()
  const second = fence('w2', { takeOver: true })
  await second.claim()
  await node.bucket.client.call({ operation: 'DeleteObject', method: 'DELETE', key: KEY })
  await second.check(0)
  t.match(await record(), { writer: 'w2', epoch: 2, since: 1_000 })
})

await t.test('of two that claim a free name at once one is refused; a lost answer is no refusal', async t => {
  const { node, fence } = await fences(t)
  const results = await Promise.allSettled([fence('w1').claim(), fence('w2').claim()])
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.match(
    results.find(({ status }) => status === 'rejected'),
    { reason: { code: 'FENCED' } },
  )
  await node.bucket.client.call({ operation: 'DeleteObject', method: 'DELETE', key: KEY })
  node.bucket.server.faults.add({ on: 'PUT', key: KEY, fault: faults.loseAnswer() })
  const third = fence('w3')
  await third.claim()
  t.equal(third.epoch, 1)
})

await t.test('a record that nobody can read is no free name', async t => {
  const { node, fence } = await fences(t)
  for (const body of [
    '',
    '{',
    '{"format":2,"writer":"w1","epoch":1}',
    '{"format":1,"writer":"w1"}',
    'null',
  ]) {
    await node.bucket.client.call({
      operation: 'PutObject',
      method: 'PUT',
      key: KEY,
      body: Buffer.from(body),
    })
    await t.rejects(fence('w1').claim(), { code: 'FENCED', message: /cannot be read/ }, body)
    await t.rejects(fence('w1', { takeOver: true }).claim(), { code: 'FENCED', message: /deleted first/ })
  }
})

await t.test('on one machine one daemon has the name, though its writer is the same', async t => {
  const { fence } = await fences(t)
  const first = fence('w1', { alone: true })
  await first.claim()
  await t.rejects(fence('w1', { alone: true }).claim(), {
    code: 'FENCED',
    message: /another tablesnap on this machine watches as node1 already/,
  })
  await fence('w1').claim()
  await fence('w1', { alone: true, keys: new KeyLayout('', 'node2', ':') }).claim()
  const taker = fence('w1', { alone: true, takeOver: true })
  await taker.claim()
  t.equal(taker.epoch, 2)
  first.close()
  await new Promise(resolve => setImmediate(resolve))
  await taker.check(0)
  await t.rejects(fence('w1', { alone: true }).claim(), { code: 'FENCED' }, 'the lock is its own by now')
  taker.close()
  await new Promise(resolve => setImmediate(resolve))
  await fence('w1', { alone: true }).claim()
})

/** A plan of tablechop that a node.json names. */
const PLAN = { plan: '0000000000000001', before: undefined, since: 5, scope: '/data/' } as const

await t.test('plans of tablechop stay in node.json, and are told at each look', async t => {
  const { node, fence, record } = await fences(t)
  const seen: unknown[] = []
  const plans = {
    take: (chops: unknown) => {
      seen.push(chops)
      return Promise.resolve()
    },
  }
  const first = fence('w1', { plans })
  await first.claim()
  await node.bucket.put(KEY, JSON.stringify({ ...(await record()), heedsPlans: false, chop: [PLAN] }))
  await first.check()
  t.same(seen, [[]], 'the last look is not old')
  await first.check(0)
  t.same(seen.at(-1), [PLAN])
  await fence('w1', { plans }).claim()
  t.match(await record(), { heedsPlans: true, chop: [{ plan: PLAN.plan, scope: '/data/' }] })
  await fence('w2', { plans, takeOver: true }).claim()
  t.match(await record(), { epoch: 2, chop: [{ plan: PLAN.plan }] })
})

await t.test('a plan that comes while a run claims the name is not written over', async t => {
  const { node, fence, record } = await fences(t)
  await fence('w1').claim()
  const known = await record()
  const body = JSON.stringify({ ...known, chop: [PLAN] })
  const taken: unknown[] = []
  const plans = {
    // Right behind the look at node.json another program writes it.
    take: async (chops: readonly unknown[]) => {
      taken.push(chops.length)
      if (taken.length === 1) await node.bucket.put(KEY, body)
    },
  }
  const second = fence('w2', { plans, takeOver: true })
  await second.claim()
  t.same(taken, [0, 1])
  t.match(await record(), { epoch: 2, writer: 'w2', chop: [{ plan: PLAN.plan }] })
})

await t.test('a node that only tablechop has written of is free, with its plans', async t => {
  const { node, fence, record } = await fences(t)
  await fence('w0').claim()
  await node.bucket.put(
    KEY,
    JSON.stringify({ format: 1, writer: '', host: '', epoch: 0, since: 0, chop: [PLAN] }),
  )
  const first = fence('w1', { clock: () => 7_000 })
  await first.claim()
  t.match(await record(), { writer: 'w1', epoch: 1, since: 7_000, chop: [{ plan: PLAN.plan }] })
})
