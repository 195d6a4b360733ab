import { join } from 'node:path'

import t from 'tap'

import { Filter } from '../../src/backup/filter.js'
import { OpenFiles } from '../../src/backup/open-files.js'
import { Outcomes } from '../../src/backup/outcomes.js'
import { Rounds } from '../../src/backup/rounds.js'
import { Unprotected } from '../../src/backup/unprotected.js'
import { TablesnapError } from '../../src/errors.js'
import { until } from '../support/node.js'
import { Recorded } from '../support/recorded.js'
import { TABLE, Tracked, entryOf } from '../support/tracked.js'
import { VirtualTime } from '../support/virtual-time.js'

const silent = () => undefined

async function ordered(t: Parameters<typeof Recorded.create>[0]) {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  await until(() => node.given.length === 1)
  const problems: string[] = []
  const error = (text: string) => void problems.push(text)
  const outcomes = new Outcomes({ debug: silent, info: silent, warn: silent, error }, false)
  const ready = node.given[0]!
  const open = new OpenFiles(ready)
  t.teardown(() => open.close())
  return { ready, open, outcomes, problems, table, node }
}

function failure(code: string): TablesnapError {
  return new TablesnapError({ code, message: `it is ${code}` })
}

await t.test('what was uploaded is counted; what failed is told once and tried again', async t => {
  const { ready, open, outcomes, problems, table } = await ordered(t)
  const results = ready.names.map(name => ({ name, bytes: 10, entry: entryOf(join(table.path, name)) }))
  const [first, ...others] = results.map(result => ({ ...result, outcome: 'uploaded' as const }))
  const { name = '' } = first ?? {}
  const bad = { name, bytes: 10, outcome: 'failed' as const, error: failure('S3_ERROR') }
  const failed = outcomes.uploaded(ready, open, [...others, bad])
  t.equal(failed.next, 'failed')
  t.equal(failed.durable.size, others.length)
  t.notOk(failed.durable.has(name))
  outcomes.uploaded(ready, open, [bad])
  t.match(problems, [/Error uploading .*: it is S3_ERROR/])
  t.equal(problems.length, 1)
  t.same([...outcomes.summary.failed.keys()], [join(table.path, name)])
  t.match(outcomes.summary, { uploaded: others.length, bytes: 10 * others.length })
  const present = results.map(result => ({ ...result, outcome: 'present' as const }))
  t.equal(outcomes.uploaded(ready, open, present).next, 'done')
  t.match(outcomes.summary, { present: results.length, failed: new Map() })
})

await t.test('one cause is one line for an SSTable, in whatever order its files fail', async t => {
  const { ready, open, outcomes, problems, table } = await ordered(t)
  const error = failure('S3_EXPIREDTOKEN')
  const bad = ready.names.map(name => ({ name, bytes: 10, outcome: 'failed' as const, error }))
  outcomes.uploaded(ready, open, bad)
  outcomes.uploaded(ready, open, bad.toReversed())
  t.match(problems, [/Error uploading \S+ and \d+ more files of it: it is S3_EXPIREDTOKEN$/])
  t.same([...outcomes.summary.failed.keys()].sort(), ready.names.map(name => join(table.path, name)).sort())
  const [first, ...others] = bad
  outcomes.uploaded(ready, open, [{ ...first!, error: failure('S3_OTHER') }, ...others])
  t.equal(problems.length, 3)
  t.ok(problems.some(problem => /Error uploading \S+: it is S3_OTHER$/.test(problem)))
})

await t.test('a file that changed is taken up again, unless another one failed', async t => {
  const { ready, open, outcomes, problems } = await ordered(t)
  const [one = '', two = ''] = ready.names
  const changed = { name: one, bytes: 0, outcome: 'failed' as const, error: failure('FILE_CHANGED') }
  t.equal(outcomes.uploaded(ready, open, [changed]).next, 'changed')
  t.same(problems, [], 'that is no problem')
  const failed = { name: two, bytes: 0, outcome: 'failed' as const, error: failure('S3_ERROR') }
  t.equal(outcomes.uploaded(ready, open, [changed, failed]).next, 'failed')
  t.equal(outcomes.uploaded(ready, open, [failed, changed]).next, 'failed')
})

await t.test('a failure leaves the summary when its SSTable, or its directory, is gone', async t => {
  const { ready, outcomes, table } = await ordered(t)
  outcomes.problem(ready.files.path, 'no descriptors left')
  outcomes.problem(join(table.path, 'nb-1-big-Data.db'), 'refused')
  outcomes.problem(join(table.path, 'nb-10-big-Data.db'), 'refused')
  outcomes.corrupt(ready.files.path, 'it differs')
  outcomes.gone(ready.files)
  t.same([...outcomes.summary.failed.keys()], [join(table.path, 'nb-10-big-Data.db')])
  t.equal(outcomes.summary.corrupt.size, 0)
  outcomes.goneBelow(table.path)
  t.equal(outcomes.summary.failed.size, 0)
  outcomes.silence()
  outcomes.problem('/x', 'aborted')
  t.equal(outcomes.summary.failed.size, 0)
})

await t.test('a file that went while it was uploaded does not stay in the summary', async t => {
  const { ready, outcomes, table } = await ordered(t)
  const { files, names } = ready
  const toc = 'nb-1-big-TOC.txt'
  const others = { ...ready, names: names.filter(name => name !== toc) }
  const fail = () => {
    outcomes.problem(join(table.path, toc), 'refused')
    files.endUpload({ durable: new Map(), names, next: 'failed' })
    outcomes.ended(ready)
  }
  fail()
  t.equal(outcomes.summary.failed.size, 1, 'it is there, and is tried again')
  files.remove(toc, 0)
  outcomes.ended(others)
  t.equal(outcomes.summary.failed.size, 0, 'the next upload has not tried it')
  fail()
  t.equal(outcomes.summary.failed.size, 0, 'it went before the upload ended')
  files.add(toc)
  fail()
  files.remove(toc, 0)
  outcomes.present(files)
  t.equal(outcomes.summary.failed.size, 0, 'the others are in the bucket already')
})

await t.test('an SSTable that an earlier run found to be corrupt is told again, once', async t => {
  const { outcomes, problems, node, table } = await ordered(t)
  const ready = node.given.shift()!
  const durable = new Map(ready.names.map(name => [name, entryOf(join(table.path, name))]))
  node.core().uploaded(ready.files, { durable, names: ready.names, next: 'done', isCorrupt: true })
  outcomes.known(node.core())
  outcomes.known(node.core())
  t.match(problems, [/nb-1-big-Data.db .*it is corrupt on this node/])
  t.equal(problems.length, 1)
  t.equal(outcomes.summary.corrupt.size, 1)
})

await t.test(
  'files that are not protected are counted: old ones, and those below that nobody watches',
  async t => {
    const node = new Tracked(t, { backsUpExisting: false })
    const table = node.table()
    table.file('nb-1-big-Data.db', Buffer.alloc(1_000))
    node.table(`${TABLE}/below`).file('x', Buffer.alloc(30))
    node.table(`${TABLE}/below/deeper`).file('y', Buffer.alloc(4))
    node.table(`${TABLE}/snapshots/s1`).file('z', Buffer.alloc(500))
    node.table(`${TABLE}/below`).file('z.tmp', Buffer.alloc(500))
    node.scan('start', table)
    const warnings: string[] = []
    const warn = (text: string) => void warnings.push(text)
    const log = { debug: silent, info: silent, warn, error: silent }
    const filter = new Filter({ exclude: [], include: [], snapshots: false, backups: false }, [table.path])
    const { config } = await Recorded.create(t)
    const unprotected = new Unprotected(filter, log)
    await unprotected.report(node.tables, { ...config, paths: [table.path], recursive: false })
    t.match(warnings, [
      /^Not backed up, as it was there before the start: 1 file \(1000 B\)/,
      /^Not backed up: 2 files \(34 B\) of 0 SSTables below .*; add -r/,
    ])
    await unprotected.report(node.tables, { ...config, paths: [table.path], recursive: true })
    t.equal(warnings.length, 3)
    unprotected.appeared('/new')
    t.match(warnings.at(-1), /\/new is new and not watched: .*add -a/)
  },
)

await t.test('a daemon scans every directory once an hour, those without a watch once a minute', async t => {
  const time = new VirtualTime()
  const scanned: string[] = []
  const directories = [...Array(7_200).keys()].map(i => `/d${i}`)
  const counts = { check: 0, tidy: 0 }
  const rounds = new Rounds(
    {
      directories: () => directories,
      unwatched: () => ['/unwatched'],
      rescan: paths => void scanned.push(...paths),
      check: () => {
        counts.check++
      },
      tidy: () => {
        counts.tidy++
      },
    },
    time,
  )
  rounds.start()
  t.same(scanned, [])
  await time.pass(1_000)
  t.same(scanned, ['/d0', '/d1'], 'two a second make an hour')
  await time.pass(59_000)
  t.equal(scanned.filter(path => path === '/unwatched').length, 1)
  t.same(counts, { check: 2, tidy: 2 })
  await time.pass(3_540_000)
  t.equal(new Set(scanned).size, 7_201)
  rounds.stop()
  const { length } = scanned
  await time.pass(100_000)
  t.equal(scanned.length, length)
})
