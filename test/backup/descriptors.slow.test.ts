import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { Cli } from '../support/cli.js'
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

await t.test(
  'many threads need more files, and a backup that may open as many as it asks for ends well',
  async t => {
    const node = await TestNode.create(t)
    const table = node.table()
    for (let n = 1; n <= 60; n++) table.set(`nb-${n}-big`)
    const run = async (files: number) => {
      const wrapper = ['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh']
      const cli = new Cli(node.args(['-r', '-B', '-t', '24']), { wrapper })
      return { code: await cli.exit, log: cli.stderr }
    }
    const refused = await run(256)
    t.equal(refused.code, 1)
    const [, needed] =
      /may open 256 files at once, and a backup needs (\d+) with 24 threads \(-t\)/.exec(refused.log) ?? []
    const { code, log } = await run(Number(needed))
    t.equal(code, 0, log)
    t.notMatch(log, /ERROR/)
  },
)
