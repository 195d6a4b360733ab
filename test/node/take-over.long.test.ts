import t from 'tap'

import { TestNode } from '../support/node.js'

await t.test('a daemon whose name is taken over stops by itself within 90 s, and says why', async t => {
  const node = await TestNode.create(t)
  const table = node.table().flush('nb-1-big')
  const first = await node.watch(t)
  const began = performance.now()
  const second = await node.watch(t, ['-r', '-a', '--take-over'])
  t.match(second.stderr, /WARNING Took node1 over from .*: epoch 2/)
  t.equal(await first.exit, 1)
  t.ok(performance.now() - began < 90_000, `${Math.round(performance.now() - began)} ms`)
  t.match(first.stderr, /ERROR stopped: .* took the name node1 over \(epoch 2, ours was 1\)/)
  table.flush('nb-2-big')
  await node.arrived(table.paths('nb-2-big').map(path => node.key(path)))
  second.kill('SIGTERM')
  t.equal(await second.exit, 143)
})
