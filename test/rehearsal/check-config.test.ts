import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { start } from '../../src/cli/options.js'
import type { Finding } from '../../src/rehearsal/finding.js'
import { rehearse } from '../../src/rehearsal/rehearse.js'
import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

/** What a check of a run with these arguments finds, within this process. */
async function check(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ findings: Finding[]; failures: string[] }> {
  const begun = start(['--check-config', ...args], { env, cwd: '/', home: undefined })
  if (begun.action !== 'run') throw new Error('that is no run')
  const findings = await rehearse(begun, env)
  return { findings, failures: findings.filter(one => one.level === 'failure').map(one => one.message) }
}

async function nodeWithBucket(...args: Parameters<typeof TestNode.create>): Promise<TestNode> {
  const node = await TestNode.create(...args)
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  node.table().set('nb-1-big').set('nb-2-big')
  return node
}

await t.test('--check-config of a run that works says so, sends one LIST, and shows no secret', async t => {
  const node = await nodeWithBucket(t)
  const before = node.bucket.server.requests.length
  const conf = join(node.bucket.directory, 'test.conf')
  writeFileSync(conf, '[tablesnap]\nthreads = 3\naws_key = testkey\naws_secret = testsecret\n', {
    mode: 0o600,
  })
  const cli = new Cli(
    [
      ...['--check-config', '-r', '-a', '-n', 'node1', '--endpoint-url', node.bucket.server.endpoint],
      ...['bucket', node.data],
    ],
    { env: { TABLESNAP_CONF: conf, AWS_REGION: 'us-east-1', AWS_SESSION_TOKEN: 'not-for-eyes' } },
  )
  t.equal(await cli.exit, 0, cli.stdout)
  const { stdout } = cli
  t.match(stdout, `A run would watch, and upload new SSTables (bucket bucket: ${node.data}).`)
  t.match(stdout, new RegExp(`^ {2}threads +3 +${conf}:2$`, 'm'))
  t.match(stdout, new RegExp(`^ {2}aws_secret +\\(not shown\\) +${conf}:4$`, 'm'))
  t.match(stdout, /^ {2}aws_region +us-east-1 +environment AWS_REGION$/m)
  t.match(stdout, /^ {2}recursive +true +command line$/m)
  t.match(stdout, /^ {2}retries +5$/m)
  // Lines are broken for the width of a terminal.
  const unbroken = stdout.replace(/\n {8,}/g, ' ')
  t.match(unbroken, `  ok    access key te… from ${conf}:3`)
  t.match(unbroken, /: 3 directories, 2 SSTables/)
  t.match(stdout, /^A run would work\./m)
  t.notMatch(stdout + cli.stderr, /testsecret|testkey|not-for-eyes/)
  const sent = node.bucket.server.requests.slice(before)
  t.same(
    sent.map(({ operation, status }) => `${operation} ${status}`),
    ['ListObjectsV2 200'],
  )
})

await t.test('--check-config --json has the settings and the findings with numbers', async t => {
  const node = await nodeWithBucket(t)
  const cli = new Cli(node.args(['--check-config', '--json', '-r', '-B']))
  t.equal(await cli.exit, 0, cli.stdout)
  const report = JSON.parse(cli.stdout) as {
    works: boolean
    settings: { key: string; value: string | null; from: string }[]
    findings: Finding[]
  }
  t.equal(report.works, true)
  t.same(
    report.settings.find(({ key }) => key === 'aws_secret'),
    { key: 'aws_secret', value: '(not shown)', from: 'command line' },
  )
  const watches = report.findings.find(({ area }) => area === 'inotify')
  t.equal(watches?.fields['needed'], 3)
  t.equal(typeof watches?.fields['limit'], 'number')
  t.notMatch(cli.stdout, /testsecret/)
})

await t.test('--check-config names what would keep a run from working, and how to mend it', async t => {
  const node = await nodeWithBucket(t)
  const secret = await check(node.args(['-r', '-a', '-s', 'wrong']))
  t.match(secret.failures, [/SignatureDoesNotMatch.*; the secret key does not fit the access key: check -s/])
  const key = await check(node.args(['-r', '-a', '-k', 'nobody']))
  t.match(key.failures, [/InvalidAccessKeyId/])
  const silent = await check(node.args(['-r', '-a', '--endpoint-url', 'http://127.0.0.1:9']))
  t.match(silent.failures, [/ECONNREFUSED.*check --endpoint-url/])
  const missing = join(node.data, 'missing')
  const path = await check(node.args(['-r', '-a'], [node.data, missing]))
  t.same(path.failures, [`${missing} does not exist: check the path, or wait for it with --wait-for-paths`])
  const patient = await check(node.args(['-r', '-a', '--wait-for-paths'], [missing]))
  t.same(patient.failures, [])
  const home = t.testdir()
  const none = await check(['-r', '-a', '-n', 'node1', 'bucket', node.data], { HOME: home })
  t.match(none.failures, [/^no credentials: give -k and -s/])
})

await t.test('--check-config says that a run would create a bucket that is not there', async t => {
  const node = await TestNode.create(t)
  const backup = await check(node.args(['-r', '-B']))
  t.same(backup.failures, [])
  t.match(
    backup.findings.find(({ area }) => area === 'Bucket')?.message,
    /^bucket bucket does not exist: a run would create it/,
  )
  const restore = await check(node.args(['-D'], [node.data]))
  t.match(restore.failures, [/NoSuchBucket.*check its name/])
  await t.rejects(node.bucket.client.call({ operation: 'HeadBucket', method: 'HEAD' }), { message: /404/ })
})

await t.test('--check-config says by how much the clock is wrong', async t => {
  const node = await nodeWithBucket(t)
  const late = await TestNode.create(t, { now: () => Date.now() + 600_000 })
  const right = await check(node.args(['-r', '-B']))
  const wrong = await check(late.args(['-r', '-B']))
  t.match(right.findings.find(({ area }) => area === 'Clock')?.level, 'ok')
  t.match(wrong.findings.find(({ area }) => area === 'Clock')?.message, /clock is 10 min behind the server's/)
})
