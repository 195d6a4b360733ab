import t from 'tap'
import { Stage } from '../support/real/stage.js'

await t.test('states hold the rows of a flush through what nodetool rewrites', async t => {
  const stage = await Stage.start(t, { yaml: { compaction_throughput: '2MiB/s' } })
  const model = await stage.table('ks.t')
  const fill = async (version: number): Promise<void> => {
    await model.write(version * 500, version * 500 + 1000, version)
    await stage.flush(model)
    await model.delete(version * 500, version * 500 + 300)
    await stage.flush(model)
  }

  await fill(0)
  await stage.node.nodetool('garbagecollect', 'ks', 't')
  await stage.check(t, 'garbagecollect')

  await fill(1)
  await stage.node.nodetool('scrub', 'ks', 't')
  await stage.check(t, 'scrub')

  await fill(2)
  await stage.node.nodetool('cleanup', 'ks', 't')
  await stage.node.nodetool('upgradesstables', '-a', 'ks', 't')
  await stage.check(t, 'upgradesstables')

  await fill(3)
  await stage.node.nodetool('snapshot', '-t', 'one', 'ks')
  await stage.check(t, 'snapshot')

  await t.test('the daemon ends by SIGTERM within a compaction', async t => {
    await model.write(10_000, 18_000, 1)
    await stage.flush(model)
    const compaction = stage.compact(model)
    await stage.transaction(model, 'compaction')
    const status = await stage.daemon.stop('SIGTERM')
    t.equal(status.code, 143)
    t.ok(stage.isUnderWay(model, 'compaction'), 'the compaction goes on')
    await model.delete(10_000, 11_000)
    await stage.flush(model)
    await stage.restartDaemon('SIGTERM')
    await compaction
    await stage.check(t, 'the compaction')
  })

  await t.test('Cassandra is killed within a compaction', async t => {
    await model.write(20_000, 21_000, 1)
    await stage.flush(model)
    const compaction = stage.compact(model).catch(() => undefined)
    await stage.transaction(model, 'compaction')
    await stage.node.kill()
    await compaction
    t.ok(stage.isUnderWay(model, 'compaction'), 'the compaction was under way')
    await stage.startNode()
    t.comment(`${await model.replayed()} rows that had been deleted are there again`)
    await stage.check(t, 'the node is there again')
    await model.delete(20_000, 20_500)
    await stage.flush(model)
    await stage.compact(model)
    await stage.check(t, 'a compaction after that')
  })
})
