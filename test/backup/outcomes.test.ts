import { join } from 'node:path'

import t from 'tap'

import { OpenSet } from '../../src/backup/open-set.js'
import { Outcomes } from '../../src/backup/outcomes.js'
import { Rounds } from '../../src/backup/rounds.js'
import { Unprotected } from '../../src/backup/unprotected.js'
import { TablesnapError } from '../../src/errors.js'
import { Filter } from '../../src/plan/filter.js'
import { until } from '../support/node.js'
import { Recorded } from '../support/recorded.js'
import { TABLE, Tracked, entryOf } from '../support/tracked.js'

const silent = () => undefined

async function given(t: Parameters<typeof Recorded.create>[0]) {
  const node = new Tracked(t)
  const table = node.table().set('nb-1-big')
  node.scan('start', table)
  await until(() => node.given.length === 1)
  const problems: string[] = []
  const outcomes = new Outcomes(
    { debug: silent, info: silent, warn: silent, error: silent },
    false,
    (path, message) => {
      problems.push(message)
      outcomes.summary.failed.set(path, message)
    },
  )
  const found = node.given[0]!
  const open = new OpenSet(found)
  t.teardown(() => open.close())
  return { found, open, outcomes, problems, table }
}

function failure(code: string): TablesnapError {
  return new TablesnapError({ code, message: `it is ${code}` })
}

await t.test('what was uploaded is durable and counted; what failed is told and tried again', async t => {
  const { found, open, outcomes, problems, table } = await given(t)
  const results = found.names.map(name => ({ name, bytes: 10, entry: entryOf(join(table.path, name)) }))
  const [first, ...others] = results.map(result => ({ ...result, outcome: 'uploaded' as const }))
  const { name = '' } = first ?? {}
  const error = failure('S3_ERROR')
  const failed = outcomes.uploaded(found, open, [...others, { name, bytes: 10, outcome: 'failed', error }])
  t.equal(failed.next, 'failed')
  t.equal(failed.durable.size, others.length)
  t.notOk(failed.durable.has(name))
  t.match(problems, [/Error uploading .*: it is S3_ERROR/])
  t.same([...outcomes.summary.failed.keys()], [join(table.path, name)])
  t.match(outcomes.summary, { uploaded: others.length, bytes: 10 * others.length })
  const done = outcomes.uploaded(
    found,
    open,
    results.map(result => ({ ...result, outcome: 'present' as const })),
  )
  t.equal(done.next, 'done')
  t.match(outcomes.summary, { present: results.length, failed: new Map() })
})

await t.test('a file that changed is taken up again, unless another one failed', async t => {
  const { found, open, outcomes, problems } = await given(t)
  const [one = '', two = ''] = found.names
  const changed = { name: one, bytes: 0, outcome: 'failed' as const, error: failure('FILE_CHANGED') }
  t.equal(outcomes.uploaded(found, open, [changed]).next, 'again')
  t.same(problems, [], 'that is no problem')
  const failed = { name: two, bytes: 0, outcome: 'failed' as const, error: failure('S3_ERROR') }
  t.equal(outcomes.uploaded(found, open, [changed, failed]).next, 'failed')
  t.equal(outcomes.uploaded(found, open, [failed, changed]).next, 'failed')
})

await t.test(
  'what Cassandra took away is counted, and no failure; what could not be opened is one',
  async t => {
    const { found, outcomes, problems } = await given(t)
    t.same(outcomes.unopened(found), { durable: new Map(), names: [], next: 'failed' })
    t.match(problems, [/no descriptors left/])
    t.equal(outcomes.summary.failed.size, 1)
    t.same(outcomes.superseded(found), { durable: new Map(), names: [], next: 'gone' })
    t.match(outcomes.summary, { superseded: found.names.length, failed: new Map() })
  },
)

await t.test(
  'files that are not protected are counted: old ones, and those below that nobody watches',
  async t => {
    const node = new Tracked(t, { existing: false })
    const table = node.table()
    table.file('nb-1-big-Data.db', Buffer.alloc(1_000))
    node.table(`${TABLE}/below`).file('x', Buffer.alloc(30))
    node.table(`${TABLE}/below/deeper`).file('y', Buffer.alloc(4))
    node.table(`${TABLE}/snapshots/s1`).file('z', Buffer.alloc(500))
    node.table(`${TABLE}/below`).file('z.tmp', Buffer.alloc(500))
    node.scan('start', table)
    const warnings: string[] = []
    const log = {
      debug: silent,
      info: silent,
      warn: (text: string) => void warnings.push(text),
      error: silent,
    }
    const filter = new Filter({ exclude: [], include: [], snapshots: false, backups: false }, [table.path])
    const { config } = await Recorded.create(t)
    const unprotected = new Unprotected(filter, log)
    await unprotected.report(node.tracker, { ...config, paths: [table.path], recursive: false })
    t.match(warnings, [
      /^1 files \(1000 bytes\) that were there before/,
      /^2 files \(34 bytes\) in .*\/below are not watched.*-r watches/,
    ])
    await unprotected.report(node.tracker, { ...config, paths: [table.path], recursive: true })
    t.equal(warnings.length, 3)
    unprotected.appeared('/new')
    t.match(warnings.at(-1), /\/new is new and not watched: .*-a watches/)
  },
)

await t.test('every directory has its turn in the slow round, and none before its time', async t => {
  const scanned: string[] = []
  const directories = [...Array(3_600).keys()].map(i => `/d${i}`)
  const rounds = new Rounds({
    directories: () => directories,
    rescan: paths => void scanned.push(...paths),
    expose: silent,
    check: () => Promise.resolve(),
  })
  rounds.start()
  t.teardown(() => rounds.stop())
  t.same(scanned, [])
  await until(() => scanned.length > 0)
  t.same(scanned, ['/d0'], 'one a second makes an hour')
  rounds.stop()
})
