import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { parseTxn } from '../../src/cassandra/transaction-log.js'

const recorded = readFileSync(
  fileURLToPath(new URL('../../../test/fixtures/txn-compaction.txt', import.meta.url)),
  'utf8',
)

await t.test("a compaction's log as a node left it", t => {
  const txn = parseTxn(recorded)
  t.same([...txn.adds], ['nb-4-big'])
  t.same([...txn.removes], ['nb-3-big', 'nb-1-big', 'nb-2-big'])
  t.ok(txn.committed)
  t.end()
})

await t.test('as it grows', t => {
  const commit = recorded.indexOf('COMMIT')
  for (let length = 0; length < recorded.trimEnd().length; length++) {
    const txn = parseTxn(recorded.slice(0, length))
    t.equal(txn.committed, false, `cut at ${length}`)
    t.ok(txn.adds.size <= 1 && txn.removes.size <= 3)
    if (length >= commit) t.equal(txn.removes.size, 3)
  }
  t.end()
})

await t.test('other lines', t => {
  const txn = parseTxn(
    [
      'ADD:[/data,1/ks/t-1/da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti-,0,8][1]',
      'ADD:[/a [b]/nb-2-big-,0,8][2]\r',
      'REMOVE:[/data/.idx/nb-3-big-,-1,8][3]',
      'ABORT:[,0,0][4]',
      'COMMIT:[,0,0]',
      'whatever',
      '',
    ].join('\n'),
  )
  t.same([...txn.adds], ['da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti', 'nb-2-big'])
  t.same([...txn.removes], ['nb-3-big'])
  t.notOk(txn.committed, 'a COMMIT without its checksum is none')
  t.end()
})
