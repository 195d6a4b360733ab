import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { incoming } from '../support/real/incoming.js'
import { Stage } from '../support/real/stage.js'

await t.test('SSTables that are put into a table are in its states as a whole', async t => {
  const stage = await Stage.start(t)
  const model = await stage.table('ks.t')
  const source = await stage.table('ks.source')
  await model.write(0, 2000, 1)
  await stage.flush(model)
  await t.test('nodetool import moves them', async t => {
    const directory = await incoming(stage, source, 'ks.t', 2000, 1)
    await stage.node.nodetool('import', 'ks', 't', directory)
    model.gained(source.now)
    await stage.check(t, 'import')
    t.same(readdirSync(directory), [], 'they were moved')
  })

  await t.test('nodetool import links them', async t => {
    const directory = await incoming(stage, source, 'ks.t', 4000, 2)
    await stage.node.nodetool('import', '--copy-data', 'ks', 't', directory)
    model.gained(source.now)
    await stage.check(t, 'import --copy-data')
    t.not(readdirSync(directory).length, 0, 'they were not moved')
  })

  await t.test('nodetool refresh gives them other names', async t => {
    const [table = ''] = stage.directories(model)
    const directory = await incoming(stage, source, 'ks.t', 6000, 3)
    for (const name of readdirSync(directory)) {
      copyFileSync(join(directory, name), join(table, name.replace(/-(\d+)-/, '-9$1-')))
    }
    model.gained(source.now)
    await stage.node.nodetool('refresh', 'ks', 't')
    await stage.check(t, 'refresh')
  })

  await model.delete(1000, 6500)
  await stage.flush(model)
  await stage.compact(model)
  await stage.check(t, 'a compaction of all that')
})
