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
const RUNS = 3

/** The most memory that a process had, MiB; undefined once it is gone. */
function peak(pid: number): number | undefined {
  const bytes = peakMemory(pid)
  return bytes === undefined ? undefined : bytes / 2 ** 20
}

await t.test('the memory of an upload does not grow with the file', { timeout: 1_800_000 }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tablesnap-memory-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const sink = fork(fileURLToPath(new URL('./sink.js', import.meta.url)))
  t.teardown(async () => {
    sink.disconnect()
    await once(sink, 'exit')
  })
  const [endpoint] = (await once(sink, 'message')) as [string]
  const medians: number[] = []
  for (const size of [2, 20]) {
    const source = join(directory, String(size))
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'x')
    truncateSync(join(source, 'file'), size * 1024 * MEBIBYTE)
    const peaks: number[] = []
    for (let run = 0; run < RUNS; run++) {
      const cli = new Cli([
        ...['-k', 'testkey', '-s', 'testsecret', '--endpoint-url', endpoint, '-n', 'node1'],
        ...['-B', 'bucket', source],
      ])
      let most = 0
      const watch = setInterval(() => (most = Math.max(most, peak(cli.child.pid ?? 0) ?? 0)), 20)
      t.equal(await cli.exit, 0, cli.stderr)
      clearInterval(watch)
      peaks.push(most)
    }
    const median = peaks.toSorted((a, b) => a - b)[1] ?? 0
    t.ok(median > 0 && median <= 160, `${size} GiB: ${peaks.map(Math.round).join(', ')} MiB`)
    medians.push(median)
  }
  const [small = 0, large = 0] = medians
  // Heaps grow over thousands of parts: 12 to 20 MiB were seen.
  t.ok(Math.abs(large - small) <= 24, `${Math.round(large - small)} MiB more`)
})
