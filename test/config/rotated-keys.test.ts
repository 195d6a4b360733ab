import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { errorAnswer, unfaithful } from '../support/unfaithful.js'

const KEYS = ['one', 'two'].map(token => ({
  accessKeyId: `key-${token}`,
  secretAccessKey: 'testsecret',
  sessionToken: token,
}))

await t.test('a daemon goes on with the keys that a rotator writes, when its own have ended', async t => {
  const node = await TestNode.create(t, { credentials: KEYS })
  let valid = 'one'
  let refused = 0
  const endpoint = await unfaithful(t, node.bucket.server.endpoint, {
    request: ({ method, headers }) => {
      if (headers['x-amz-security-token'] === valid) return undefined
      refused++
      return method === 'HEAD'
        ? { status: 400, headers: {}, body: Buffer.alloc(0) }
        : errorAnswer(400, 'ExpiredToken')
    },
  })
  const home = t.testdir({ '.aws': {} })
  const rotate = (token: string): void => {
    const file = join(home, '.aws/credentials')
    const lines = [`aws_access_key_id = key-${token}`, 'aws_secret_access_key = testsecret']
    writeFileSync(`${file}.new`, ['[default]', ...lines, `aws_session_token = ${token}`, ''].join('\n'))
    renameSync(`${file}.new`, file)
  }
  rotate('one')
  const table = node.table('ks/t')
  const args = ['-n', 'node1', '--endpoint-url', endpoint, '--settle', '100', '-r', '-a', '-B', '--watch']
  const daemon = new Cli([...args, node.bucket.bucket, node.data], {
    env: { HOME: home, AWS_EC2_METADATA_DISABLED: 'true' },
  })
  t.teardown(async () => {
    daemon.kill('SIGKILL')
    await daemon.exit
  })
  await daemon.seen(/Watching/)
  mkdirSync(join(node.data, 'ks'), { recursive: true })
  table.flush('nb-1-big')
  await node.arrived([node.key(join(table.path, 'nb-1-big-Data.db'))])
  rotate('two')
  valid = 'two'
  table.flush('nb-2-big')
  await node.arrived(
    table.paths().map(path => node.key(path)),
    30_000,
  )
  t.ok(refused < 300, `${refused} requests with the old keys`)
})
