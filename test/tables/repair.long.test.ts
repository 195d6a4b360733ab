import { join } from 'node:path'
import t from 'tap'
import { Cassandra } from '../support/real/cassandra.js'
import { Stage } from '../support/real/stage.js'
import { Versions } from '../support/real/versions.js'

/** Hints would bring what only a repair is to bring. */
const yaml = { auto_bootstrap: false, hinted_handoff_enabled: false }

/** Of the ring the second node has the upper half, the first one the lower. */
const tokens = ['0', '9223372036854775806']

await t.test('states of a node hold its rows through repairs with another one', async t => {
  const stage = await Stage.start(t, { yaml: { ...yaml, initial_token: tokens[0] }, replication: 2 })
  const model = await stage.table('ks.t')
  const single = await stage.table('single.t', 1)
  await model.write(0, 3000, 1)
  await single.write(0, 3000, 1)
  await stage.flush(model)
  await stage.flush(single)

  // The other node, which has no data yet, might answer later.
  const upper = await stage.rows.execute('SELECT id, token(id) AS position FROM ks.t')

  const other = await Cassandra.create({
    version: '5.0.9',
    format: undefined,
    home: join(stage.work, 'other'),
    joins: stage.node,
    yaml: { ...yaml, initial_token: tokens[1] },
  })
  t.teardown(() => other.kill())
  await other.start()

  await stage.node.nodetool('cleanup', 'single', 't')
  single.lost(upper.rows.filter(row => BigInt(String(row['position'])) > 0n).map(row => Number(row['id'])))
  await stage.node.nodetool('repair', '-pr', 'ks', 't')
  await model.write(3000, 4000, 1)
  await model.delete(0, 200)
  await stage.flush(model)

  await stage.node.stop()
  model.rows = await Versions.connect(other.contact)
  await model.rows.write(model.name, 4000, 8000, 2)
  await model.rows.close()
  await stage.startNode()
  await stage.node.nodetool('repair', 'ks', 't')
  const streamed = Array.from({ length: 4000 }, (_, i) => [4000 + i, 2] as const)
  model.gained(new Map(streamed), true)
  await stage.node.nodetool('repair', '--full', 'ks', 't')
  await stage.node.nodetool('compact', 'ks', 't')

  // Alone, the node answers with its own rows only.
  await other.stop()
  await stage.check(t, 'cleanup and repairs')
})
