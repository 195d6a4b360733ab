import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { TestNode } from '../support/node.js'

const BINARY = fileURLToPath(new URL('../../bin/tablesnap.js', import.meta.url))

await t.test('a backup that may open too few files is refused in one line', async t => {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big')
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, BINARY, ...node.args(['-r', '-B'])],
    { env: { PATH: process.env['PATH'], HOME: '/nonexistent' }, encoding: 'utf8' },
  )
  t.equal(status, 1, stderr)
  const errors = stderr.split('\n').filter(line => line.includes('ERROR'))
  t.equal(errors.length, 1)
  t.match(errors[0], /may open 64 files at once, and a backup needs 96: raise its limit/)
})
