import t from 'tap'

import { generationOf, hasTransactions } from '../../src/cassandra/names.js'
import { isEnd, mergeTxns, parseTxn } from '../../src/cassandra/transaction-log.js'
import { indexOf, tableOfUnit, unitOf } from '../../src/cassandra/unit.js'

const ID = '0a1b2c3d4e5f60718293a4b5c6d7e8f9'

await t.test('the unit of a directory', async t => {
  const table = `ks/t-${ID}`
  t.equal(unitOf(`/var/lib/cassandra/data/${table}`), table)
  t.equal(unitOf(`/mnt/d2/${table}`), table, 'over all data directories')
  t.equal(unitOf(`/mnt/d2/${table}/.idx`), table, 'with its secondary indexes')
  for (const path of [
    '/mnt/d2/ks/t',
    `/mnt/d2/${table}/snapshots/s1`,
    `/mnt/d2/${table}/snapshots/s1/.idx`,
    `/mnt/d2/${table}/snapshots/s1-${ID}`,
    `/mnt/d2/${table}/snapshots/s1-${ID}/.idx`,
    `/mnt/d2/${table}/backups`,
    `/mnt/d2/${table}/backups/.idx`,
    `/t-${ID}`,
    '/mnt/commitlog',
  ]) {
    t.equal(unitOf(path), path.slice(1), path)
    t.equal(tableOfUnit(unitOf(path)), undefined, path)
  }
  t.equal(unitOf('/'), '/')
})

await t.test('the index that a directory holds', async t => {
  t.equal(indexOf(`/d/ks/t-${ID}/.idx`), '.idx')
  t.equal(indexOf(`/d/ks/t-${ID}`), '')
  t.equal(indexOf('/d/ks/.hidden'), '')
  t.equal(indexOf(`/d/ks/t-${ID}/snapshots/s1/.idx`), '', 'a copy is a directory of its own')
})

await t.test('the table that a unit is', async t => {
  t.same(tableOfUnit(`ks/my_table-${ID}`), { keyspace: 'ks', table: 'my_table' })
  for (const unit of [
    'ks/t',
    `ks/t-${ID}/x`,
    `/t-${ID}`,
    `t-${ID}`,
    `ks/t-${ID.toUpperCase()}`,
    `ks/-${ID}`,
    '',
  ]) {
    t.equal(tableOfUnit(unit), undefined, unit)
  }
})

await t.test('which sets have transactions, and which a generation', async t => {
  const uuid = 'da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti'
  for (const set of ['ma-1-big', 'me-7-big', 'nb-4-big', 'oa-4-big', uuid]) t.ok(hasTransactions(set), set)
  for (const set of ['ks-t-jb-1', 'cf-f-1', 'ks-t-ka-9', 'la-1-big', 'lb-22-big'])
    t.notOk(hasTransactions(set), set)
  t.equal(generationOf('ks-t-jb-12'), 12)
  t.equal(generationOf('la-34-big'), 34)
  t.equal(generationOf('cf-f-1'), 1)
  t.ok(Number.isNaN(generationOf(uuid)))
})

await t.test('replicas of a log say together what each of them says', async t => {
  const one = parseTxn('ADD:[/d1/nb-1-big-,0,8][1]\nREMOVE:[/d1/nb-3-big-,1,8][1]\n')
  const two = parseTxn('ADD:[/d2/nb-2-big-,0,8][1]\nCOMMIT:[,0,0][1]\n')
  for (const txns of [
    [one, two],
    [two, one],
  ]) {
    const { adds, removes, paths, committed } = mergeTxns(txns)
    t.same(
      [[...adds].sort(), [...removes], [...paths].sort()],
      [['nb-1-big', 'nb-2-big'], ['nb-3-big'], ['/d1/nb-1-big', '/d2/nb-2-big']],
    )
    t.ok(committed)
  }
  t.notOk(mergeTxns([one, one]).committed)
  t.notOk(mergeTxns([]).committed)
})

await t.test('the logs of truncate and drop', async t => {
  t.ok(isEnd('nb_txn_unknowncompactiontype_83c305f0-e6ed-11f1-adcf-73a01d8103b3.log'))
  t.ok(isEnd('bti-da_txn_unknowncompactiontype_83c305f0.log'))
  for (const kind of ['flush', 'compaction', 'stream', 'scrub', 'cleanup'])
    t.notOk(isEnd(`nb_txn_${kind}_x.log`))
})
