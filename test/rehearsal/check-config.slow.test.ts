import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import type { Finding } from '../../src/rehearsal/finding.js'
import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

async function nodeWithBucket(...args: Parameters<typeof TestNode.create>): Promise<TestNode> {
  const node = await TestNode.create(...args)
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  node.table().set('nb-1-big').set('nb-2-big')
  return node
}

await t.test(
  '--check-config names a directory that the user may not read',
  { skip: process.getuid?.() === 0 ? false : 'needs root' },
  async t => {
    const node = await nodeWithBucket(t)
    chmodSync(node.bucket.directory, 0o755)
    const closed = join(node.data, 'ks/closed')
    mkdirSync(closed, { mode: 0o700 })
    const cli = new Cli(node.args(['--check-config', '--json', '-r', '-B']), { uid: 65534 })
    t.equal(await cli.exit, 1)
    const { findings } = JSON.parse(cli.stdout) as { findings: Finding[] }
    const failures = findings.filter(({ level }) => level === 'failure').map(({ message }) => message)
    t.match(failures, [/EACCES.*ks\/closed.*: run tablesnap as Cassandra's user or root/])
  },
)

await t.test('--check-config names the AWS profile that gives the credentials and the region', async t => {
  const node = await nodeWithBucket(t)
  const home = t.testdir({
    '.aws': {
      credentials: '[backup]\naws_access_key_id = testkey\naws_secret_access_key = testsecret\n',
      config: '[profile backup]\nregion = us-east-1\n',
    },
  })
  const cli = new Cli(
    [
      ...['--check-config', '-r', '-B', '-n', 'node1', '--endpoint-url', node.bucket.server.endpoint],
      ...['bucket', node.data],
    ],
    { env: { HOME: home, AWS_PROFILE: 'backup', AWS_EC2_METADATA_DISABLED: 'true' } },
  )
  t.equal(await cli.exit, 0, cli.stdout)
  t.match(cli.stdout, new RegExp(`^ {2}aws_region +us-east-1 +${home}/.aws/config:2$`, 'm'))
  t.match(cli.stdout.replace(/\n +/g, ' '), `access key te… from profile backup in ${home}/.aws`)
  t.notMatch(cli.stdout, /testsecret/)
})
