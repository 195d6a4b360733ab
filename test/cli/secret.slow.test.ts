import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { expectNoSecret, secretsIn } from '../support/secret.js'
import { askStatus, WatchedStatus } from '../support/watched-status.js'

const SECRET = 'testsecret'

await t.test('the secret is recognised as it is, in base64 and in hex', t => {
  t.same(secretsIn('all is well'), [])
  for (const text of [
    `-s ${SECRET}`,
    encodeURIComponent(`x=${SECRET}`),
    JSON.stringify({ secret: SECRET }),
    Buffer.from(`user:${SECRET}`).toString('base64'),
    Buffer.from(`k:${SECRET}:more`).toString('base64'),
    Buffer.from(`key=${SECRET}`).toString('base64url'),
    Buffer.from(SECRET).toString('hex'),
  ])
    t.ok(secretsIn(text).length > 0, text)
  t.throws(() => expectNoSecret(`a line with ${SECRET}`, 'stderr'), /stderr shows the secret key/)
  t.end()
})

/** Everything that a process shows to others on the machine: its command line and its name. */
function shown(pid: number): string {
  return ['cmdline', 'comm', 'status'].map(name => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\n')
}

await t.test('a daemon shows its secret in no log, page, metric, status, process list or object', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big')
  const watched = await WatchedStatus.start(t, node, ['-v'])
  table.flush('nb-2-big')
  await watched.when(({ isProtected, protected: { sstables } }) => isProtected && sstables === 2)
  for (const path of ['/', '/metrics', '/status.json', '/healthz', '/nothing?secret']) await watched.get(path)
  const { pid = 0 } = watched.daemon.child
  t.match(shown(pid), /tablesnap.*-s\0? ?\*\*\*/s)
  expectNoSecret(shown(pid), '/proc')
  const status = await askStatus(['--json'])
  t.match(status.text, /"isProtected":true/)
  watched.daemon.kill('SIGUSR1')
  watched.daemon.kill('SIGUSR2')
  await watched.daemon.seen(/Status:/)
  watched.daemon.kill('SIGTERM')
  t.equal(await watched.daemon.exit, 143)
  const bucket = join(node.bucket.directory, 's3')
  let files = 0
  for (const entry of readdirSync(bucket, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    files++
    expectNoSecret(readFileSync(join(entry.parentPath, entry.name), 'latin1'), entry.name)
  }
  t.ok(files > 0, `${files} files of the bucket`)
})

await t.test(
  'no failure shows the secret: a wrong key, a wrong flag, a server that answers nonsense',
  async t => {
    const node = await TestNode.create(t)
    node.table().set('nb-1-big')
    const runs = [
      [...node.args(['-v', '-r', '-B']), '-k', 'nobody'],
      [...node.args(['-v', '-r', '-B', '--log-format', 'json']), '--aws-region', 'eu-west-1'],
      node.args(['-r', '-B', '--nonsense']),
      [
        '-k',
        'testkey',
        `-s${SECRET}x`,
        '--endpoint-url',
        node.bucket.server.endpoint,
        '-v',
        '-r',
        '-B',
        'bucket',
        node.data,
      ],
      [`--aws-secret-key=${SECRET}`, 'bucket', node.data],
      ['-s', SECRET, 'bucket', node.data],
      ['-k', '', '-s', SECRET, 'bucket', node.data],
      ['--endpoint-url', `http://testkey:${SECRET}@127.0.0.1:9`, 'bucket', node.data],
      node.args(['--check-config', '-r', '-a']),
      node.args(['--check-config', '--json', '-r', '-a']),
    ]
    for (const args of runs) {
      const cli = new Cli(args)
      await cli.exit
      t.ok(cli.stdout.length + cli.stderr.length > 0)
    }
  },
)

await t.test('a report that Node.js writes has no secret: there is none where it would have one', async t => {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big')
  const conf = join(node.bucket.directory, 'test.conf')
  writeFileSync(conf, `[tablesnap]\naws_key = testkey\naws_secret = ${SECRET}\n`, { mode: 0o600 })
  const plain = ['-n', 'node1', '--endpoint-url', node.bucket.server.endpoint]
  const cases = [
    { args: ['-k', 'testkey', '-s', SECRET], env: {}, reports: 0 },
    { args: [], env: { AWS_ACCESS_KEY_ID: 'testkey', AWS_SECRET_ACCESS_KEY: SECRET }, reports: 0 },
    { args: [], env: { TABLESNAP_CONF: conf }, reports: 1 },
  ]
  for (const { args, env, reports } of cases) {
    const folder = mkdtempSync(join(node.bucket.directory, 'reports-'))
    const daemon = new Cli([...args, ...plain, '-r', '-a', 'bucket', node.data], {
      env,
      nodeOptions: `--report-on-signal --report-signal=SIGWINCH --report-directory=${folder}`,
    })
    await daemon.seen(/Watching/)
    daemon.kill('SIGWINCH')
    if (reports > 0) await daemon.seen(/Node.js report completed/)
    daemon.kill('SIGTERM')
    t.equal(await daemon.exit, 143)
    const texts = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
    t.equal(texts.length, reports)
    for (const text of texts) expectNoSecret(text, 'the report')
  }
})
