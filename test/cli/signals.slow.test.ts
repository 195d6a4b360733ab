import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { withoutSecrets } from '../../src/cli/secrets.js'
import { faults } from '../../dev/local-s3/fault.js'
import { Cli } from '../support/cli.js'
import { TestNode, gate, until } from '../support/node.js'

const MEBIBYTE = 1024 * 1024
const parts = ['--max-upload-size', '5', '--multipart-chunk-size', '5']

await t.test('SIGTERM lets the parts under way and the small files end', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  const { server } = node.bucket
  const held = gate()
  server.faults.add({ on: 'UploadPart', count: Infinity, fault: faults.delay(held.opened) })
  const cli = await node.watch(t, ['-r', ...parts])
  table.flush('nb-1-big', { bytes: 12 * MEBIBYTE })
  await until(() => server.requests.some(({ operation }) => operation === 'UploadPart'))
  cli.kill('SIGTERM')
  await cli.seen(/SIGTERM: letting the running uploads end/)
  table.flush('nb-2-big')
  held.open()
  t.equal(await cli.exit, 143)
  await node.same(t, table.paths('nb-1-big'))
  t.match(cli.stderr, /Uploaded 8 files .* 0 failed/)
  t.equal((await node.backUp([], [table.path])).code, 0, 'what came after the signal is for the next -B')
  await node.same(t, table.paths())
  t.same((await node.listing(table.path))?.names, table.names())
})

await t.test('SIGINT of a one-shot backup drains as well', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big').set('nb-2-big')
  const held = gate()
  node.bucket.server.faults.add({ key: /nb-/, on: 'PutObject', fault: faults.delay(held.opened) })
  const cli = new Cli(node.args(['-B'], [table.path]))
  await until(() =>
    node.bucket.server.requests.some(
      ({ operation, key }) => operation === 'PutObject' && key.includes('nb-'),
    ),
  )
  cli.kill('SIGINT')
  await cli.seen(/SIGINT: letting/)
  held.open()
  t.equal(await cli.exit, 130)
  await node.same(t, table.paths())
  t.same((await node.listing(table.path))?.names, table.names())
})

await t.test('a second signal ends at once, and the shutdown timeout does, too', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big', { bytes: 12 * MEBIBYTE })
  node.bucket.server.faults.add({ on: 'UploadPart', count: Infinity, fault: faults.silence() })
  const cli = new Cli(node.args(['-B', ...parts], [table.path]))
  await until(() => node.bucket.server.requests.some(({ fault }) => fault === 'silence'))
  cli.kill('SIGTERM')
  await cli.seen(/SIGTERM: letting/)
  const began = performance.now()
  cli.kill('SIGINT')
  t.equal(await cli.exit, 143, cli.stderr)
  t.ok(performance.now() - began < 5_000)
  t.match(
    cli.stderr,
    /1 SSTable or file is not in the bucket yet; the next tablesnap -B uploads what is missing/,
  )

  node.bucket.server.requests.length = 0
  const timed = new Cli([...node.args(['-B', ...parts], [table.path]), '--shutdown-timeout', '1'])
  await until(() => node.bucket.server.requests.some(({ fault }) => fault === 'silence'))
  timed.kill('SIGTERM')
  t.equal(await timed.exit, 143)
  node.bucket.server.faults.clear()
  t.equal((await node.backUp([...parts], [table.path])).code, 0)
  await node.same(t, table.paths())
})

await t.test('a second signal at any moment ends with the code of the first', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  const { server } = node.bucket
  for (let run = 0; run < 12; run++) {
    table.set(`nb-${run + 2}-big`)
    server.requests.length = 0
    const cli = new Cli(node.args(['-B'], [table.path]))
    await until(() => server.requests.length > 0)
    await sleep(run * 15)
    cli.kill('SIGTERM')
    await cli.seen(/SIGTERM: letting|-B is done/)
    await sleep(run % 4)
    cli.kill('SIGINT')
    const code = await cli.exit
    t.ok([0, 143].includes(Number(code)), `exit ${code} in:\n${cli.stderr}`)
    t.match(cli.stderr, /Uploaded \d+ files|SIGTERM: letting/)
  }
})

await t.test('a signal while the server does not answer at the start', async t => {
  const node = await TestNode.create(t)
  node.bucket.server.faults.add({ count: Infinity, fault: faults.silence() })
  const cli = new Cli(node.args(['-r', '-a']))
  await until(() => node.bucket.server.requests.length > 0)
  cli.kill('SIGTERM')
  const began = performance.now()
  t.equal(await cli.exit, 143)
  t.ok(performance.now() - began < 5_000)
})

await t.test('the secret is neither in ps nor in the log', async t => {
  const node = await TestNode.create(t, {
    credentials: [{ accessKeyId: 'testkey', secretAccessKey: 'S3cr3t+/=' }],
  })
  const common = ['--endpoint-url', node.bucket.server.endpoint, '-n', 'node1', 'bucket', node.data]
  for (const way of [['-sS3cr3t+/='], ['-ras', 'S3cr3t+/=']]) {
    const cli = new Cli(['-k', 'testkey', ...way, ...common])
    await cli.seen(/Watching/)
    const shown = readFileSync(`/proc/${cli.child.pid ?? 0}/cmdline`, 'utf8')
    t.notMatch(shown, /S3cr3t/, way.join(' '))
    t.match(shown, /tablesnap .*bucket/)
    cli.kill('SIGTERM')
    t.equal(await cli.exit, 143)
    t.notMatch(cli.stderr, /S3cr3t/)
  }
  const wrong = await node.backUp(['-s', 'Wr0ngS3cr3t'])
  t.equal(wrong.code, 1)
  t.notMatch(wrong.log, /Wr0ngS3cr3t/)
})

await t.test('every way to write a secret is hidden', t => {
  const hidden: Record<string, string> = {
    '-k key -s SECRET bucket': '-k key -s *** bucket',
    '-kkey -sSECRET -r': '-kkey -s*** -r',
    '-rasSECRET bucket': '-ras*** bucket',
    '-ras SECRET bucket': '-ras *** bucket',
    '-Bs SECRET': '-Bs ***',
    '-s=SECRET': '-s=***',
    '--aws-secret SECRET -r': '--aws-secret *** -r',
    '--aws-secret=SECRET': '--aws-secret=***',
    '--aws-token SECRET --aws-token=SECRET': '--aws-token *** --aws-token=***',
    '--secret SECRET --token=SECRET': '--secret *** --token=***',
    '-s -s bucket': '-s *** bucket',
    '--recursive --settle 100 bucket /path-s': '--recursive --settle 100 bucket /path-s',
  }
  for (const [given, shown] of Object.entries(hidden)) {
    t.equal(withoutSecrets(given.split(' ')).join(' '), shown)
  }
  t.end()
})

await t.test('json log lines parse, whatever the files are called', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  table.file('new\nline " \\ \u2028')
  const { code, log } = await node.run(['-v', '-B', '--log-format', 'json'], [table.path])
  t.equal(code, 0)
  const lines = log.trimEnd().split('\n')
  const parsed = lines.map(line => JSON.parse(line) as Record<string, unknown>)
  t.ok(parsed.every(line => typeof line['message'] === 'string' && typeof line['time'] === 'string'))
  t.match(parsed.at(-1), { level: 'info', uploaded: 1, failed: 0 })
  const [path] = table.paths()
  t.ok(parsed.some(line => line['path'] === path && line['key'] === node.key(path ?? '')))
  const wrong = await node.backUp(['--log-format', 'json', '-n', 'x'], [join(node.data, 'missing')])
  t.equal(wrong.code, 1)
  for (const line of wrong.log.trimEnd().split('\n')) t.type(JSON.parse(line), 'object')
})

await t.test('the daemon outlives its stderr', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  const cli = await node.watch(t)
  cli.child.stderr?.destroy()
  table.flush('nb-1-big')
  await node.arrived(table.paths().map(path => node.key(path)))
  t.equal(cli.child.exitCode, null)
  t.ok(readdirSync(`/proc/${cli.child.pid ?? 0}/fd`).length > 0)
  cli.kill('SIGTERM')
  t.equal(await cli.exit, 143)
})
