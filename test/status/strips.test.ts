import t from 'tap'

import { Activity } from '../../src/status/activity.js'
import { span } from '../../src/status/reasons.js'
import { Strips } from '../../src/status/strips.js'

const HOUR = 3_600_000

await t.test('a strip shows the worst of each of the last 24 hours, and forgets what is a day old', t => {
  const strips = new Strips()
  const start = 1_000_000 * HOUR
  strips.note('ks/t', 'behind', start)
  strips.note('ks/t', 'protected', start + 1)
  strips.note('ks/t', 'damaged', start + HOUR)
  strips.note('ks/t', 'protected', start + 3 * HOUR)
  t.equal(strips.of('ks/t', start + 3 * HOUR), `${'.'.repeat(20)}wd.p`)
  t.equal(strips.of('ks/t', start + 24 * HOUR), `d.p${'.'.repeat(21)}`)
  t.equal(strips.of('ks/t', start + 100 * HOUR), '.'.repeat(24))
  t.equal(strips.of('ks/other', start), '.'.repeat(24))
  t.end()
})

await t.test('a clock that is set back leaves nothing that is known', t => {
  const strips = new Strips()
  const start = 1_000_000 * HOUR
  strips.note('ks/t', 'protected', start)
  strips.note('ks/t', 'behind', start - 50 * HOUR)
  t.equal(strips.of('ks/t', start - 50 * HOUR), `${'.'.repeat(23)}w`)
  t.end()
})

await t.test('the rate is that of the last minute, or of the time since the start', t => {
  let now = 0
  const activity = new Activity(() => now)
  activity.sent(1_000)
  now = 10_000
  t.equal(activity.rate, 100)
  now = 59_000
  activity.sent(5_000)
  t.equal(Math.round(activity.rate), Math.round(6_000 / 59))
  now = 90_000
  t.equal(Math.round(activity.rate), Math.round(5_000 / 60))
  now = 500_000
  t.equal(activity.rate, 0)
  t.end()
})

await t.test('latencies are counted by bound', t => {
  const activity = new Activity(() => 0)
  for (const ms of [100, 700, 700, 7_200_000]) activity.durable(ms)
  const { counts, sum } = activity.latency
  t.equal(counts[0], 1)
  t.equal(counts[1], 2)
  t.equal(counts.at(-1), 1)
  t.equal(sum, 7_201.5)
  t.end()
})

await t.test('spans are told as people say them', t => {
  t.strictSame([400, 119_000, 125_000, 3 * HOUR, 3 * HOUR + 300_000, 72 * HOUR].map(span), [
    '0 s',
    '119 s',
    '2 min',
    '3 h',
    '3 h 5 min',
    '3 days',
  ])
  t.end()
})
