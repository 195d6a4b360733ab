import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { BucketStates, entriesOf } from '../support/bucket-states.js'
import { TestNode, until } from '../support/node.js'
import { BIG, Table, TxnLog } from '../support/table.js'

const UNIT = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

/** What a directory holds, by name. */
function contents(table: Table): Map<string, Buffer> {
  return new Map(table.names().map(name => [name, table.read(name)]))
}

await t.test('-B writes one state of each unit, and none where nothing is new', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big').set('nb-2-big')
  t.equal((await node.backUp()).code, 0)
  const [first, ...more] = await states.of(UNIT)
  t.same(more, [])
  t.same([...entriesOf(first!).keys()].sort(), table.paths())
  t.same(await states.problems([first!]), [])
  t.equal(first!.gap, false)
  node.bucket.server.requests.length = 0
  t.equal((await node.backUp()).code, 0)
  const asked = node.bucket.server.requests.map(({ operation }) => operation)
  t.same(
    asked.sort(),
    [
      ...['GetObject', 'GetObject', 'HeadBucket', 'ListMultipartUploads', 'ListMultipartUploads'],
      ...Array.from({ length: 4 }, () => 'ListObjectsV2'),
    ],
    'whose name it is, the newest restore point of each directory, that one, whether its objects are there, and what is left unfinished',
  )
  t.equal((await states.of(UNIT)).length, 1)
  table.set('nb-3-big')
  t.equal((await node.backUp()).code, 0)
  const newest = await states.newest(UNIT)
  t.equal(newest?.gap, true, 'nobody watched in between')
  t.equal(newest?.sets.size, 3)
})

await t.test('data directories that a restore made anew are no loss', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big').set('nb-2-big')
  t.equal((await node.backUp()).code, 0)
  // Aside, so that no other directory gets its inode.
  renameSync(table.path, join(node.bucket.directory, 'aside'))
  const restored = await node.run(['-D'], ['/'])
  t.equal(restored.code, 0, restored.log)
  const { code, log } = await node.backUp()
  t.equal(code, 0, log)
  t.match(log, `INFO ks.t: data directory ${table.path} was made anew`)
  t.notMatch(log, /ERROR|WARN/)
  const newest = await states.newest(UNIT)
  t.same([...entriesOf(newest!).keys()].sort(), table.paths())
  t.same(newest?.unexplained, [])
})

await t.test('a data directory that was replaced without an SSTable is a loss', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big').set('nb-2-big')
  t.equal((await node.backUp()).code, 0)
  renameSync(table.path, join(node.bucket.directory, 'aside'))
  mkdirSync(table.path)
  for (const path of new Table(join(node.bucket.directory, 'aside')).paths('nb-1-big'))
    renameSync(path, join(table.path, basename(path)))
  const { code, log } = await node.backUp()
  t.equal(code, 1)
  t.match(log, `ERROR ks.t: data directory ${table.path} was replaced`)
})

await t.test('each state gives exactly its bytes, whatever was written again since', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big')
  const moments: Map<string, Buffer>[] = []
  const backUp = async (): Promise<void> => {
    const { code, log } = await node.backUp()
    t.equal(code, 0, log)
    moments.push(contents(table))
  }
  await backUp()
  table.replace('nb-1-big-Statistics.db', randomBytes(150))
  await backUp()
  table.file('nb-1-big-SAI+aa+idx+Meta.db')
  table.file('nb-1-big-TOC.txt', [...BIG, 'TOC.txt', 'SAI+aa+idx+Meta.db'].join('\n'))
  await backUp()
  for (const name of table.names()) rmSync(join(table.path, name))
  table.set('nb-1-big')
  await backUp()
  const written = await states.of(UNIT)
  t.equal(written.length, 4)
  t.same(await states.problems(written), [])
  for (const [index, { time }] of written.entries()) {
    const target = join(node.bucket.directory, `restored-${index}`)
    mkdirSync(target)
    const { code, log } = await node.run(['-D', '--at', new Date(time).toISOString()], [target])
    t.equal(code, 0, log)
    const restored = new Table(join(target, table.path))
    const moment = moments[index]!
    t.same(restored.names(), [...moment.keys()].sort(), `names of state ${index}`)
    for (const [name, bytes] of moment) {
      t.ok(readFileSync(join(restored.path, name)).equals(bytes), `${name} of state ${index}`)
    }
  }
})

await t.test('inputs stay named until the output is durable; a later flush comes in without it', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table()
  await node.watch(t)
  table.flush('nb-1-big').flush('nb-2-big')
  // Two sets that were flushed at once come in either order.
  const names = async () =>
    [...((await states.newest(UNIT))?.sets.keys() ?? [])].map(path => path.slice(-8)).sort()
  await until(async () => (await names()).length === 2)
  const held = node.bucket.server.faults.add({
    key: /nb-3-big-Data/,
    count: Infinity,
    fault: faults.answer(403, 'AccessDenied'),
  })
  // Logs that are gone before they are read would be a gap.
  const txn = new TxnLog(table.path, 'compaction').add('nb-3-big')
  table.write('nb-3-big')
  txn.remove('nb-1-big').remove('nb-2-big').commit()
  await sleep(1_000)
  table.delete('nb-1-big')
  table.delete('nb-2-big')
  txn.end()
  const flush = new TxnLog(table.path, 'flush').add('nb-4-big')
  table.write('nb-4-big')
  flush.commit()
  await sleep(1_000)
  flush.end()
  await until(async () => (await names()).includes('nb-4-big'))
  t.same(await names(), ['nb-1-big', 'nb-2-big', 'nb-4-big'])
  node.bucket.server.faults.clear()
  await until(async () => (await names()).includes('nb-3-big'))
  t.same(await names(), ['nb-3-big', 'nb-4-big'])
  t.ok(held.hits > 0)
  t.same(await states.problems(await states.all()), [])
})

await t.test('files that hardlinks share are sent once', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big')
  const snapshot = join(table.path, 'snapshots/tag')
  mkdirSync(snapshot, { recursive: true })
  for (const name of table.names()) linkSync(join(table.path, name), join(snapshot, name))
  const { code, log } = await node.backUp(['--include-snapshots'])
  t.equal(code, 0, log)
  t.match(log, /Uploaded 8 files .*; 8 were there already/)
  const state = await states.newest(snapshot.slice(1))
  t.equal(state?.sets.size, 1)
  t.same(await states.problems([state!]), [])
  t.same(await node.keys(node.key(`${snapshot}/`)), [])
})

await t.test('what Digest.crc32 does not confirm is marked, and not restored unless forced', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big')
  table.file('nb-1-big-Data.db', randomBytes(2_000))
  const { code, log } = await node.backUp()
  t.equal(code, 1)
  t.match(
    log,
    /ERROR .*nb-1-big-Data.db has the CRC-32 \d+, its Digest.crc32 says \d+: it is corrupt on this node/,
  )
  t.equal((await states.newest(UNIT))?.sets.get(join(table.path, 'nb-1-big'))?.corrupt, true)
  const target = join(node.bucket.directory, 'target')
  mkdirSync(target)
  t.equal((await node.run(['-D'], [target])).code, 1)
  t.notOk(existsSync(join(target, table.path)))
  t.equal((await node.run(['-D', '--force'], [target])).code, 0)
  t.ok(existsSync(join(target, table.path, 'nb-1-big-Data.db')))
})

await t.test('a second daemon of the same name is refused', async t => {
  const node = await TestNode.create(t)
  node.table().flush('nb-1-big')
  const first = await node.watch(t)
  const second = await node.run(['-r', '-a'])
  t.equal(second.code, 1)
  t.match(second.log, /ERROR another tablesnap on this machine watches as node1 already.*--take-over/)
  first.kill('SIGTERM')
  t.equal(await first.exit, 143)
})
