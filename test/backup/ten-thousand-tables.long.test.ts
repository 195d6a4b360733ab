import { createHash } from 'node:crypto'

import t, { type Test } from 'tap'

import type { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'
import { RequestTally } from '../support/request-tally.js'
import { Table } from '../support/table.js'
import { peakMemory } from '../support/memory.js'

const TABLES = Number(process.env['TABLES'] ?? 10_000)

/** Tables that gain an SSTable after a restart. */
const FLUSHED = 10

/** Files of an SSTable. */
const FILES = 8

const MEBIBYTE = 2 ** 20

/** The most that each may take; seconds and MiB. */
const BOUNDS = { watching: 60, firstManifest: 120, covered: 1200, memory: 700 }

/** How long no request comes when a daemon has nothing to do any more, ms. */
const QUIET = 3000

await t.test(`${TABLES} tables`, async t => {
  const node = await TestNode.create(t, { etags: 'opaque' })
  const tables = Array.from({ length: TABLES }, (_, i) => new Table(`${node.data}/${nameOf(i)}`))
  for (const table of tables) {
    table.set('nb-1-big', { bytes: 200 })
    table.contents.clear()
  }

  await t.test('are all covered by a daemon that finds them', async t => {
    const tally = new RequestTally(node.bucket.server)
    const began = Date.now()
    const daemon = await watch(t, node, began)
    await until(
      () => tally.manifests.size >= TABLES,
      BOUNDS.covered * 1000,
      () => `${tally.manifests.size} tables have a manifest`,
    )
    report(t, tally, began, daemon)
    await end(t, daemon)
    tally.end()
    t.comment(tally.toString())
    t.equal(tally.counts.get('PutObject file'), TABLES * FILES, 'each file is sent once')
    t.notMatch(daemon.stderr, /WARNING|ERROR/, 'no warning')
  })

  await t.test('are in the bucket when the next daemon starts', async t => {
    const tally = new RequestTally(node.bucket.server)
    const began = Date.now()
    const daemon = await watch(t, node, began)
    for (let i = 0; i < FLUSHED; i += 1) tables[Math.floor((i * TABLES) / FLUSHED)]?.flush('nb-2-big')
    await until(
      () => tally.manifests.size >= FLUSHED,
      BOUNDS.covered * 1000,
      () => `${tally.manifests.size} of ${FLUSHED} tables have a new manifest`,
    )
    report(t, tally, began, daemon)
    await until(() => Date.now() - tally.latest > QUIET, BOUNDS.covered * 1000)
    t.comment(`quiet after ${seconds(tally.latest - began)}`)
    await end(t, daemon)
    tally.end()
    t.comment(tally.toString())
    t.equal(tally.counts.get('PutObject file'), FLUSHED * FILES, 'nothing is sent again')
    t.equal(tally.counts.get('PutObject manifest'), FLUSHED, 'nothing is written that says nothing new')
    const lists = tally.counts.get('ListObjectsV2 manifest') ?? 0
    t.ok(lists <= FLUSHED + Math.ceil(TABLES / 100), `${lists} LISTs of manifests`)
    t.notMatch(daemon.stderr, /WARNING|ERROR/, 'no warning')
  })
})

/** Keyspace and table, as Cassandra names its directory. */
function nameOf(index: number): string {
  const id = createHash('md5').update(String(index)).digest('hex')
  return `ks${index % 20}/t${index}-${id}`
}

async function watch(t: Test, node: TestNode, began: number): Promise<Cli> {
  const daemon = await node.watch(t, ['-r', '-a', '-B', '--watch'])
  const watching = Date.now() - began
  t.comment(`watching after ${seconds(watching)}`)
  t.ok(watching < BOUNDS.watching * 1000, 'time until it watches')
  return daemon
}

function report(t: Test, tally: RequestTally, began: number, { child: { pid = 0 } }: Cli): void {
  const times = [...tally.manifests.values()].map(time => time - began)
  const first = times.reduce((a, b) => Math.min(a, b))
  const last = times.reduce((a, b) => Math.max(a, b))
  const memory = peakMemory(pid) ?? NaN
  t.comment(`first manifest after ${seconds(first)}, all ${times.length} after ${seconds(last)}`)
  t.comment(`at most ${Math.round(memory / MEBIBYTE)} MiB`)
  t.ok(first < BOUNDS.firstManifest * 1000, 'time until the first manifest')
  t.ok(last < BOUNDS.covered * 1000, 'time until all tables are covered')
  t.ok(memory < BOUNDS.memory * MEBIBYTE, 'memory')
}

async function end(t: Test, daemon: Cli): Promise<void> {
  const began = Date.now()
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
  t.comment(`ended after ${seconds(Date.now() - began)}`)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
