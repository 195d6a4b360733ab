import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Directory, identityOf, splitTxns } from '../../src/backup/directory.js'
import { Unit } from '../../src/backup/unit.js'
import { BIG, Table } from '../support/table.js'

function tableOf(t: Test): Table {
  const path = mkdtempSync(join(tmpdir(), 'tablesnap-directory-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return new Table(path)
}

function directoryOf(table: Table, accepts: (name: string) => boolean = () => true): Directory {
  const directory = new Directory(table.path, new Unit('u', true), '', identityOf(table.path), {
    file: (_, name) => accepts(name),
  })
  for (const name of table.names()) directory.groupOf(name).names.add(name)
  return directory
}

await t.test('a set is judged by what is on the disk, and given without what is not backed up', async t => {
  const table = tableOf(t).set('nb-1-big').set('nb-2-big', { toc: null })
  const directory = directoryOf(table, name => !name.endsWith('Index.db'))
  const judged = (name: string, only: string) => {
    const group = directory.groupOf(name)
    for (const other of [...group.names]) if (!other.endsWith(only)) group.names.delete(other)
    return { state: directory.judge(group, 0, performance.now()).state, names: [...group.names].sort() }
  }
  const names = (set: string, components: readonly string[]) =>
    components
      .filter(name => name !== 'Index.db')
      .map(name => `${set}-${name}`)
      .sort()
  t.same(judged('nb-1-big-Data.db', 'Data.db'), {
    state: 'complete',
    names: names('nb-1-big', [...BIG, 'TOC.txt']),
  })
  t.same(
    judged('nb-2-big-Data.db', 'Data.db'),
    { state: 'complete', names: names('nb-2-big', BIG) },
    'whatever a set without a TOC.txt has',
  )
  table.delete('nb-2-big')
  t.equal(judged('nb-2-big-Data.db', 'Data.db').state, 'waiting')
  t.ok(directory.groupOf('nb-2-big-Data.db').isGone)
})

await t.test('quiet time is counted from the last change that was seen', async t => {
  const table = tableOf(t)
  const path = table.file('plain')
  const directory = directoryOf(table)
  const group = directory.groupOf('plain')
  t.same(directory.judge(group, 100, 1_000), { state: 'settling', wait: 100 })
  t.same(directory.judge(group, 100, 1_060), { state: 'settling', wait: 40 })
  writeFileSync(path, 'changed')
  t.ok(group.differs())
  t.same(directory.judge(group, 100, 1_099), { state: 'settling', wait: 100 })
  t.notOk(group.differs())
  t.same(directory.judge(group, 100, 1_199), { state: 'complete' })
  group.settled = true
  writeFileSync(path, 'changed again')
  t.same(directory.judge(group, 100, 1_200), { state: 'complete' }, 'renamed into place: no quiet time')
})

await t.test('names: of sets, of other files, of transaction logs', async t => {
  const directory = directoryOf(tableOf(t).set('nb-1-big'))
  t.equal(directory.known('nb-1-big-Nothing.db')?.name, 'nb-1-big')
  t.equal(directory.known('nb-2-big-Data.db'), undefined)
  const plain = directory.groupOf('manifest.json')
  t.match(plain, { name: 'manifest.json', main: 'manifest.json', sstable: false })
  t.equal(directory.groupOf('nb-1-big-Data.db').main, 'nb-1-big-Data.db')
  t.same(splitTxns(['nb_txn_flush_x.log', 'nb-1-big-Data.db']), {
    txns: ['nb_txn_flush_x.log'],
    others: ['nb-1-big-Data.db'],
  })
  t.equal(identityOf(join(directory.path, 'nowhere')), undefined)
})
