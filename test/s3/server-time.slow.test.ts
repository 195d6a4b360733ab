import t from 'tap'

import { ServerTime } from '../../src/s3/server-time.js'
import { Random } from '../manifest/random.js'

const SEED = Number(process.env['SEED'] ?? 1)

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** How much faster a bad quartz makes the monotonic clock run than the server's. */
const DRIFT = 50e-6

await t.test(`50 jumps of the time of day, of up to two hours, change nothing: SEED=${SEED}`, t => {
  for (let seed = SEED; seed < SEED + 20; seed++) {
    const random = new Random(seed)
    const time = new ServerTime()
    const begin = 1_795_000_000_000 + random.below(10_000)
    /** Real time since the begin, ms. */
    let now = 0
    let skew = random.chance(0.5) ? 0 : random.below(4 * HOUR) - 2 * HOUR
    const jumps = new Set(Array.from({ length: 50 }, () => Math.floor(random.below(DAY) / 60_000)))
    const monotonic = () => 12_345 + now * (1 + DRIFT)
    const answer = () => {
      const sent = monotonic()
      now += random.below(300)
      const date = Math.floor((begin + now) / 1000) * 1000
      now += random.below(300)
      time.answered({ date, sent, answered: monotonic(), wall: begin + now + skew })
    }
    answer()
    let least = Infinity
    let most = -Infinity
    let last = 0
    for (let minute = 0; minute < DAY / 60_000; minute++) {
      if (jumps.has(minute)) skew = random.below(4 * HOUR) - 2 * HOUR
      now = Math.max(now, minute * 60_000)
      // The server is silent for up to an hour at times.
      if (minute % 60 < 10 || random.chance(0.3)) answer()
      const error = monotonic() + (time.offset ?? NaN) - (begin + now)
      least = Math.min(least, error)
      most = Math.max(most, error)
      last = error
    }
    t.ok(most < 1_000, `never more than a second later than the server's clock: ${most} ms, seed ${seed}`)
    t.ok(least > -1_500, `nor much earlier: ${least} ms, seed ${seed}`)
    t.ok(Math.abs(last) < 1_500)
  }
  t.end()
})

await t.test('a time of day that the server shows to be right counts to the millisecond', t => {
  const time = new ServerTime()
  time.answered({ date: 5_000, sent: 100, answered: 110, wall: 5_432 })
  t.equal(time.offset, 5_432 - 110)
  time.answered({ date: 6_000, sent: 1_100, answered: 1_110, wall: 9_999_999 })
  t.equal(time.offset, 5_432 - 110, 'a jump is not believed')
  t.end()
})

await t.test('a wrong time of day: the Date counts, as the server cannot be earlier', t => {
  const time = new ServerTime()
  t.equal(time.offset, undefined)
  time.answered({ date: 5_000, sent: 100, answered: 110, wall: 7_205_000 })
  t.equal(time.offset, 5_000 - 110)
  time.answered({ date: 95_000, sent: 200, answered: 210, wall: 7_205_100 })
  t.equal(time.offset, 95_000 - 210, 'the server was set, or this machine slept')
  t.end()
})
