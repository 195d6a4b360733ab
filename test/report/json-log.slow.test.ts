import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

type Line = Readonly<Record<string, unknown>> & { readonly event?: string }

/** The types of the fields of each event; `?` at its end: it need not be there. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  uploaded: { path: 'string', files: 'number', bytes: 'number', seconds: 'number' },
  restored: { path: 'string', files: 'number', bytes: 'number', seconds: 'number' },
  progress: { bytes: 'number', totalBytes: 'number', rate: 'number', secondsLeft: 'number?' },
  plan: { name: 'string', target: 'string', tables: 'number', files: 'number', bytes: 'number' },
  summary: { dryRun: 'boolean', seconds: 'number', bytes: 'number', failed: 'number' },
  'restore-point': { table: 'string', moment: 'number' },
  watching: { directories: 'number', bucket: 'string', prefix: 'string' },
  'caught-up': { tables: 'number', sstables: 'number', bytes: 'number' },
  status: { isProtected: 'boolean', isReachable: 'boolean', waiting: 'number', waitingBytes: 'number' },
  outage: { isReachable: 'boolean', milliseconds: 'number', error: 'string?' },
}

/** Every line of a log as JSON, with what every line must have. */
function linesOf(t: Test, log: string): Line[] {
  const lines = log
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Line)
  for (const line of lines) {
    t.match(line, { message: /\S/, level: /^(debug|info|warn|error)$/ })
    t.match(line['time'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const fields = FIELDS[line.event ?? ''] ?? {}
    for (const [name, type] of Object.entries(fields))
      if (!type.endsWith('?') || line[name] !== undefined)
        t.equal(typeof line[name], type.replace('?', ''), `${line.event ?? ''}.${name}`)
    if (line.event !== undefined) t.ok(line.event in FIELDS, line.event)
  }
  return lines
}

function events(lines: readonly Line[]): string[] {
  return [...new Set(lines.flatMap(({ event }) => event ?? []))].sort()
}

const JSON_LOG = ['--log-format', 'json']

await t.test('every line of -B is JSON with typed fields, and there is progress every 10 s', async t => {
  const node = await TestNode.create(t)
  const table = node.table()
  for (let n = 1; n <= 30; n++) table.set(`nb-${n}-big`, { bytes: 30_000 })
  const { code, log } = await node.run([...JSON_LOG, '-v', '--max-rate', '64KiB', '-r', '-B'])
  t.equal(code, 0, log)
  const lines = linesOf(t, log)
  t.same(events(lines), ['progress', 'restore-point', 'summary', 'uploaded'])
  const [progress] = lines.filter(({ event }) => event === 'progress')
  t.equal(progress?.['totalSstables'], 30)
  t.ok(Number(progress?.['sstables']) > 0 && Number(progress?.['sstables']) < 30, JSON.stringify(progress))
  t.ok(Number(progress?.['bytes']) < Number(progress?.['totalBytes']))
  t.ok(Number(progress?.['rate']) > 20_000 && Number(progress?.['rate']) < 150_000, 'bytes a second')
  t.match(lines.at(-1), { event: 'summary', uploaded: 240, failed: 0 })
})

await t.test('every line of a daemon and of an outage is JSON with typed fields', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big')
  const daemon = await node.watch(t, [...JSON_LOG, '-r', '-a', '-B', '--watch'])
  table.flush('nb-2-big')
  await node.arrived([node.key(join(table.path, 'nb-2-big-Data.db'))])
  await daemon.seen(/Everything below/)
  daemon.kill('SIGUSR1')
  await daemon.seen(/Status:/)
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
  const lines = linesOf(t, daemon.stderr)
  t.same(events(lines), ['caught-up', 'status', 'summary', 'uploaded', 'watching'])
  t.match(
    lines.find(({ event }) => event === 'caught-up'),
    { tables: 1, sstables: 2 },
  )
  const away = new Cli([
    ...node.args([...JSON_LOG, '--endpoint-url', 'http://127.0.0.1:9', '--retry-time', '1', '-r', '-B']),
  ])
  t.equal(await away.exit, 1)
  t.match(
    linesOf(t, away.stderr).find(({ event }) => event === 'outage'),
    { isReachable: false, error: /ECONNREFUSED/ },
  )
})

await t.test('every line of -D is JSON with typed fields', async t => {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big').set('nb-2-big')
  t.equal((await node.backUp()).code, 0)
  const { code, log } = await node.run([...JSON_LOG, '-D'], [t.testdir({})])
  t.equal(code, 0, log)
  const lines = linesOf(t, log)
  t.same(events(lines), ['plan', 'restore-point', 'restored', 'summary'])
  t.match(
    lines.find(({ event }) => event === 'plan'),
    { tables: 1, sets: 2, files: 16 },
  )
})
