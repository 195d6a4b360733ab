import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import t from 'tap'

import { SharedRate } from '../../src/transfer/pool/rate.js'

const never = new AbortController().signal

await t.test('slices are a small part of a second, and no larger than TLS takes well', t => {
  for (const [rate, slice] of [
    [64 * 1024, 4096],
    [1024 * 1024, 52_428],
    [20 * 1024 * 1024, 256 * 1024],
    [2 ** 40, 256 * 1024],
  ] as const) {
    t.equal(new SharedRate(rate).slice, slice)
  }
  t.end()
})

await t.test('threads keep one rate together', async t => {
  const bytesPerSecond = 4_000_000
  const rate = new SharedRate(bytesPerSecond)
  const source = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.module).then(async ({ SharedRate }) => {
      const rate = new SharedRate(workerData.bytesPerSecond, workerData.shared)
      const never = new AbortController().signal
      for (;;) {
        await rate.take(rate.slice, never)
        parentPort.postMessage(rate.slice)
      }
    })`
  const module = new URL('../../src/transfer/pool/rate.js', import.meta.url).href
  const workerData = { module, bytesPerSecond, shared: rate.shared }
  let bytes = 0
  const workers = Array.from(
    { length: 2 },
    () => new Worker(source, { eval: true, execArgv: [], workerData }),
  )
  for (const worker of workers) worker.on('message', (slice: number) => (bytes += slice))
  await Promise.all(workers.map(worker => new Promise(resolve => worker.once('message', resolve))))
  bytes = 0
  const began = performance.now()
  while (performance.now() - began < 2500) {
    await rate.take(rate.slice, never)
    bytes += rate.slice
  }
  const measured = bytes / ((performance.now() - began) / 1000)
  await Promise.all(workers.map(worker => worker.terminate()))
  t.ok(Math.abs(measured / bytesPerSecond - 1) < 0.12, `${Math.round(measured)} bytes a second`)
})

await t.test('what was not used is not saved up', async t => {
  const rate = new SharedRate(1_000_000)
  await rate.take(rate.slice, never)
  await sleep(1200)
  const began = performance.now()
  for (let taken = 0; taken < 600_000; taken += 50_000) await rate.take(50_000, never)
  const took = performance.now() - began
  t.ok(took > 400, `${Math.round(took)} ms`)
})

await t.test('a wait ends with its signal', async t => {
  const rate = new SharedRate(1000)
  const abort = new AbortController()
  await rate.take(10_000, abort.signal)
  const waiting = rate.take(10, abort.signal)
  abort.abort()
  await t.rejects(waiting, { name: 'AbortError' })
})
