import t from 'tap'

import { CheckWorld } from './support.js'

await t.test('a healthy bucket has no finding, and no note', async t => {
  const world = await (await CheckWorld.create(t)).healthy()
  const { code, kinds, units, log } = await world.check()
  t.equal(code, 0, log)
  t.same(kinds, [])
  t.match(units, [
    { unit: /^ks\/t-/, points: 2, restorable: 2 },
    { unit: /^ks\/u-/, points: 1, restorable: 1 },
  ])
})

await t.test('an object that the newest restore point needs is missing', async t => {
  const world = await (await CheckWorld.create(t)).healthy()
  await world.node.bucket.delete(world.key('nb-3-big-Data.db'))
  const { code, kinds, findings, units, log } = await world.check()
  t.equal(code, 1, log)
  t.same(kinds, ['broken object-missing'])
  t.match(
    findings[0]?.message,
    /^ks\.t: 1 object .* missing .*; 1 of 2 restore points need them \(node1:.*nb-3-big-Data\.db\)$/,
  )
  t.match(units[0], { points: 2, restorable: 1 })
})
