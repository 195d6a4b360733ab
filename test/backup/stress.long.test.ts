import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'

import t from 'tap'

import { BucketStates } from '../support/bucket-states.js'
import { TestNode } from '../support/node.js'
import { TxnLog } from '../support/table.js'

const SETTLE = 100
const SECONDS = 60

await t.test(
  'sets that live for 0.05 to 2 s, for a minute: no error, no state with a missing object',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table()
    const daemon = await node.watch(t)
    const lives = new Map<string, number>()
    const running = new Set<Promise<void>>()
    const end = performance.now() + SECONDS * 1_000
    for (let generation = 1; performance.now() < end; generation++) {
      const set = `nb-${generation}-big`
      const life = 50 + Math.random() * 1_950
      table.flush(set)
      const born = performance.now()
      const run = sleep(life).then(() => {
        const txn = new TxnLog(table.path, 'compaction').remove(set).commit()
        lives.set(set, performance.now() - born)
        table.delete(set)
        txn.end()
        running.delete(run)
      })
      running.add(run)
      await sleep(Math.random() * 60)
    }
    await Promise.all(running)
    table.flush('nb-999999-big')
    await node.listed(table.path, table.names())
    daemon.kill('SIGTERM')
    t.equal(await daemon.exit, 143)
    t.notMatch(daemon.stderr, /ERROR/)
    const states = new BucketStates(node)
    const all = await states.all()
    t.comment(`${lives.size} sets, ${all.length} states`)
    t.ok(all.length > 5)
    t.same(await states.problems(all), [])
    const keys = new Set(await node.keys())
    const missing = [...lives]
      .filter(([, life]) => life > SETTLE + 500)
      .filter(([set]) => !keys.has(node.key(join(table.path, `${set}-Data.db`))))
    t.same(missing, [], 'what lived longer than the settle time and half a second')
    const [, superseded = '0'] = /, (\d+) replaced by Cassandra/.exec(daemon.stderr) ?? []
    t.comment(`${superseded} files of other sets were gone before they could be opened`)
  },
)
