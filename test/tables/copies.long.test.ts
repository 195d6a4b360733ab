import t from 'tap'
import type { Manifest } from '../support/real/manifests.js'
import type { Model } from '../support/real/model.js'
import { Stage } from '../support/real/stage.js'

await t.test(
  'snapshots and incremental backups have states that share the objects of the tables',
  async t => {
    const stage = await Stage.start(t, {
      yaml: { incremental_backups: true },
      daemon: ['--include-snapshots', '--include-backups'],
      live: { snapshots: true, backups: true },
    })
    const model = await stage.table('ks.t')
    const fill = async (first: number): Promise<void> => {
      await model.write(first, first + 1000, 1)
      await stage.flush(model)
    }

    await fill(0)
    await fill(1000)
    await stage.check(t, 'incremental backups')

    await stage.node.nodetool('snapshot', '-t', 'one', 'ks')
    await stage.check(t, 'a snapshot')
    const snapshot = await unit(stage, model, 'snapshots/one')
    t.equal(snapshot?.sets.size, 2)
    for (const [path, set] of snapshot?.sets ?? []) {
      const object = set.get('Data.db')?.key ?? ''
      t.notMatch(object, /snapshots/, `${path} refers to an object that was there`)
    }

    await model.delete(0, 500)
    await stage.flush(model)
    await stage.compact(model)
    await stage.check(t, 'a compaction, of which no backup is made')
    const backups = await unit(stage, model, 'backups')
    t.equal(backups?.sets.size, 3, 'backups keep what was flushed')

    await stage.node.nodetool('clearsnapshot', '-t', 'one')
    await stage.check(t, 'a snapshot that was cleared')
    t.equal((await unit(stage, model, 'snapshots/one'))?.sets.size, 0)

    await stage.rows.execute('TRUNCATE ks.t')
    model.emptied()
    await stage.check(t, 'a truncate, with its snapshot')
    await stage.restartDaemon('SIGKILL')
    await stage.check(t, 'the daemon started again')
  },
)

/** The newest state of a directory within a table's. */
async function unit(stage: Stage, model: Model, below: string): Promise<Manifest | undefined> {
  const [directory = ''] = stage.directories(model)
  return (await stage.manifests.newest()).get(`${directory}/${below}`.slice(1))
}
