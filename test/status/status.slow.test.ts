import { mkdirSync, readdirSync, statSync, watch } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { LocalS3, faults } from '../../dev/local-s3/index.js'
import type { Status } from '../../src/status/status.js'
import { runtimeFolder } from '../support/cli.js'
import { TestNode, gate, until } from '../support/node.js'
import { WatchedStatus, askStatus } from '../support/watched-status.js'

/** Bytes of files. */
function bytesOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0)
}

const HOSTILE = `<img src=x onerror=alert(1)>"'&`

await t.test(
  'the status of a daemon is told by its socket, by HTTP and by the log: behind, then caught up',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table()
    table.flush('nb-1-big')
    const held = gate()
    node.bucket.server.faults.add({
      on: 'PutObject',
      key: /nb-2-big/,
      count: Infinity,
      fault: faults.delay(held.opened),
    })
    const watched = await WatchedStatus.start(t, node)
    const first = await watched.when(({ isProtected }) => isProtected)
    t.match(first, {
      version: 1,
      reasons: [],
      unprotectedSince: null,
      protected: { tables: 1, sstables: 1 },
      waiting: { sstables: 0, bytes: 0, age: 0, left: 0 },
      s3: { isReachable: true },
      program: { node: 'node1', bucket: 'bucket', paths: [node.data] },
    })
    t.equal(first.protected.bytes, bytesOf(table.paths('nb-1-big')))
    t.equal(first.tables[0]?.newest?.kind, 'complete')
    await watched.daemon.seen(/Everything below \S+ is backed up: 1 table, /)
    const asked = await askStatus(['bucket', node.data])
    t.equal(asked.code, 0, asked.text)
    t.match(asked.text, /^node1 in bucket bucket: everything is protected\n/)

    table.flush('nb-2-big')
    const behind = await watched.when(({ waiting }) => waiting.sstables === 1)
    t.notOk(behind.isProtected)
    t.equal(behind.waiting.bytes, bytesOf(table.paths('nb-2-big')))
    t.match(behind.reasons[0], /^1 SSTable \(.*\) is not in the bucket yet, the oldest for \d+ s$/)
    t.ok(Date.parse(behind.unprotectedSince ?? '') <= Date.parse(behind.time))
    t.equal((await askStatus(['bucket'])).code, 1, 'something waits')
    t.equal((await askStatus(['bucket', '--max-age', '1h'])).code, 0, 'it may wait for so long')
    t.equal((await askStatus(['bucket', '--max-age', '0s'])).code, 3, 'it has waited for too long')
    t.equal((await watched.get('/healthz')).status, 200, 'a short wait is normal')
    watched.daemon.kill('SIGUSR1')
    await watched.daemon.seen(/Status: not in the bucket yet: 1 SSTable .*newest restore point 20/)
    held.open()
    const last = await watched.when(
      ({ isProtected, protected: { sstables } }) => isProtected && sstables === 2,
    )
    t.equal(last.totals.files, table.paths().length)
    t.ok(last.totals.restorePoints.complete >= 2)
    const json = await askStatus(['--json'])
    t.equal(
      (JSON.parse(json.text) as Status).program.pid,
      last.program.pid,
      'without bucket and path the one that runs is asked',
    )
    const [socket = ''] = readdirSync(runtimeFolder()).filter(name => name.endsWith('.sock'))
    t.equal(statSync(join(runtimeFolder(), socket)).mode & 0o777, 0o600)

    watched.daemon.kill('SIGTERM')
    await watched.daemon.exit
    t.strictSame(readdirSync(runtimeFolder()), [], 'the socket goes with the daemon')
    const args = [...node.bucket.flags, 'bucket']
    const bucket = await askStatus(args)
    t.equal(bucket.code, 1, 'without a daemon nothing says that what comes is protected')
    t.match(
      bucket.text,
      /no tablesnap that runs here answers[^]*1 table, 1 with a complete newest restore point/,
    )
    t.equal((await askStatus([...args, '--max-age', '1h'])).code, 0)
    t.equal((await askStatus([...args, '--max-age', '0s'])).code, 3)
    t.equal((await askStatus([])).code, 1)
  },
)

await t.test(
  'while S3 is away the status says since when and why, and /healthz that something has waited for long',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table()
    table.flush('nb-1-big')
    const watched = await WatchedStatus.start(t, node)
    await watched.when(({ isProtected }) => isProtected)
    const { port } = new URL(node.bucket.server.endpoint)
    await node.bucket.server.close()
    table.flush('nb-2-big')
    const away = await watched.when(({ s3 }) => !s3.isReachable)
    t.match(away.s3.error, /ECONNREFUSED/)
    t.ok(away.s3.retries > 0)
    t.ok(Date.parse(away.s3.since ?? '') < Date.parse(away.time))
    t.match(away.reasons.join('\n'), /S3 cannot be reached since/)
    t.equal(away.waiting.left, null)
    watched.daemon.kill('SIGUSR1')
    await watched.daemon.seen(/Status: S3 unreachable since 20.*ECONNREFUSED.*: 1 SSTable, .* wait/)
    const asked = await askStatus(['bucket'])
    t.equal(asked.code, 1)
    t.match(asked.text, /S3 +NOT reachable since/)
    const server = await LocalS3.start({ directory: join(node.bucket.directory, 's3'), port: Number(port) })
    t.teardown(() => server.close())
    const back = await watched.when(({ isProtected }) => isProtected)
    t.ok(back.s3.isReachable)
    t.equal(back.protected.sstables, 2)
  },
)

await t.test('metrics, /healthz and the page are served; names cannot break the page', async t => {
  const node = await TestNode.create(t)
  node.table().flush('nb-1-big')
  const hostile = node.table(HOSTILE)
  hostile.flush('nb-1-big')
  const watched = await WatchedStatus.start(t, node)
  await watched.when(({ isProtected, tables }) => isProtected && tables.length >= 2)
  const page = await watched.get('/')
  t.equal(page.status, 200)
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/)
  t.notMatch(page.body, /<img/)
  t.match(page.body, /&lt;img src=x onerror=alert\(1\)&gt;&quot;&#39;&amp;/)
  t.notMatch(page.body, /(?:src|href)="(?:https?:)?\/\//, 'nothing comes from elsewhere')
  const metrics = await watched.get('/metrics')
  t.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.match(metrics.body, /^tablesnap_protected 1$/m)
  t.match(
    metrics.body,
    /^tablesnap_build_info\{version="\d+\.\d+\.\d+",commit="([0-9a-f]{10}(-dirty)?)?",node_version="\d+\.\d+\.\d+"\} 1$/m,
  )
  t.match(metrics.body, /^tablesnap_uploads_total 16$/m)
  t.match(metrics.body, /^tablesnap_durable_latency_seconds_bucket\{le="\+Inf"\} \d+$/m)
  t.match(metrics.body, /^tablesnap_s3_requests_total\{operation="PutObject",status="200"\} \d+$/m)
  t.match(metrics.body, /^tablesnap_table_protected\{keyspace="ks",table="t",unit="ks\/t-/m)
  t.notMatch(metrics.body, /testsecret/)
  t.equal((await watched.get('/healthz')).body, 'ok\n')
  t.equal((await watched.get('/other')).status, 404)
  t.equal((await fetch(`${watched.origin}/`, { method: 'POST' })).status, 405)
  t.notMatch(page.body + (await watched.get('/status.json')).body, /testsecret/)
})

await t.test(
  'a port that is taken and a socket that cannot be made are no reason for a daemon to fail',
  async t => {
    const node = await TestNode.create(t)
    node.table().flush('nb-1-big')
    const taken = createServer().listen(0, '127.0.0.1')
    t.teardown(() => taken.close())
    await new Promise(resolve => taken.once('listening', resolve))
    const address = taken.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const flags = ['-r', '-a', '-B', '--watch', '--metrics-listen', `127.0.0.1:${port}`]
    const daemon = await node.watch(t, flags, undefined, { RUNTIME_DIRECTORY: '/proc/none' })
    await daemon.seen(/--metrics-listen: listen EADDRINUSE.*tablesnap goes on without metrics/)
    await daemon.seen(/tablesnap --status cannot ask this run: no socket \/proc\/none/)
    await daemon.seen(/Everything below \S+ is backed up/)
  },
)

await t.test('the socket needs no right to write beside its folder', async t => {
  const node = await TestNode.create(t)
  const above = join(node.bucket.directory, 'above')
  const folder = join(above, 'run')
  mkdirSync(folder, { recursive: true })
  const others = new Set<string>()
  const watcher = watch(above, (_, name) => others.add(String(name)))
  t.teardown(() => watcher.close())
  const daemon = await node.watch(t, [], undefined, { RUNTIME_DIRECTORY: folder })
  await until(() => readdirSync(folder).some(name => name.endsWith('.sock')))
  daemon.kill('SIGTERM')
  await daemon.exit
  others.delete('run')
  t.strictSame([...others], [], 'systemd lets it write in $RUNTIME_DIRECTORY only')
})

await t.test(
  'a socket that a killed daemon left is replaced, and its name is never listened on twice',
  async t => {
    const node = await TestNode.create(t)
    node.table().flush('nb-1-big')
    const first = await WatchedStatus.start(t, node)
    await first.when(({ isProtected }) => isProtected)
    first.daemon.kill('SIGKILL')
    await first.daemon.exit
    const left = await askStatus([])
    t.equal(left.code, 1, 'nobody listens on the socket')
    t.match(left.log, /no tablesnap answers/)
    const second = await WatchedStatus.start(t, node)
    const { program } = await second.when(({ isProtected }) => isProtected)
    const answer = JSON.parse((await askStatus(['--json'])).text) as Status
    t.equal(answer.program.pid, program.pid)
  },
)
