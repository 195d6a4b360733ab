import t from 'tap'

import { AuditReport, type Finding } from '../../src/backup/audit-report.js'
import { BackupSummary } from '../../src/backup/summary.js'
import { TablesnapError } from '../../src/errors.js'
import type { State } from '../../src/manifest/state.js'
import { LogLines } from '../restore/support.js'

const UNIT = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'
const SSTABLE = `/data/${UNIT}/nb-1-big`

const nothing = { sets: new Map(), files: new Map(), directories: new Map() }
const state: State = {
  ...{ node: 'node1', epoch: 1, unit: UNIT, time: 1, gap: false, unexplained: [], unprotected: [] },
  ...nothing,
}

function finding(component: string, outcome: Finding['outcome'], more: Partial<Finding> = {}): Finding {
  const path = `${SSTABLE}-${component}`
  const entry = { size: 3, mtime: 1n, inode: 1n, crc64: undefined, key: undefined }
  return {
    name: { key: `node1:${path}`, unit: UNIT, path, sstable: SSTABLE, entry },
    standing: 'missing',
    outcome,
    ...more,
  }
}

function bench() {
  const log = new LogLines()
  const summary = new BackupSummary()
  const report = new AuditReport(
    summary,
    {
      problem: (path, message) => summary.fail(path, message),
      solved: path => summary.solve(path),
    },
    log,
    false,
  )
  return { log, summary, report }
}

await t.test('what is lost is told once, an SSTable in one line, until it is back', t => {
  const { log, summary, report } = bench()
  const both = [finding('Data.db', 'gone'), finding('Index.db', 'gone')]
  report.take([state], both, true)
  report.take([state], both, true)
  t.equal(log.lines.length, 1)
  t.match(
    log.lines[0],
    new RegExp(`ks\\.t has lost 2 objects: node1:${SSTABLE}-\\{Data.db,Index.db\\}: missing from`),
  )
  t.equal(summary.lost.size, 2)
  report.take([state], [finding('Data.db', 'gone')], true)
  t.same([...summary.lost.values()], [`${SSTABLE}-Data.db`])
  report.take([state], [], false)
  t.equal(summary.lost.size, 1, 'an audit that was cut short proves nothing')
  report.take([state], [], true)
  t.equal(summary.lost.size, 0)
  t.equal(log.lines.length, 1)
  report.take([state], [finding('Data.db', 'changed', { standing: 'other' })], true)
  t.match(
    log.lines[1],
    /lost 1 object: \S+-Data.db: replaced by other content in the bucket, and on the disk there is other/,
  )
  t.end()
})

await t.test('what could not be uploaded has failed until an audit finds it', t => {
  const { summary, report } = bench()
  const error = new TablesnapError({ code: 'FILE_DENIED', message: 'no access' })
  report.take([state], [finding('Data.db', 'failed', { error }), finding('Index.db', 'uploaded')], true)
  t.match([...summary.failed], [[`${SSTABLE}-Data.db`, /Error uploading node1:\S+ again, .*: no access/]])
  t.match(summary, { uploaded: 1, restored: 1, bytes: 3 })
  report.take([state], [], true)
  t.equal(summary.failed.size, 0)
  t.end()
})
