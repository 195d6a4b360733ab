import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { Table } from '../support/table.js'

/** The last line of a log without its time. */
function lastLine(log: string): string {
  return (log.trimEnd().split('\n').at(-1) ?? '').replace(/^[\d-]+ \S+ /, '')
}

async function runs(args: readonly string[]): Promise<{ code: number | string; last: string; cli: Cli }> {
  const cli = new Cli(args)
  const code = await cli.exit
  return { code, last: lastLine(cli.stderr), cli }
}

await t.test('credentials, region and clock', async t => {
  const node = await TestNode.create(t)
  node.table('t').file('f')
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  const cases = [
    [
      ['-s', 'wrong'],
      /^ERROR .*SignatureDoesNotMatch.*; the secret key does not fit the access key: check -s/,
    ],
    [['-k', 'nobody'], /^ERROR .*InvalidAccessKeyId.*; the server does not know this access key: check -k/],
    [['--aws-region', 'eu-west-1'], /^ERROR .*; bucket bucket is in us-east-1: use --aws-region us-east-1/],
  ] as const
  for (const [flags, pattern] of cases) {
    const { code, log } = await node.backUp(flags)
    t.equal(code, 1)
    t.match(lastLine(log), pattern)
  }
})

await t.test(
  "a clock that is an hour behind the server's is named, and -B signs with the server's time",
  async t => {
    const node = await TestNode.create(t, { now: () => Date.now() + 3_600_000 })
    const table = node.table().set('nb-1-big')
    const { code, log } = await node.run(['-r', '-B'])
    t.equal(code, 0, log)
    t.match(
      log,
      /WARNING this machine's clock is 60 min behind the server's: tablesnap signs requests with the server's/,
    )
    t.equal(log.match(/WARNING|ERROR/g)?.length, 1, 'it is said once for all threads')
    await node.same(t, table.paths())
  },
)

await t.test('paths', async t => {
  const node = await TestNode.create(t)
  const file = join(node.data, 'file')
  writeFileSync(file, 'x')
  const missing = join(node.data, 'missing')
  const daemon = await node.run(['-r', '-a'], [node.data, file])
  t.equal(daemon.code, 1)
  t.equal(lastLine(daemon.log), `ERROR ${file} is not a directory`)
  const first = await node.backUp([], [missing])
  t.equal(first.code, 1)
  t.equal(lastLine(first.log), `ERROR ${missing} does not exist: check the path`)
  const second = await node.backUp([], [node.data, file])
  t.equal(second.code, 1)
  t.equal(lastLine(second.log), `ERROR ${file} is not a directory`)
  t.same(node.bucket.server.requests, [], 'nothing is asked of the server before')
  const long = join(node.data, ...Array.from({ length: 5 }, () => 'd'.repeat(200)))
  mkdirSync(long, { recursive: true })
  writeFileSync(join(long, 'file'), 'x')
  new Table(long).set('nb-1-big')
  const tooLong = await node.backUp()
  t.equal(tooLong.code, 1)
  t.match(tooLong.log, /ERROR .*file cannot be backed up: its key has 1\d{3} bytes, S3 allows 1024/)
  t.match(tooLong.log, /Uploaded 1 file .* 9 failed/)
  const lines = tooLong.log.match(/ERROR Error uploading .*its key has/g)
  t.equal(lines?.length, 2, 'one line for the file, and one for the SSTable')
})

await t.test('no server, or none that answers like one', async t => {
  const node = await TestNode.create(t)
  const closed = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => closed.once('listening', resolve))
  const { port } = closed.address() as AddressInfo
  await new Promise(resolve => closed.close(resolve))
  const began = performance.now()
  const refused = await node.backUp(['--endpoint-url', `http://127.0.0.1:${port}`, '--retry-time', '0'])
  t.equal(refused.code, 1)
  t.match(
    lastLine(refused.log),
    /^ERROR HeadBucket: no answer from the server: .*ECONNREFUSED.*; nothing listens there: check --endpoint-url/,
  )
  t.ok(performance.now() - began < 20_000)

  const unknown = await node.backUp([
    '--endpoint-url',
    'http://tablesnap.invalid',
    ...['--retries', '0', '--retry-time', '0'],
  ])
  t.equal(unknown.code, 1)
  t.match(lastLine(unknown.log), /^ERROR HeadBucket: no answer from the server: .*(ENOTFOUND|EAI_AGAIN)/)

  node.bucket.server.faults.add({ count: Infinity, fault: faults.answer(403, 'AccessDenied') })
  const denied = await node.backUp()
  t.equal(denied.code, 1)
  t.match(lastLine(denied.log), /^ERROR .*AccessDenied.*; these credentials may not list bucket bucket/)
})

await t.test('a restore from a bucket that is not there', async t => {
  const node = await TestNode.create(t)
  const { code, log } = await node.run(['-D'])
  t.equal(code, 1)
  t.match(log, /ERROR ListObjectsV2: 404 NoSuchBucket; bucket bucket does not exist: check its name\n/)
})

await t.test('usage', async t => {
  const unknown = await runs(['--recursiv', 'bucket', '/tmp'])
  t.equal(unknown.code, 2)
  t.equal(
    unknown.cli.stderr,
    'tablesnap: unknown flag --recursiv; did you mean --recursive? See tablesnap --help\n',
  )
  const missing = await runs(['bucket'])
  t.equal(missing.code, 255)
  t.match(missing.cli.stdout, /Usage: tablesnap/)
  t.equal(missing.cli.stderr, 'tablesnap: the path is missing after the bucket: only bucket is given\n')
  const help = await runs(['--help'])
  t.equal(help.code, 0)
  t.equal(help.cli.stderr, '')
})
