import t from 'tap'

import { PLAIN } from './scenario.js'
import { shorten } from './shorten.js'
import type { Event, Script } from './script.js'

const event = (what: Event['what'], after: number, salt = 9): Event => ({ what, after, salt })

/** When each event happens. */
function timesOf({ events }: Script): Map<string, number> {
  let time = 0
  return new Map(events.map(({ what, after }) => [what, (time += after)]))
}

await t.test('a history is shortened to the events that it goes wrong by', async t => {
  const noise = Array.from({ length: 9 }, (_, index) => event('compact', index))
  const script: Script = {
    ...PLAIN,
    format: 'sai',
    existing: 3,
    events: [...noise, event('flush', 5), ...noise, event('truncate', 7), ...noise],
  }
  // The truncate comes at least 20 ms after the flush, and one SSTable or more is there.
  const goesWrong = (one: Script) => {
    const times = timesOf(one)
    const pause = (times.get('truncate') ?? NaN) - (times.get('flush') ?? NaN)
    return Promise.resolve(pause >= 20 && one.existing > 0)
  }
  const { events, ...rest } = await shorten(script, goesWrong)
  t.same(
    events.map(({ what, salt }) => [what, salt]),
    [
      ['flush', 0],
      ['truncate', 0],
    ],
  )
  t.match(rest, { format: 'big', existing: 3 })
})
