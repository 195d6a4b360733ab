import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { resident, warm, writeCold } from '../support/page-cache.js'

const MEBIBYTE = 1024 * 1024

await t.test('the upload of a cold 1 GiB leaves the page cache as it was', { timeout: 600_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tablesnap-cache-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)), [join(directory, 's3')])
  t.teardown(async () => {
    server.disconnect()
    await once(server, 'exit')
  })
  const [endpoint] = (await once(server, 'message')) as [string]
  const upload = async (name: string) => {
    const run = new Cli([
      ...['-k', 'testkey', '-s', 'testsecret', '--endpoint-url', endpoint, '-n', 'node1'],
      ...['-B', 'bucket', join(directory, name)],
    ])
    t.equal(await run.exit, 0, run.stderr)
  }
  for (const name of ['cold', 'mixed']) {
    const path = join(directory, name, 'file')
    mkdirSync(join(directory, name))
    writeCold(path, 1024 * MEBIBYTE)
    if (name === 'mixed') {
      warm(path, 50 * MEBIBYTE, 10 * MEBIBYTE)
      warm(path, 500 * MEBIBYTE, 100 * MEBIBYTE)
    }
    const before = resident(path)
    await upload(name)
    const more = resident(path) - before
    t.ok(more >= 0 && more <= 32 * MEBIBYTE, `${name}: ${before} bytes before, ${more} more after`)
    if (name === 'mixed') {
      t.equal(resident(path, 50 * MEBIBYTE, 10 * MEBIBYTE), 10 * MEBIBYTE)
      t.equal(resident(path, 500 * MEBIBYTE, 100 * MEBIBYTE), 100 * MEBIBYTE)
    }
  }
})
