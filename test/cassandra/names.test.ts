import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import {
  isAddition,
  isMutable,
  isOptional,
  isTemporary,
  isTxnLog,
  parseComponent,
} from '../../src/cassandra/names.js'

/** What real nodes of 4.1, 5.0 and 6.0 had in their data directories, BIG and BTI. */
const real = readFileSync(
  fileURLToPath(new URL('../../../test/fixtures/sstable-names.txt', import.meta.url)),
  'utf8',
)
  .trimEnd()
  .split('\n')

await t.test('every file of real nodes is a component of its set', t => {
  t.equal(real.length, 274)
  const sets = new Map<string, Set<string>>()
  for (const path of real) {
    const name = basename(path)
    const parsed = parseComponent(name)
    if (parsed === undefined) {
      t.fail(path)
      continue
    }
    t.equal(`${parsed.set}-${parsed.component}`, name)
    t.notOk(isTemporary(name))
    const key = path.slice(0, -parsed.component.length)
    sets.set(key, (sets.get(key) ?? new Set()).add(parsed.component))
  }
  t.equal(sets.size, 29)
  for (const [set, components] of sets) {
    t.ok(components.has('Data.db') && components.has('TOC.txt') && components.has('Statistics.db'), set)
  }
  t.end()
})

await t.test('names from 0.7 to 6.0', t => {
  const cases: Record<string, [set: string, component: string, version: string, generation: string]> = {
    'Standard1-f-12-Data.db': ['Standard1-f-12', 'Data.db', 'f', '12'],
    'cf-g-1-Statistics.db': ['cf-g-1', 'Statistics.db', 'g', '1'],
    'ks-cf-hc-1-Digest.sha1': ['ks-cf-hc-1', 'Digest.sha1', 'hc', '1'],
    'system-peers-ib-7-CompressionInfo.db': ['system-peers-ib-7', 'CompressionInfo.db', 'ib', '7'],
    'ks-t-jb-1-TOC.txt': ['ks-t-jb-1', 'TOC.txt', 'jb', '1'],
    'ks-t.idx_name-ka-3-Data.db': ['ks-t.idx_name-ka-3', 'Data.db', 'ka', '3'],
    'nb-tab-ka-5-Data.db': ['nb-tab-ka-5', 'Data.db', 'ka', '5'],
    'la-1-big-Digest.adler32': ['la-1-big', 'Digest.adler32', 'la', '1'],
    'mc-22-big-CRC.db': ['mc-22-big', 'CRC.db', 'mc', '22'],
    'md-3-big-SI_idx.db': ['md-3-big', 'SI_idx.db', 'md', '3'],
    'nb-4-big-Data.db': ['nb-4-big', 'Data.db', 'nb', '4'],
    'nb-4-big-SAI+aa+my_idx+Meta.db': ['nb-4-big', 'SAI+aa+my_idx+Meta.db', 'nb', '4'],
    'da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti-Partitions.db': [
      'da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti',
      'Partitions.db',
      'da',
      '3h5r_09tz_1cnjk2g7mhl3miqz80',
    ],
    'qa-1-new-Data.db': ['qa-1-new', 'Data.db', 'qa', '1'],
  }
  for (const [name, [set, component, version, generation]] of Object.entries(cases)) {
    t.same(parseComponent(name), { set, component, version, generation }, name)
  }
  for (const name of [
    'manifest.json',
    'schema.cql',
    'CommitLog-7-1795404087354.log',
    'nb-4-big',
    'nb-4-Data.db',
    'nb-four-words',
    'ks-t-tmp-jb-1-Data.db',
    'nb_txn_flush_x.log',
    'Data.db',
    '',
  ]) {
    t.equal(parseComponent(name), undefined, name)
  }
  t.end()
})

await t.test('what is being written', t => {
  for (const name of [
    'ks-t-tmp-jb-1-Data.db',
    'ks-t-tmplink-ka-1-Data.db',
    'tmp-la-1-big-Data.db',
    'tmplink-la-1-big-Data.db',
    'nb-1-big-Statistics.db.tmp',
    'nb-1-big-Summary.db.0f0f.tmp',
    'nb_txn_flush_f92d1e30-e6ec-11f1-adcf-73a01d8103b3.log',
    'bti-da_txn_compaction_f9327560-e6ec-11f1-adcf-73a01d8103b3.log',
  ]) {
    t.ok(isTemporary(name), name)
  }
  t.ok(isTxnLog('bti-da_txn_unknowncompactiontype_x.log'))
  t.ok(isAddition('nb_txn_flush_0ae1f3b0-c0ff-11ef-8000-000000000000.log'))
  t.ok(isAddition('bti-da_txn_stream_x.log'))
  for (const kind of ['compaction', 'unknowncompactiontype', 'anticompaction', 'flush_compaction'])
    t.notOk(isAddition(`nb_txn_${kind}_x.log`), kind)
  for (const name of [
    'ks-tmp_table-jb-1-Data.db',
    'ks-my_tmp-jb-1-Data.db',
    'tmpfile',
    'CommitLog-7-1.log',
    'nb-1-big-Data.db',
    'template',
  ]) {
    t.notOk(isTemporary(name), name)
  }
  t.end()
})

await t.test('classes of components', t => {
  for (const name of [
    'Filter.db',
    'Summary.db',
    'TOC.txt',
    'CRC.db',
    'Digest.crc32',
    'Digest.sha1',
    'SAI+aa+x+Meta.db',
    'SI_x.db',
  ]) {
    t.ok(isOptional(name), name)
  }
  for (const name of [
    'Data.db',
    'Index.db',
    'Partitions.db',
    'Rows.db',
    'Statistics.db',
    'CompressionInfo.db',
  ]) {
    t.notOk(isOptional(name), name)
  }
  for (const name of ['Statistics.db', 'Summary.db', 'TOC.txt', 'SAI+aa+x+Meta.db', 'SI_t_v_idx.db'])
    t.ok(isMutable(name), name)
  for (const name of ['Data.db', 'Index.db', 'Filter.db', 'Digest.crc32']) t.notOk(isMutable(name), name)
  t.end()
})
