import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { BufferPool } from '../../src/transfer/pool/buffers.js'

await t.test('never more buffers than there may be, and none lent twice at once', async t => {
  const pool = new BufferPool(3, 1000, 1000)
  const seen = new Set<Buffer>()
  const lent = new Set<Buffer>()
  let most = 0
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      pool.lend(10, async buffer => {
        t.notOk(lent.has(buffer), 'in one hand only')
        lent.add(buffer)
        seen.add(buffer)
        most = Math.max(most, lent.size)
        await sleep(i % 3)
        lent.delete(buffer)
      }),
    ),
  )
  t.equal(most, 3)
  t.equal(seen.size, 3)
})

await t.test('made when needed, larger where needed, and kept', async t => {
  const pool = new BufferPool(2, 100, 400)
  const sizes: number[] = []
  const lend = (bytes: number) =>
    pool.lend(bytes, buffer => {
      sizes.push(buffer.length)
      return Promise.resolve(buffer)
    })
  const first = await lend(10)
  t.equal(await lend(100), first)
  await lend(101)
  await lend(10)
  await lend(5000)
  t.same(sizes, [100, 100, 400, 400, 400])
  t.equal((await new BufferPool(1, 1000, 10).lend(5, buffer => Promise.resolve(buffer))).length, 10)
})

await t.test('a failure gives the buffer back', async t => {
  const pool = new BufferPool(1, 10, 10)
  const failing = () => Promise.reject(new Error('no'))
  await Promise.all([t.rejects(pool.lend(1, failing)), t.rejects(pool.lend(1, failing))])
  const huge = new BufferPool(1, 10, Number.MAX_SAFE_INTEGER)
  await t.rejects(huge.lend(Number.MAX_SAFE_INTEGER, failing), RangeError, 'more than there is memory')
  t.equal(await huge.lend(1, buffer => Promise.resolve(buffer.length)), 10)
})
