import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { Cli } from '../support/cli.js'

const MEBIBYTE = 1024 * 1024

/** Bytes that a process has written, to sockets as well; undefined once it is gone. */
function written(pid: number): number | undefined {
  try {
    return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

await t.test('--max-rate 20MiB: every 10 seconds within 10 %', { timeout: 300_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tablesnap-rate-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const server = fork(fileURLToPath(new URL('./server.js', import.meta.url)), [join(directory, 's3')])
  t.teardown(async () => {
    server.disconnect()
    await once(server, 'exit')
  })
  const [endpoint] = (await once(server, 'message')) as [string]
  const source = join(directory, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'file'), 'x')
  truncateSync(join(source, 'file'), 600 * MEBIBYTE)

  const flags = ['-k', 'testkey', '-s', 'testsecret', '--endpoint-url', endpoint, '-n', 'node1']
  const run = new Cli([...flags, '--max-rate', '20MiB', '-v', '-B', 'bucket', source])
  await run.seen(/Uploading/)
  const samples: { at: number; bytes: number }[] = []
  for (;;) {
    const bytes = written(run.child.pid ?? 0)
    if (bytes === undefined || run.child.exitCode !== null) break
    samples.push({ at: performance.now(), bytes })
    await sleep(500)
  }
  t.equal(await run.exit, 0, run.stderr)
  const windows = samples.flatMap((from, i) => {
    const to = samples.find(({ at }) => at >= from.at + 10_000)
    // Neither the start nor the end of the process.
    if (i < 2 || to === undefined || samples.indexOf(to) > samples.length - 3) return []
    return [(to.bytes - from.bytes) / MEBIBYTE / ((to.at - from.at) / 1000)]
  })
  t.ok(windows.length > 20)
  t.ok(Math.min(...windows) > 18, `${Math.min(...windows).toFixed(2)} MiB/s at least`)
  t.ok(Math.max(...windows) < 22, `${Math.max(...windows).toFixed(2)} MiB/s at most`)
})
