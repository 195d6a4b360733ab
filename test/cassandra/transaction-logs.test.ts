import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'

import t, { type Test } from 'tap'

import { TransactionLogs, type LogNews } from '../../src/cassandra/transaction-logs.js'
import { TxnLog } from '../support/table.js'
import { Tracked } from '../support/tracked.js'

/** Descriptors of this process that lead into a directory. */
function heldIn(directory: string): number {
  let held = 0
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory)) held++
    } catch {
      // It was the one with which the directory was read.
    }
  }
  return held
}

function bench(t: Test) {
  const table = new Tracked(t).table()
  const problems = new Map<string, string>()
  const logs = new TransactionLogs({
    problem: (about, message) => void problems.set(about, message),
    solved: about => void problems.delete(about),
  })
  t.teardown(() => logs.close())
  const news: string[] = []
  const receiver = {
    log: (_: string, name: string, one: LogNews) => void news.push(`${name} ${textOf(one)}`),
  }
  return { table, logs, problems, news, receiver }
}

function textOf(news: LogNews): string {
  if (news.kind !== 'read') return news.kind
  const { adds, removes, committed } = news.txn
  return [
    'read',
    ...[...adds].map(set => `+${set}`),
    ...[...removes].map(set => `-${set}`),
    String(committed),
  ].join(' ')
}

await t.test('a log is read once more through its descriptor after it was deleted', t => {
  const { table, logs, news, receiver } = bench(t)
  const log = new TxnLog(table.path, 'compaction', 'nb_txn_x.log').add('nb-3-big')
  logs.created(table.path, 'nb_txn_x.log', receiver)
  log.remove('nb-1-big').commit().end()
  t.equal(heldIn(table.path), 1)
  logs.deleted(table.path, 'nb_txn_x.log', receiver)
  t.same(news, [
    'nb_txn_x.log read +nb-3-big false',
    'nb_txn_x.log read +nb-3-big -nb-1-big true',
    'nb_txn_x.log gone',
  ])
  t.equal(heldIn(table.path), 0)
  t.end()
})

await t.test('a log that was gone before it could be opened was missed', t => {
  const { table, logs, news, receiver } = bench(t)
  logs.created(table.path, 'nb_txn_x.log', receiver)
  logs.written(table.path, 'nb_txn_x.log', receiver)
  logs.deleted(table.path, 'nb_txn_x.log', receiver)
  t.same(news, ['nb_txn_x.log missed', 'nb_txn_x.log gone'])
  t.end()
})

await t.test('a log that cannot be opened is told once, and tried again', t => {
  const { table, logs, news, problems, receiver } = bench(t)
  const path = join(table.path, 'nb_txn_l.log')
  symlinkSync('nb_txn_l.log', path)
  logs.created(table.path, 'nb_txn_l.log', receiver)
  logs.retry(table.path, receiver)
  logs.found(table.path, ['nb_txn_l.log'], receiver)
  t.same(news, ['nb_txn_l.log unreadable'])
  t.match(problems.get(path), /nb_txn_l.log cannot be read: ELOOP/)
  rmSync(path)
  new TxnLog(table.path, 'compaction', 'nb_txn_l.log').add('nb-1-big')
  logs.retry('/elsewhere', receiver)
  t.equal(news.length, 1)
  logs.retry(table.path, receiver)
  t.equal(news.at(-1), 'nb_txn_l.log read +nb-1-big false')
  t.equal(problems.size, 0)
  t.end()
})

await t.test('a scan reads the logs that are there, and ends those that went unheard of', t => {
  const { table, logs, news, receiver } = bench(t)
  const one = new TxnLog(table.path, 'flush', 'nb_txn_1.log').add('nb-1-big')
  logs.found(table.path, ['nb_txn_1.log', 'nb_txn_0.log'], receiver)
  t.same(news.splice(0), ['nb_txn_1.log read +nb-1-big false', 'nb_txn_0.log missed'])
  one.commit().end()
  new TxnLog(table.path, 'flush', 'nb_txn_2.log').add('nb-2-big')
  logs.found(table.path, ['nb_txn_2.log'], receiver)
  t.same(news.splice(0), [
    'nb_txn_1.log read +nb-1-big true',
    'nb_txn_1.log gone',
    'nb_txn_2.log read +nb-2-big false',
  ])
  logs.lost(table.path, receiver)
  t.same(news.splice(0), ['nb_txn_2.log read +nb-2-big false', 'nb_txn_2.log gone'])
  t.equal(heldIn(table.path), 0)
  t.end()
})

await t.test('what is no transaction log says nothing and does no harm', t => {
  const { table, logs, news, receiver } = bench(t)
  mkdirSync(join(table.path, 'nb_txn_d.log'))
  logs.created(table.path, 'nb_txn_d.log', receiver)
  const cut = table.file('nb_txn_cut.log', 'ADD:[/x/nb-1-big-,0,8][1')
  logs.created(table.path, basename(cut), receiver)
  t.same(news, ['nb_txn_d.log read false', 'nb_txn_cut.log read false'], 'a line that was cut off')
  t.end()
})
