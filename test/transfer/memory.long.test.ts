import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { peakMemory } from '../support/memory.js'

const MEBIBYTE = 1024 * 1024

await t.test('a file of 2 GiB goes up and comes down in little memory', { timeout: 600_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tablesnap-memory-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)), [join(directory, 's3')])
  t.teardown(async () => {
    server.disconnect()
    await once(server, 'exit')
  })
  const [endpoint] = (await once(server, 'message')) as [string]
  const source = join(directory, 'source')
  mkdirSync(source)
  const file = join(source, 'file')
  writeFileSync(file, 'x')
  truncateSync(file, 2048 * MEBIBYTE)

  const flags = ['-k', 'testkey', '-s', 'testsecret', '--endpoint-url', endpoint, '-n', 'node1']
  const target = join(directory, 'target')
  mkdirSync(target)
  for (const [mode, path, limit] of [
    ['-B', source, 200],
    ['-D', target, 256],
  ] as const) {
    const run = new Cli([...flags, mode, 'bucket', path])
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, peakMemory(run.child.pid ?? 0) ?? 0)), 20)
    const code = await run.exit
    clearInterval(watch)
    t.equal(code, 0, run.stderr)
    t.ok(most > 0 && most < limit * MEBIBYTE, `${mode}: ${Math.round(most / MEBIBYTE)} MiB`)
  }
})
