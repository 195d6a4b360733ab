import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { BenchRun } from './support.js'

const bench = new BenchRun(t.testdir())

await t.test('a signal ends it, and nothing is left', async t => {
  const work = join(bench.folder, 'work')
  mkdirSync(work)
  const child = bench.spawn([
    'upload',
    '--size',
    '32MiB',
    '--runs',
    '1000',
    '--peers',
    'none',
    '--work',
    work,
  ])
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.once('data', () => child.kill('SIGTERM'))
  t.same(await once(child, 'close'), [130, null])
  t.match(said, /interrupted\n$/)
  t.same(readdirSync(work), [])
})

await t.test('what cannot be is said in a line', async t => {
  await t.rejects(bench.run(['no-such-scenario']), {
    code: 1,
    stderr: /^no scenario no-such-scenario; there are /,
  })
  await t.rejects(bench.run(['upload', '--size', '900000GiB']), { code: 1, stderr: /MiB are needed/ })
})
