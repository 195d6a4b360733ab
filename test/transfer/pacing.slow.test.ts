import t from 'tap'

import { SharedOverwriting } from '../../src/transfer/pool/overwriting.js'
import { Pacing } from '../../src/transfer/pool/pacing.js'

await t.test('halved when asked for fewer, never below one, and back by one after good answers', t => {
  const pacing = new Pacing(8)
  t.equal(pacing.limit, 8)
  const limits = [4, 2, 1, 1]
  for (const limit of limits) {
    pacing.slowDown()
    t.equal(pacing.limit, limit)
  }
  const reached: number[] = []
  for (let good = 0; pacing.limit < 8 && good < 1000; good++) {
    const before = pacing.limit
    pacing.success()
    if (pacing.limit !== before) reached.push(good + 1)
  }
  t.same(reached, [8, 24, 48, 80, 120, 168, 224], 'the more there are, the more good answers it takes')
  for (let good = 0; good < 1000; good++) pacing.success()
  t.equal(pacing.limit, 8, 'no more than at first')
  t.end()
})

await t.test('a complaint voids the good answers before it', t => {
  const pacing = new Pacing(4)
  pacing.slowDown()
  for (let good = 0; good < 15; good++) pacing.success()
  pacing.slowDown()
  t.equal(pacing.limit, 1)
  for (let good = 0; good < 7; good++) pacing.success()
  t.equal(pacing.limit, 1)
  pacing.success()
  t.equal(pacing.limit, 2)
  t.end()
})

await t.test('one number for all threads', t => {
  const here = new Pacing(8)
  const there = new Pacing(8, here.shared)
  there.slowDown()
  t.equal(here.limit, 4)
  for (let good = 0; good < 32; good++) (good % 2 === 0 ? here : there).success()
  t.equal(there.limit, 5)
  t.end()
})

await t.test('what one thread learned of overwriting', t => {
  const here = new SharedOverwriting()
  const there = new SharedOverwriting(here.shared)
  t.equal(there.state, 'unknown')
  here.note('refused')
  t.equal(there.state, 'refused')
  there.note('allowed')
  t.equal(here.state, 'allowed')
  t.end()
})
