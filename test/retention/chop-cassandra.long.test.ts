import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import type { Model } from '../support/real/model.js'
import { Stage } from '../support/real/stage.js'

const MINUTES = Number(process.env['MINUTES'] ?? 10)

/** More than the minute within which the daemon sees a plan; --force lets it be less than five minutes. */
const GRACE = '90s'

/** Between two runs of tablechop, ms. */
const EVERY = 60_000

await t.test(
  `${MINUTES} minutes of flushes and compactions, and tablechop at age 0 every minute`,
  async t => {
    const stage = await Stage.start(t)
    const models = [await stage.table('ks.a'), await stage.table('ks.b'), await stage.table('ks.c')]
    const end = performance.now() + MINUTES * 60_000
    const isOver = (): boolean => performance.now() > end || !stage.daemon.running
    const deleted: number[] = []
    const chop = async (): Promise<void> => {
      const flags = ['-r', '--force', '--grace', GRACE]
      const paths = stage.node.dataDirectories
      for (const path of paths) {
        const { stdout } = await stage.restorer.chop(...flags, 'backup', path, '0')
        deleted.push(Number(/^Deleted (\d+) object/m.exec(stdout)?.[1] ?? 0))
      }
    }
    const chops = async (): Promise<void> => {
      while (!isOver()) {
        await sleep(EVERY)
        await chop()
      }
    }
    let rounds = 0
    const load = async (model: Model, index: number): Promise<void> => {
      for (let round = 1; !isOver(); round++) {
        const first = (round % 20) * 50
        await model.write(first, first + 60, round)
        await model.delete(first + 5, first + 15)
        await stage.flush(model)
        if ((round + index) % 3 === 0) await stage.compact(model)
        rounds++
      }
    }
    // A flush of nodetool concerns one table: each goes at its own pace.
    await Promise.all([chops(), ...models.map((model, index) => load(model, index))])
    t.ok(stage.daemon.running, 'the daemon runs to the end')
    const sum = deleted.reduce((all, one) => all + one, 0)
    t.comment(`${rounds} flushes; ${deleted.length} runs of tablechop deleted ${deleted.join(', ')} objects`)
    t.ok(sum > 0, `${sum} objects were deleted meanwhile`)
    await stage.check(t, 'after all of it')
    const { stdout, code } = await stage.restorer.check(
      '--deep',
      'backup',
      ...stage.node.dataDirectories.map(data => join(data, 'ks')),
    )
    t.equal(code, 0, stdout)
  },
)
