import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Directory } from '../../src/backup/directory.js'
import { BIG, Table, TxnLog } from '../support/table.js'

function tableOf(t: Test): Table {
  const path = mkdtempSync(join(tmpdir(), 'tablesnap-directory-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return new Table(path)
}

function directoryOf(table: Table, accepts: (name: string) => boolean = () => true): Directory {
  const directory = new Directory(table.path, accepts)
  for (const name of table.names()) if (!name.endsWith('.log')) directory.unitOf(name).names.add(name)
  return directory
}

await t.test('a commit is a moment only once all that it adds is durable', async t => {
  const table = tableOf(t).set('nb-1-big').set('nb-2-big')
  const directory = directoryOf(table)
  for (const unit of directory.units.values()) unit.state = 'done'
  t.ok(directory.isMoment(0))
  const txn = new TxnLog(table.path, 'compaction').add('nb-3-big')
  table.set('nb-3-big')
  txn.remove('nb-1-big')
  const log = txn.path.slice(table.path.length + 1)
  directory.readTxn(log)
  t.ok(directory.isMoment(0), 'before COMMIT the old state holds')
  t.notOk(directory.isObsolete('nb-1-big'))
  t.ok(directory.isWritten('nb-3-big'))
  txn.commit()
  directory.readTxn(log)
  t.ok(directory.isObsolete('nb-1-big'))
  t.notOk(directory.isWritten('nb-3-big'))
  t.notOk(directory.isMoment(0), 'its output has not even been heard of')
  const output = directory.unitOf('nb-3-big-Data.db')
  for (const state of ['dirty', 'settling', 'busy', 'failed', 'waiting'] as const) {
    output.state = state
    t.notOk(directory.isMoment(0), state)
  }
  output.state = 'done'
  t.ok(directory.isMoment(0))
  directory.units.delete('nb-3-big')
  table.delete('nb-3-big')
  t.ok(directory.isMoment(0), 'an ADD whose files never came is no output')
  txn.end()
  directory.endTxn(log)
  t.notOk(directory.isObsolete('nb-1-big'))
})

await t.test('a set that went away unexplained holds a moment back for the settle time', async t => {
  const directory = directoryOf(tableOf(t))
  directory.shrunk = performance.now()
  t.notOk(directory.isMoment(10_000))
  directory.shrunk = performance.now() - 11_000
  t.ok(directory.isMoment(10_000))
})

await t.test('logs that cannot be read', async t => {
  const table = tableOf(t).set('nb-1-big')
  const directory = directoryOf(table)
  t.same(directory.readTxn('nb_txn_flush_gone.log'), [])
  const txn = new TxnLog(table.path, 'flush').add('nb-1-big')
  const log = txn.path.slice(table.path.length + 1)
  t.same(directory.readTxn(log), ['nb-1-big'])
  txn.end()
  t.same(directory.readTxn(log), ['nb-1-big'], 'gone means ended')
  t.notOk(directory.isWritten('nb-1-big'))
  writeFileSync(join(table.path, 'nb_txn_flush_x.log'), 'ADD:[/x/nb-1-big-,0,8][1')
  t.same(directory.readTxn('nb_txn_flush_x.log'), [], 'a line cut off says nothing')
})

await t.test('judging: disk and filter', async t => {
  const table = tableOf(t).set('nb-1-big').set('nb-2-big', { toc: null })
  const directory = directoryOf(table, name => !name.endsWith('Index.db'))
  const judged = (name: string, only: string) => {
    const unit = directory.unitOf(name)
    for (const other of [...unit.names]) if (!other.endsWith(only)) unit.names.delete(other)
    return { state: directory.judge(unit, 0, performance.now()).state, names: [...unit.names].sort() }
  }
  t.same(judged('nb-1-big-Data.db', 'Data.db'), {
    state: 'complete',
    names: [...BIG, 'TOC.txt']
      .filter(name => name !== 'Index.db')
      .map(name => `nb-1-big-${name}`)
      .sort(),
  })
  t.same(judged('nb-2-big-Data.db', 'Data.db'), {
    state: 'complete',
    names: ['nb-2-big-Data.db', 'nb-2-big-Statistics.db'],
  })
  table.delete('nb-2-big')
  t.equal(judged('nb-2-big-Data.db', 'Data.db').state, 'waiting')
  t.equal(directory.unitOf('nb-2-big-Data.db').names.size, 0)
})

await t.test('quiet time is counted from the last change that was seen', async t => {
  const table = tableOf(t)
  const path = table.file('plain')
  const directory = directoryOf(table)
  const unit = directory.unitOf('plain')
  t.same(directory.judge(unit, 100, 1_000), { state: 'settling', wait: 100 })
  t.same(directory.judge(unit, 100, 1_060), { state: 'settling', wait: 40 })
  writeFileSync(path, 'changed')
  t.same(directory.judge(unit, 100, 1_099), { state: 'settling', wait: 100 })
  t.same(directory.judge(unit, 100, 1_199), { state: 'complete' })
  unit.settled = true
  writeFileSync(path, 'changed again')
  t.same(directory.judge(unit, 100, 1_200), { state: 'complete' }, 'renamed into place: no quiet time')
})
