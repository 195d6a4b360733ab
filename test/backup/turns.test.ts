import t from 'tap'

import { Turns, type Judging } from '../../src/backup/turns.js'
import { VirtualTime } from '../support/virtual-time.js'

/** A table that writes down what it is asked, and a queue in which events wait. */
function bench() {
  const time = new VirtualTime()
  const turns = new Turns(time, time)
  const calls: string[] = []
  const table: Judging = { look: () => void calls.push('look'), drained: () => void calls.push('drained') }
  /** Events that are still to be read, by the poll that reads them. */
  const queue: boolean[] = []
  turns.attach({
    poll: () => {
      calls.push('poll')
      const hasEvents = queue.shift() === true
      if (hasEvents) turns.touch(table)
      return true
    },
  })
  return { time, turns, table, calls, queue }
}

await t.test('a table decides only when all that had happened by its look was told', async t => {
  const { time, turns, table, calls, queue } = bench()
  queue.push(false, true, true)
  turns.touch(table)
  t.same(calls, [], 'not before everything of this turn is told')
  await time.pass(1)
  t.same(calls, ['poll', 'look', 'poll', 'look', 'poll', 'look', 'poll', 'drained'])
  t.equal(turns.size, 0)
})

await t.test('a timer reads the queue before the table looks', async t => {
  const { time, turns, table, calls } = bench()
  turns.wake(table, 500)
  turns.wake(table, 1_000)
  await time.pass(999)
  t.same(calls, [], 'the later order counts')
  await time.pass(1)
  t.same(calls, ['poll', 'look', 'poll', 'drained'])
  turns.wake(table, 2_000)
  turns.wake(table, undefined)
  await time.pass(5_000)
  t.equal(calls.length, 4)
})

await t.test('a queue that cannot be read to its end does not keep everybody else waiting', async t => {
  const { time, turns, table, calls } = bench()
  let polls = 0
  turns.attach({ poll: () => ++polls > 100 })
  turns.touch(table)
  let others = 0
  for (let i = 0; i < 50; i++) time.after(0, () => others++)
  await time.pass(1)
  t.equal(others, 50)
  t.equal(calls.filter(call => call === 'drained').length, 1)
  t.ok(polls > 100)
})

await t.test('a table decides although another one has events without end', async t => {
  const { time, turns, table, calls } = bench()
  const busy: string[] = []
  const restless: Judging = { look: () => void busy.push('look'), drained: () => void busy.push('drained') }
  let polls = 0
  turns.attach({
    poll: () => {
      if (++polls < 50) turns.touch(restless)
      else busy.push('rest')
      return true
    },
  })
  turns.touch(table)
  await time.pass(1)
  t.same(calls, ['look', 'drained'])
  t.ok(busy.indexOf('rest') < busy.indexOf('drained'), 'the one whose events go on decides when they end')
})

await t.test('what is forgotten or stopped is not woken', async t => {
  const { time, turns, table, calls } = bench()
  turns.touch(table)
  turns.wake(table, 100)
  turns.forget(table)
  await time.pass(200)
  t.same(
    calls.filter(call => call !== 'poll'),
    [],
  )
  turns.wake(table, 300)
  turns.stop()
  await time.pass(200)
  turns.touch(table)
  await time.pass(200)
  t.same(
    calls.filter(call => call !== 'poll'),
    [],
  )
  turns.finish()
  t.same(calls.slice(-4), ['poll', 'look', 'poll', 'drained'], 'but for the last time')
})
