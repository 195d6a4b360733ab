import t from 'tap'

import { judge, parseToc, type SetHistory, type Verdict } from '../../src/cassandra/complete.js'

const BIG = ['Data.db', 'Index.db', 'Statistics.db', 'Filter.db', 'Summary.db', 'TOC.txt']
const BTI = ['Data.db', 'Partitions.db', 'Rows.db', 'Statistics.db']

const quiet: SetHistory = { written: false, obsolete: false, settled: false, quiet: 1_000 }

function verdict(
  files: { components: readonly string[]; toc?: readonly string[] | undefined; version?: string },
  history: Partial<SetHistory> = {},
): Verdict {
  const { components, toc, version = 'nb' } = files
  return judge({ components: new Set(components), toc, version }, { ...quiet, ...history }, 1_000)
}

await t.test('by its TOC.txt', t => {
  t.same(verdict({ components: BIG, toc: BIG }), { state: 'complete' })
  t.same(verdict({ components: BIG, toc: [...BIG, 'CompressionInfo.db'] }), {
    state: 'waiting',
    missing: ['CompressionInfo.db'],
  })
  for (const optional of ['Filter.db', 'Summary.db', 'CRC.db', 'Digest.crc32', 'SAI+aa+x+Meta.db']) {
    const components = BIG.filter(component => component !== optional)
    t.same(verdict({ components, toc: [...BIG, optional] }), { state: 'complete' }, optional)
  }
  for (const needed of ['Data.db', 'Index.db', 'Statistics.db']) {
    const components = BIG.filter(component => component !== needed)
    t.same(verdict({ components, toc: BIG }), { state: 'waiting', missing: [needed] })
  }
  t.same(
    verdict({ components: ['Index.db', 'TOC.txt'], toc: ['Index.db', 'TOC.txt'] }),
    { state: 'waiting', missing: ['Data.db'] },
    'a TOC.txt that does not list Data.db',
  )
  t.end()
})

await t.test('without one, or with an empty one', t => {
  for (const toc of [undefined, []]) {
    t.same(verdict({ components: BIG, toc }), { state: 'complete' })
    t.same(verdict({ components: BTI, toc, version: 'da' }), { state: 'complete' })
    for (const needed of ['Data.db', 'Index.db', 'Statistics.db']) {
      const components = BIG.filter(component => component !== needed)
      t.same(verdict({ components, toc }), { state: 'waiting', missing: [needed] })
    }
    for (const needed of BTI) {
      const components = BTI.filter(component => component !== needed)
      t.same(verdict({ components, toc, version: 'da' }), { state: 'waiting', missing: [needed] })
    }
  }
  t.same(
    verdict({ components: ['Data.db', 'Index.db'], version: 'f' }),
    { state: 'complete' },
    'before Statistics.db',
  )
  t.equal(verdict({ components: ['Data.db', 'Index.db'], version: 'g' }).state, 'waiting')
  t.equal(verdict({ components: ['Data.db', 'Index.db'], version: 'hc' }).state, 'waiting')
  t.equal(verdict({ components: ['TOC.txt'] }).state, 'waiting')
  t.end()
})

await t.test('by its history', t => {
  const files = { components: BIG, toc: BIG }
  t.same(verdict(files, { written: true, settled: true }), { state: 'written' })
  t.same(verdict(files, { obsolete: true, written: true }), { state: 'obsolete' })
  t.same(verdict({ components: ['Data.db'] }, { written: true }), { state: 'written' })
  t.same(verdict(files, { quiet: 400 }), { state: 'settling', wait: 600 })
  t.same(verdict(files, { quiet: 0, settled: true }), { state: 'complete' })
  t.same(verdict({ components: ['Data.db'] }, { settled: true, quiet: 10_000 }), {
    state: 'waiting',
    missing: ['Index.db', 'Statistics.db'],
  })
  t.end()
})

await t.test('TOC.txt as Cassandra and as others write it', t => {
  t.same(parseToc('Data.db\nIndex.db\n\n  TOC.txt \r\n'), ['Data.db', 'Index.db', 'TOC.txt'])
  t.same(parseToc(''), [])
  t.end()
})
