import { join } from 'node:path'

import t, { type Test } from 'tap'

import { Directory } from '../../src/backup/directory.js'
import { Listings } from '../../src/backup/listings.js'
import { start } from '../../src/cli/options.js'
import type { Config } from '../../src/config/config.js'
import { faults } from '../../src/local-s3/fault.js'
import { KnownObjects } from '../../src/plan/known.js'
import { createLogger } from '../../src/report/log.js'
import { KeyLayout } from '../../src/state/keys.js'
import { listingOf, writeListing } from '../../src/state/listing.js'
import { identify } from '../../src/backup/found.js'
import { TestNode, until } from '../support/node.js'
import type { Table } from '../support/table.js'

interface Bench {
  readonly node: TestNode
  readonly table: Table
  readonly directory: Directory
  readonly listings: Listings
  readonly keys: KeyLayout
  readonly config: Config
  readonly log: string[]
  /** PUTs of listings. */
  readonly written: () => number
}

async function bench(t: Test, flags: readonly string[] = ['-r']): Promise<Bench> {
  const node = await TestNode.create(t)
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  const table = node.table('ks/t').set('nb-1-big').set('nb-2-big')
  const begun = start(node.args(flags), { env: {}, cwd: '/', home: undefined })
  if (begun.action !== 'run') throw new Error('no run')
  const { config } = begun
  const directory = new Directory(table.path, () => true)
  for (const name of table.names()) {
    const unit = directory.unitOf(name)
    unit.names.add(name)
    unit.state = 'done'
    unit.durable.set(name, identify(join(table.path, name))!)
  }
  const log: string[] = []
  const keys = new KeyLayout('', 'node1', ':')
  const listings = new Listings({
    config,
    client: node.bucket.client,
    keys,
    log: createLogger('text', line => log.push(line)),
    onProblem: (path, message) => log.push(`${path}: ${message}`),
  })
  const written = () =>
    node.bucket.server.requests.filter(({ method, key }) => method === 'PUT' && key.endsWith('-listdir.json'))
      .length
  return { node, table, directory, listings, keys, config, log, written }
}

await t.test('nothing is written while the disk is ahead of what is known', async t => {
  const { node, table, directory, listings, written } = await bench(t)
  const all = table.names()
  table.delete('nb-1-big')
  listings.changed(directory)
  listings.quiet(directory)
  await listings.flush()
  t.equal(written(), 0)
  t.ok(directory.stale)
  directory.units.delete('nb-1-big')
  listings.quiet(directory)
  await listings.flush()
  t.equal(written(), 1)
  t.same((await node.listing(table.path))?.names, table.names())
  t.not(all.length, table.names().length)
})

await t.test('only what is news is written, and a directory at most every 1.1 s', async t => {
  const { directory, listings, written } = await bench(t)
  listings.quiet(directory)
  await listings.flush()
  t.equal(written(), 0, 'nothing has become durable')
  listings.changed(directory)
  listings.quiet(directory)
  await until(() => written() === 1)
  const began = performance.now()
  listings.changed(directory)
  listings.quiet(directory)
  listings.quiet(directory)
  await listings.flush()
  t.equal(written(), 2)
  t.ok(performance.now() - began > 900)
})

await t.test('a listing that is the newest already is not written again', async t => {
  const { node, table, directory, listings, keys, config, written } = await bench(t)
  const { client } = node.bucket
  const listing = listingOf(keys, table.path, 'nb-2-big-Data.db', [...table.names()].reverse())
  await writeListing(client, listing, config.object)
  const known = new KnownObjects()
  await known.load(client, keys, node.data)
  listings.known = known
  listings.changed(directory)
  listings.quiet(directory)
  await listings.flush()
  t.equal(written(), 1)
  directory.units.delete('nb-1-big')
  table.delete('nb-1-big')
  listings.changed(directory)
  listings.quiet(directory)
  await listings.flush()
  t.equal(written(), 2, 'a new one is')
})

await t.test('a failure is told once in a one-shot backup, and made good by a daemon', async t => {
  for (const [flags, tries] of [
    [['-r', '-B'], 1],
    [['-r'], 2],
  ] as const) {
    const { node, directory, listings, written, log } = await bench(t, flags)
    node.bucket.server.faults.add({ key: /listdir/, fault: faults.answer(403, 'AccessDenied') })
    listings.changed(directory)
    listings.quiet(directory)
    await until(() => listings.failed.size === 1)
    if (tries === 2) await until(() => listings.failed.size === 0)
    await listings.flush()
    t.equal(written(), tries)
    t.equal(listings.failed.size, tries === 1 ? 1 : 0)
    t.match(log.join(''), /ERROR Error writing the listing of .*ks\/t: PutObject: 403/)
  }
})

await t.test('a directory that is gone gets no listing and no error', async t => {
  const { directory, listings, written, log } = await bench(t)
  listings.changed(directory)
  directory.lost = true
  listings.quiet(directory)
  await listings.flush()
  t.equal(written(), 0)
  t.same(log, [])
})
