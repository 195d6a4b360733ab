import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Stage } from '../support/real/stage.js'

await t.test('states that are written while uploads are slow hold the rows of a flush', async t => {
  const stage = await Stage.start(t)
  const model = await stage.table('ks.t')
  await model.write(0, 1000, 1)
  await stage.flush(model)
  await stage.settle()

  await t.test('a small flush does not overtake a large one', async t => {
    stage.proxy.rate = 800_000
    await model.write(1000, 21_000, 1)
    await stage.flush(model)
    await model.delete(1000, 6000)
    await stage.flush(model)
    await sleep(6000)
    const before = (await stage.manifests.all()).length
    t.comment(`${before} states before the large flush is up`)
    stage.proxy.rate = Infinity
    await stage.check(t, 'a large flush')
  })

  await t.test('a compaction is uploaded slowly, and flushes come meanwhile', async t => {
    stage.proxy.rate = 1_000_000
    await model.write(500, 1500, 2)
    await stage.flush(model)
    await stage.compact(model)
    for (let i = 0; i < 4; i += 1) {
      await model.delete(1500 + i * 100, 1600 + i * 100)
      await model.write(30_000 + i * 100, 30_100 + i * 100, 1)
      await stage.flush(model)
      await sleep(2000)
    }
    stage.proxy.rate = Infinity
    await stage.check(t, 'a compaction')
  })

  await t.test('compactions overtake each other', async t => {
    stage.proxy.rate = 1_500_000
    for (let i = 0; i < 4; i += 1) {
      await model.delete(6000 + i * 500, 6400 + i * 500)
      await model.write(6400 + i * 500, 6500 + i * 500, 3)
      await stage.flush(model)
      await stage.compact(model)
    }
    await sleep(10_000)
    stage.proxy.rate = Infinity
    await stage.check(t, 'the last compaction')
  })

  await t.test('rows come and go, and Cassandra compacts as it likes', async t => {
    const compaction = "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': '2'}"
    await stage.rows.execute(`ALTER TABLE ${model.name} WITH compaction = ${compaction}`)
    stage.proxy.rate = 1_500_000
    for (let i = 0; i < 12; i += 1) {
      await model.write(40_000 + i * 200, 40_400 + i * 200, i)
      await model.delete(40_000 + i * 170, 40_100 + i * 170)
      await stage.flush(model)
    }
    stage.proxy.rate = Infinity
    await stage.check(t, 'the last flush')
  })
})
