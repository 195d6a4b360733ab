import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage } from '../support/real/stage.js'

await t.test('each state of a node restores to the rows of a flush', async t => {
  const stage = await Stage.start(t, { yaml: { compaction_throughput: '2MiB/s' } })
  const model = await stage.table('ks.t')

  await model.write(0, 6000, 1)
  await stage.flush(model)
  await stage.check(t, 'a flush')

  await model.delete(0, 300)
  await model.write(300, 600, 2)
  await stage.flush(model)
  stage.proxy.rate = 1_000_000
  await stage.compact(model)
  await model.write(6000, 6200, 1)
  await model.delete(600, 700)
  await stage.flush(model)
  stage.proxy.rate = Infinity
  await stage.check(t, 'a compaction that purges, and a flush during its slow upload')

  await model.write(700, 1000, 3)
  await stage.flush(model)
  const compaction = stage.compact(model)
  await stage.transaction(model, 'compaction')
  await sleep(500)
  await stage.restartDaemon('SIGKILL')
  t.ok(stage.isUnderWay(model, 'compaction'), 'the compaction goes on')
  await compaction
  await stage.check(t, 'the daemon killed within a compaction')

  await model.delete(1000, 2000)
  await stage.flush(model)
  await stage.rows.execute('TRUNCATE ks.t')
  model.emptied()
  await model.write(0, 100, 4)
  await stage.flush(model)
  await stage.check(t, 'a truncate')

  await stage.rows.execute('DROP TABLE ks.t')
  model.emptied()
  const again = await stage.table('ks.t')
  await again.write(50, 150, 5)
  await stage.flush(again)
  await stage.check(t, 'a drop, and a table of the same name')
})
