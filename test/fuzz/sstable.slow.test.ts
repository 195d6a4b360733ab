import fc from 'fast-check'
import t from 'tap'

import { judge, parseToc } from '../../src/cassandra/complete.js'
import {
  generationOf,
  hasTransactions,
  isAddition,
  isMutable,
  isOptional,
  isTemporary,
  isTxnLog,
  parseComponent,
} from '../../src/cassandra/names.js'
import { isEnd, mergeTxns, parseTxn } from '../../src/cassandra/transaction-log.js'
import { indexOf, tableOfUnit, unitOf } from '../../src/cassandra/unit.js'

import { fuzz } from './fuzz.js'
import { mutated } from './mutate.js'

const set = fc.constantFrom(
  'nb-4-big',
  'da-3h5r_09tz_1cnjk2g7mhl3miqz80-bti',
  'la-1-big',
  'ks-t-jb-1',
  'aa-12-oa',
)
const component = fc.constantFrom(
  'Data.db',
  'TOC.txt',
  'Digest.crc32',
  'SAI+aa+idx+Meta.db',
  'SI_t_v_idx.db',
  'Statistics.db',
)
const table = fc.constantFrom(
  '/var/lib/cassandra/data/ks/t-5a1c0123456789abcdef0123456789ab',
  '/d/ks/t/.idx',
  '/',
  '/data/ks/t-1/snapshots/x',
)

const record = fc
  .tuple(fc.constantFrom('ADD', 'REMOVE', 'COMMIT', 'ABORT'), table, set, fc.nat(), fc.nat(20), fc.nat())
  .map(([kind, directory, name, time, files, crc]) => {
    const path = kind === 'ADD' || kind === 'REMOVE' ? `${directory}/${name}-` : ''
    return `${kind}:[${path},${time},${files}][${crc}]`
  })

await t.test('transaction logs', async t => {
  const logs = mutated(
    fc.array(record, { maxLength: 20 }).map(lines => lines.map(line => `${line}\n`).join('')),
    ['ADD:[', 'REMOVE:[', 'COMMIT:[,0,0][0]', ',1,', '][', ']'],
  )
  await fuzz(t, 'parseTxn', logs, text => {
    const txn = parseTxn(text)
    for (const name of [...txn.adds, ...txn.removes])
      if (name.includes('/')) throw new Error(`a name has a path: ${name}`)
    mergeTxns([txn, parseTxn(text.slice(text.length / 2))])
  })
})

await t.test('TOC.txt', async t => {
  const tocs = mutated(fc.array(component, { maxLength: 12 }).map(list => `${list.join('\n')}\n`))
  await fuzz(t, 'parseToc', tocs, text => {
    const toc = parseToc(text)
    judge(
      { components: new Set(['Data.db']), toc, version: 'nb' },
      { written: false, obsolete: false, settled: true, quiet: 0 },
      0,
    )
  })
})

await t.test('names of components and of transaction logs', async t => {
  const log = fc.constantFrom('nb_txn_flush_5a1c.log', 'bti-da_txn_unknowncompactiontype_1.log')
  const names = mutated(
    fc.oneof(
      fc.tuple(set, component).map(([a, b]) => `${a}-${b}`),
      log,
    ),
    ['-', 'tmp', 'tmplink', '_txn_', '.log', '.db'],
  )
  await fuzz(t, 'parseComponent', names, name => {
    const parsed = parseComponent(name)
    if (parsed !== undefined && `${parsed.set}-${parsed.component}` !== name)
      throw new Error('a name changes on its way')
    for (const ask of [
      isTemporary,
      isTxnLog,
      isAddition,
      isOptional,
      isMutable,
      isEnd,
      hasTransactions,
      generationOf,
    ])
      ask(name)
  })
})

await t.test('directories of tables', async t => {
  const paths = mutated(table, [
    '/snapshots/',
    '/backups/',
    '/.idx',
    '-0123456789abcdef0123456789abcdef',
    '/',
  ]).map(path => `/${path}`)
  await fuzz(t, 'unitOf', paths, path => {
    tableOfUnit(unitOf(path))
    indexOf(path)
  })
})
