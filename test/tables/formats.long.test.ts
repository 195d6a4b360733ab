import t from 'tap'
import { Stage, type StageOptions } from '../support/real/stage.js'

const kinds: readonly (StageOptions & { readonly format: string })[] = [
  { format: 'bti', dataDirectories: 2 },
  { format: 'big', dataDirectories: 2 },
]

for (const options of kinds) {
  const what = `${options.format} SSTables with SAI in ${options.dataDirectories ?? 1} data directories`
  await t.test(`states of ${what} hold the rows of a flush`, async t => {
    const stage = await Stage.start(t, options)
    const model = await stage.table('ks.t')
    await model.write(0, 1000, 1)
    await stage.flush(model)
    await stage.check(t, 'a flush before there is an index')
    t.equal(stage.directories(model).length, 2)

    await stage.rows.execute("CREATE INDEX version ON ks.t (version) USING 'sai'")
    await stage.check(t, 'an index of what is there')

    await model.delete(0, 300)
    await model.write(500, 1500, 2)
    await stage.flush(model)
    stage.proxy.rate = 500_000
    await stage.compact(model)
    await model.write(1500, 2500, 3)
    await stage.flush(model)
    stage.proxy.rate = Infinity
    await stage.check(t, 'a compaction')

    await stage.rows.execute('DROP INDEX ks.version')
    await model.delete(1500, 1600)
    await stage.flush(model)
    await stage.check(t, 'no index any more')

    await stage.restartDaemon('SIGKILL')
    await stage.rows.execute('TRUNCATE ks.t')
    model.emptied()
    await model.write(0, 100, 4)
    await stage.flush(model)
    await stage.check(t, 'a truncate')
  })
}
