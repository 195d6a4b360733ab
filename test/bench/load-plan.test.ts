import t from 'tap'

import { Arrivals, percentile, type LoadPlan } from '../../bench/neighbour/load-plan.js'

const PLAN: LoadPlan = {
  address: '',
  port: 0,
  table: 'bench.rows',
  rows: 1000,
  valueSize: 16,
  rate: 1,
  warmUp: 0,
  seconds: 1,
  seed: 7,
}

await t.test('loads of one seed send the same requests: 8 reads of 10, 8 of 10 to a fifth of the rows', t => {
  const [one, two] = [new Arrivals(PLAN), new Arrivals(PLAN)]
  const requests = Array.from({ length: 20_000 }, () => one.next())
  t.strictSame(
    Array.from({ length: 20_000 }, () => two.next()),
    requests,
  )
  const share = (of: (request: { isRead: boolean; id: number }) => boolean) =>
    requests.filter(of).length / 20_000
  t.ok(Math.abs(share(({ isRead }) => isRead) - 0.8) < 0.02)
  // Of the others a fifth goes there, too.
  t.ok(Math.abs(share(({ id }) => id < 200) - 0.84) < 0.02)
  t.ok(requests.every(({ id }) => Number.isInteger(id) && id >= 0 && id < PLAN.rows))
  t.end()
})

await t.test('a percentile is the value that so many percent do not exceed', t => {
  const sorted = Array.from({ length: 1000 }, (_, i) => i + 1)
  t.equal(percentile(sorted, 50), 500)
  t.equal(percentile(sorted, 99), 990)
  t.equal(percentile(sorted, 99.9), 999)
  t.equal(percentile([5], 99), 5)
  t.ok(Number.isNaN(percentile([], 50)))
  t.end()
})
