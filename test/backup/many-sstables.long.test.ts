import { join } from 'node:path'

import t from 'tap'

import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'
import { peakMemory } from '../support/memory.js'

const SETS = 5_000
const MEBIBYTE = 2 ** 20

/** A run to its end, with the most memory that it held, bytes. */
async function measured(
  args: readonly string[],
): Promise<{ code: number | string; log: string; memory: number; seconds: number }> {
  const began = performance.now()
  const cli = new Cli(args)
  let memory = 0
  const timer = setInterval(() => {
    memory = Math.max(memory, peakMemory(cli.child.pid ?? 0) ?? 0)
  }, 50)
  const code = await cli.exit
  clearInterval(timer)
  return { code, log: cli.stderr, memory, seconds: (performance.now() - began) / 1000 }
}

await t.test('a table of 5,000 sets', async t => {
  const node = await TestNode.create(t, { etags: 'opaque' })
  const table = node.table()
  for (let generation = 1; generation <= SETS; generation++) table.set(`nb-${generation}-big`, { bytes: 500 })
  table.contents.clear()
  const first = await measured(node.args(['-r', '-B']))
  t.equal(first.code, 0, first.log.slice(-1000))
  t.match(first.log, new RegExp(`Uploaded ${SETS * 8} files .* 0 failed`))
  t.comment(`first: ${first.seconds.toFixed(1)} s, ${Math.round(first.memory / MEBIBYTE)} MiB`)
  t.ok(first.memory < 400 * MEBIBYTE)
  t.same((await node.listing(table.path))?.names, table.names())

  const second = await measured(node.args(['-r', '-B']))
  t.equal(second.code, 0)
  t.match(second.log, new RegExp(`Uploaded 0 files .* ${SETS * 8} were there already`))
  t.comment(`second: ${second.seconds.toFixed(1)} s, ${Math.round(second.memory / MEBIBYTE)} MiB`)
  t.ok(second.seconds < 30)
  t.ok(second.memory < 300 * MEBIBYTE)

  const gone = await measured(node.args(['-r', '-B', '--delete-on-backup']))
  t.equal(gone.code, 0)
  t.comment(`delete: ${gone.seconds.toFixed(1)} s, ${Math.round(gone.memory / MEBIBYTE)} MiB`)
  t.same(table.names(), [])
  t.equal((await node.listing(table.path))?.names.length, SETS * 8)
  t.ok((await node.body(node.key(join(table.path, 'nb-4711-big-Data.db')))).length === 500)
})

await t.test('a daemon in the face of it', async t => {
  const node = await TestNode.create(t, { etags: 'opaque' })
  const table = node.table()
  for (let generation = 1; generation <= SETS; generation++) table.set(`nb-${generation}-big`, { bytes: 500 })
  table.contents.clear()
  const began = performance.now()
  const daemon = await node.watch(t)
  t.comment(`watching after ${Math.round(performance.now() - began)} ms`)
  t.ok(performance.now() - began < 10_000)
  table.flush('nb-9001-big')
  await node.listed(table.path, table.names(), 60_000)
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
})
