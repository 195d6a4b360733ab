import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

/** Failed uploads are tried again after 1, 2, 4, 8, 16 s: 19 s after the first failure the next try is 12 s away. */
const OUTAGE = 19_000
const PROMPT = 8_000

await t.test('at the end of an outage what failed is uploaded at once', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big')
  const daemon = new Cli(node.args(['-r', '-B', '--watch', '--retries', '0']))
  t.teardown(async () => {
    daemon.kill('SIGKILL')
    await daemon.exit
  })
  await daemon.seen(/Watching \d+ director/)
  await node.listed(table.path, table.names())
  const fault = node.bucket.server.faults.add({
    on: 'PutObject',
    count: Infinity,
    fault: faults.internalError(),
  })
  table.set('nb-2-big')
  await daemon.seen(/nb-2-big.*InternalError|InternalError.*nb-2-big/, 20_000)
  await sleep(OUTAGE)
  fault.remove()
  const began = performance.now()
  table.set('nb-3-big')
  await node.listed(table.path, table.names())
  const took = performance.now() - began
  t.ok(took < PROMPT, `${took.toFixed(0)} ms`)
  await node.same(t, table.paths())
})
