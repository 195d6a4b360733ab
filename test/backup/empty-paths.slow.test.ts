import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { TestNode } from '../support/node.js'
import { TxnLog } from '../support/table.js'

const SAID =
  /ERROR \S+\/data has no tables, and ks\.t had 2 SSTables there at its last restore point, of \S+: is its volume mounted\?/

/** A node with two SSTables in the bucket, whose data directory is an empty one now. */
async function emptied(...[t]: Parameters<typeof TestNode.create>) {
  const node = await TestNode.create(t)
  node.table().set('nb-1-big').set('nb-2-big')
  const { code, log } = await node.backUp()
  if (code !== 0) throw new Error(log)
  const away = join(node.bucket.directory, 'away')
  renameSync(node.data, away)
  mkdirSync(node.data)
  return { node, away }
}

await t.test('-B over an empty mount point ends with 1, and changes no restore point', async t => {
  const { node, away } = await emptied(t)
  const before = await node.bucket.list('.tablesnap/node1/states/ks/')
  const empty = await node.backUp()
  t.equal(empty.code, 1)
  t.match(empty.log, SAID)
  t.equal(empty.log.match(/ERROR/g)?.length, 1)
  t.same(await node.bucket.list('.tablesnap/node1/states/ks/'), before)
  const dry = await node.backUp(['--dry-run'])
  t.equal(dry.code, 1)
  t.match(dry.log, SAID)

  // Another path that has tables does not hide it.
  const other = join(node.bucket.directory, 'other')
  renameSync(join(away, 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'), join(node.bucket.directory, 'kept'))
  mkdirSync(join(other, 'ks'), { recursive: true })
  const two = await node.backUp([], [node.data, other])
  t.equal(two.code, 1)
  t.match(two.log, SAID)
})

await t.test('a volume that is mounted again is backed up as before', async t => {
  const { node, away } = await emptied(t)
  t.equal((await node.backUp()).code, 1)
  renameSync(node.data, join(node.bucket.directory, 'mount point'))
  renameSync(away, node.data)
  const { code, log } = await node.backUp()
  t.equal(code, 0, log)
})

await t.test('the line that -B prints over an empty path accepts it for good', async t => {
  const { node } = await emptied(t)
  const { log } = await node.backUp()
  const [, flag] = /run once: tablesnap -n node1 .* -r -B (--take-over) bucket \S+\/data$/m.exec(log) ?? []
  t.equal(flag, '--take-over')
  t.equal((await node.backUp(['--take-over'])).code, 0)
  const again = await node.backUp()
  t.equal(again.code, 0, again.log)
})

await t.test('a path whose tables were dropped or truncated is no error', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big')
  t.equal((await node.backUp()).code, 0)
  table.delete('nb-1-big')
  const truncated = await node.backUp()
  t.equal(truncated.code, 0, truncated.log)
  t.notMatch(truncated.log, /has no tables/)
  table.set('nb-2-big')
  t.equal((await node.backUp()).code, 0)
  renameSync(table.path, join(node.bucket.directory, 'dropped'))
  const dropped = await node.backUp()
  t.equal(dropped.code, 0, 'the directory of its keyspace is there')
  t.notMatch(dropped.log, /has no tables/)
})

await t.test('an empty path of a node that has nothing in the bucket is no error', async t => {
  const node = await TestNode.create(t)
  const { code, log } = await node.backUp()
  t.equal(code, 0, log)
  t.notMatch(log, /ERROR|WARNING/)
})

await t.test('a table whose last restore point is empty does not count', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big')
  t.equal((await node.backUp()).code, 0)
  const log = new TxnLog(table.path, 'compaction').remove('nb-1-big').commit()
  table.delete('nb-1-big')
  log.end()
  t.equal((await node.backUp()).code, 0)
  renameSync(node.data, join(node.bucket.directory, 'away'))
  mkdirSync(node.data)
  const empty = await node.backUp()
  t.equal(empty.code, 0, empty.log)
})

await t.test('a daemon over an empty mount point warns, and backs up what comes', async t => {
  const { node, away } = await emptied(t)
  const daemon = await node.watch(t, ['-r', '-a'])
  await daemon.seen(/WARNING \S+\/data has no tables, and ks\.t had 2 SSTables/)
  renameSync(join(away, 'ks'), join(node.data, 'ks'))
  const table = node.table()
  table.flush('nb-3-big')
  await node.arrived([node.key(join(table.path, 'nb-3-big-Data.db'))])
  daemon.kill('SIGTERM')
  t.equal(await daemon.exit, 143)
})
