import t from 'tap'

import { Recovery } from '../../src/backup/recovery.js'
import { Rescans } from '../../src/backup/rescans.js'
import type { Table } from '../../src/tables/table.js'
import { VirtualTime } from '../support/virtual-time.js'

await t.test('the first success after an outage ends it, once', async t => {
  const time = new VirtualTime()
  const recovery = new Recovery(time)
  let ends = 0
  recovery.onEnd(() => ends++)
  recovery.failed()
  await time.pass(10_000)
  recovery.failed()
  recovery.succeeded()
  recovery.succeeded()
  t.equal(ends, 1)
})

await t.test('a failure beside successes is no outage', async t => {
  const time = new VirtualTime()
  const recovery = new Recovery(time)
  let ends = 0
  recovery.onEnd(() => ends++)
  for (let i = 0; i < 20; i++) {
    recovery.failed()
    await time.pass(1_000)
    recovery.succeeded()
  }
  t.equal(ends, 0)
})

/** Scans of one table that take so much CPU time, ms. */
function scans(cost: number, { isPaced = true, isUnwatched = false } = {}) {
  const time = new VirtualTime()
  const begun: number[] = []
  const scanner = {
    rescan: () => {
      begun.push(time.now())
      time.cpu += cost
    },
    isUnwatched: () => isUnwatched,
  }
  const rescans = new Rescans(scanner, time, isPaced)
  const table = {} as unknown as Table
  return { time, begun, rescans, order: () => rescans.order(table, ['/d']) }
}

await t.test('a table is scanned at once, and the next time after a hundred times its cost', async t => {
  const { time, begun, order } = scans(10)
  order()
  t.same(begun, [], 'never before the table that orders it has its turn behind it')
  await time.pass(1)
  t.same(begun, [0])
  order()
  order()
  await time.pass(5_000)
  t.same(begun, [0, 1_000])
})

await t.test('however busy the machine is, 30 s is the longest pause', async t => {
  const { time, begun, order } = scans(5_000)
  order()
  await time.pass(1)
  order()
  await time.pass(60_000)
  t.same(begun, [0, 30_000])
})

await t.test('a one-shot run waits for no scan', async t => {
  const { time, begun, order } = scans(1_000, { isPaced: false })
  order()
  await time.pass(1)
  order()
  await time.pass(1)
  t.same(begun, [0, 1])
})

await t.test('scans of a directory without a watch come further apart while they differ', async t => {
  const { time, begun, order } = scans(0, { isUnwatched: true })
  for (let i = 0; i < 8; i++) {
    const before = begun.length
    order()
    while (begun.length === before) await time.pass(100)
  }
  const pauses = begun.map((at, i) => Math.round((at - (begun[i - 1] ?? 0)) / 1_000))
  t.same(pauses, [1, 2, 4, 8, 16, 32, 60, 60])
  await time.pass(200_000)
  order()
  const before = begun.length
  await time.pass(1_000)
  t.equal(begun.length, before + 1, 'after a rest the next one comes soon')
})

await t.test('what is stopped is scanned no more', async t => {
  const { time, begun, rescans, order } = scans(1)
  order()
  rescans.stop()
  await time.pass(1_000)
  t.same(begun, [])
  t.equal(rescans.size, 0)
})
