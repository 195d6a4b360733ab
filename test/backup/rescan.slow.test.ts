import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { TestNode } from '../support/node.js'
import { TxnLog } from '../support/table.js'

await t.test('what a compaction replaces while its table is scanned again is in no later state', async t => {
  const node = await TestNode.create(t)
  const table = node.table()
  const daemon = await node.watch(t)
  const inputs = ['nb-1-big', 'nb-2-big', 'nb-3-big', 'nb-4-big']
  for (const set of inputs.slice(0, 3)) table.flush(set)
  await node.listed(table.path, table.names())

  // A flush whose log is gone before it can be read makes for the scan.
  daemon.kill('SIGSTOP')
  table.flush('nb-4-big')
  const txn = new TxnLog(table.path, 'compaction').add('nb-5-big')
  table.write('nb-5-big')
  for (const set of inputs) txn.remove(set)
  txn.commit()
  daemon.kill('SIGCONT')
  const output = table.names('nb-5-big')
  await node.listed(table.path, output)
  await sleep(500)
  for (const set of inputs) table.delete(set)
  txn.end()
  await sleep(7000)
  t.same((await node.listing(table.path))?.names, output)
})
