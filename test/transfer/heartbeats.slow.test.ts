import t from 'tap'

import { Heartbeats } from '../../src/transfer/pool/heartbeats.js'

await t.test('a thread without a beat since the last look is stuck; a thread that has ended is none', t => {
  const main = new Heartbeats(2)
  const worker = new Heartbeats(0, main.shared)
  t.same(main.stuck([7]), [], 'a thread that starts')
  worker.beat(7)
  worker.beat(8)
  t.same(main.stuck([7, 8]), [], 'the first look')
  worker.beat(7)
  t.same(main.stuck([7, 8]), [8])
  worker.beat(8)
  t.same(main.stuck([7, 8]), [7])
  t.same(main.stuck([8]), [8], 'thread 7 has ended')
  worker.beat(9)
  t.same(main.stuck([8, 9]), [8], 'thread 9 has the cell of thread 7')
  t.same(main.stuck([8, 9]), [9, 8])
  t.end()
})

await t.test('a thread that finds no cell waits until an ended one is forgotten', t => {
  const main = new Heartbeats(1)
  const worker = new Heartbeats(0, main.shared)
  worker.beat(1)
  worker.beat(2)
  t.same(main.stuck([2]), [])
  worker.beat(2)
  t.same(main.stuck([2]), [])
  t.same(main.stuck([2]), [2])
  t.end()
})
