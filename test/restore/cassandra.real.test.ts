import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import type { Bucket } from '../support/real/bucket.js'
import { Cassandra } from '../support/real/cassandra.js'
import { bucketOf, gateway, temporaryDirectory } from '../support/real/place.js'
import { Rows } from '../support/real/rows.js'
import { Tablesnap } from '../support/real/tablesnap.js'
import { digests, files } from '../support/real/tree.js'

const version = process.env['CASSANDRA_VERSION'] ?? '5.0.9'
const format = process.env['CASSANDRA_FORMAT'] ?? ''
const inserted = 20_000
const deleted = 500

await t.test(`a node of Cassandra ${version} ${format} loses its files and gets every row back`, async t => {
  const server = await gateway(t)
  const bucket = bucketOf(server, 'backup')
  const work = temporaryDirectory(t)
  const home = join(work, 'cassandra')
  const node = await Cassandra.create({ home, version, format: format === '' ? undefined : format })
  await node.start()
  t.teardown(() => node.kill())
  const tablesnap = new Tablesnap(server, join(work, 'tablesnap'))
  const daemon = await tablesnap.start('-r', '-a', '-B', '--watch', 'backup', node.dataDirectory)

  const rows = await Rows.connect({ contact: node.contact, keyspace: 'ks', table: 't' })
  await rows.create()
  await rows.insert(0, inserted / 2)
  await node.nodetool('flush', 'ks', 't')
  await rows.insert(inserted / 2, inserted)
  await rows.delete(0, deleted)
  await node.nodetool('flush', 'ks', 't')
  const table = node.tableDirectory('ks', 't')
  await daemon.until('the flushed table in the bucket', 120_000, () => listed(bucket, table))
  await node.nodetool('compact', 'ks', 't')
  await rows.insert(inserted, inserted + 1000)
  const last = inserted + 1000
  await node.nodetool('flush', 'ks', 't')
  const expected = { intact: last - deleted, wrong: 0, foreign: 0 }
  t.same(await rows.check(deleted, last), expected, 'all rows are there before the loss')
  await rows.close()

  await node.stop()
  await daemon.until('the compacted table in the bucket', 120_000, () => listed(bucket, table))
  await daemon.until('all files in the bucket', 120_000, () => stored(bucket, node.dataDirectory))
  t.same(await daemon.stop(), { code: 143, signal: null }, 'the daemon ends after a drained SIGTERM')
  const before = await digests(table)
  t.ok(before.size > 0, 'the table has files')

  const restored = async (what: string): Promise<void> => {
    await tablesnap.succeed('-D', 'backup', '/')
    t.same(await digests(table), before, `${what}: the table's files are what they were`)
    await node.start()
    const again = await Rows.connect({ contact: node.contact, keyspace: 'ks', table: 't' })
    t.same(await again.check(deleted, last), expected, `${what}: every row is back, and no deleted one`)
    await again.close()
    await node.stop()
  }

  for (const name of readdirSync(table)) rmSync(join(table, name), { recursive: true })
  rmSync(node.commitlogDirectory, { recursive: true })
  await restored('the table lost')

  for (const name of ['data', 'commitlog', 'hints', 'saved_caches']) {
    rmSync(join(home, name), { recursive: true, force: true })
  }
  await restored('the disk lost')
})

/** The components of live SSTables below a directory, with their sizes. */
function live(directory: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const file of files(directory)) {
    const inCopies = /\/(snapshots|backups)\//.test(dirname(file) + '/')
    if (inCopies || /_txn_|\.tmp$/.test(basename(file))) continue
    const size = existsSync(file) ? statSync(file).size : undefined
    if (size !== undefined) found.set(file, size)
  }
  return found
}

/** Whether every live file below a directory is in the bucket. */
async function stored(bucket: Bucket, directory: string): Promise<true | undefined> {
  if (!(await bucket.exists())) return undefined
  const keys = await bucket.list('node1:')
  for (const [file, size] of live(directory)) {
    if (keys.get(`node1:${file}`) !== size) return undefined
  }
  return true
}

/** Whether a table's live files are in the bucket, and a listing there names exactly them. */
async function listed(bucket: Bucket, table: string): Promise<true | undefined> {
  if ((await stored(bucket, table)) === undefined) return undefined
  const names = [...live(table).keys()].map(file => basename(file)).sort()
  for (const key of (await bucket.list(`node1:${table}/`)).keys()) {
    if (!key.endsWith('-listdir.json')) continue
    const listing = JSON.parse((await bucket.get(key)).toString()) as Record<string, string[]>
    if (JSON.stringify(listing[table]?.toSorted()) === JSON.stringify(names)) return true
  }
  return undefined
}
