import { unlinkSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

await t.test('of an SSTable that stays incomplete the log says what is missing', async t => {
  const node = await TestNode.create(t)
  const table = node.table('ks/t').set('nb-1-big')
  unlinkSync(join(table.path, 'nb-1-big-Statistics.db'))
  const daemon = new Cli(node.args(['-r', '-B', '--watch']))
  t.teardown(async () => {
    daemon.kill('SIGKILL')
    await daemon.exit
  })
  await daemon.seen(
    /WARNING .*nb-1-big has been incomplete for a long time \(Statistics\.db missing\)/,
    100_000,
  )
  t.pass()
})
