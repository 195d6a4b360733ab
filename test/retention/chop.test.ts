import { rmSync } from 'node:fs'

import t from 'tap'

import { BucketStates } from '../support/bucket-states.js'

import { ChopNode } from './support.js'

await t.test('what no restore point needs goes, an hour after the plan for it', async t => {
  const world = await ChopNode.create(t)
  const { node } = world
  const table = node.table()
  const states = new BucketStates(node)
  table.flush('nb-1-big')
  await node.backUp()
  world.pass()
  for (const path of table.paths('nb-1-big')) rmSync(path)
  table.flush('nb-2-big')
  await node.backUp()
  world.pass()
  t.equal((await states.all()).length, 2)
  const first = await world.chop({ grace: 3_600_000 })
  t.same(first.keys, [])
  t.equal(first.planned, 1 + 8 + 1)
  const early = await world.chop({ grace: 3_600_000 })
  t.same([early.keys, early.planned], [[], undefined])
  t.ok((early.ripeAt ?? 0) > Date.now())
  const second = await world.chop()
  t.equal(second.keys.length, 10)
  t.match(second.keys[0], /\/states\//, 'the manifest goes first')
  t.match(second.keys[1], /-listdir\.json$/)
  t.equal((await states.all()).length, 1)
  t.same(await states.problems(await states.all()), [])
  const left = await node.keys(node.key(''))
  t.same(
    left.filter(key => key.includes('nb-1-')),
    [],
  )
  const third = await world.chop()
  t.same([third.keys, third.planned], [[], 0])
})
