import t from 'tap'
import { Stage } from '../support/real/stage.js'

await t.test('each state of a node holds the rows of a flush', async t => {
  const stage = await Stage.start(t)
  const model = await stage.table('ks.t')

  await model.write(0, 1000, 1)
  await stage.flush(model)
  await stage.check(t, 'a flush')

  await model.delete(0, 300)
  await model.write(300, 600, 2)
  await stage.flush(model)
  await stage.compact(model)
  await model.write(1000, 1200, 1)
  await stage.flush(model)
  await stage.check(t, 'a compaction that purges')
})
