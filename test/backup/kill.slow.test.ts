import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { crc32, crc64nvme } from 'tablesnap-io'
import t, { type Test } from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { hex64 } from '../../src/s3/checksum.js'
import { createMultipartUpload, uploadsOf } from '../../src/s3/multipart.js'
import { BucketStates, entriesOf } from '../support/bucket-states.js'
import { Cli } from '../support/cli.js'
import { TestNode, until } from '../support/node.js'

const MEBIBYTE = 1024 * 1024
const parts = ['--max-upload-size', '5', '--multipart-chunk-size', '5']

/** Checks that the newest state names what is there, and of a file this content, wherever its object is. */
async function namesContent(t: Test, node: TestNode, path: string, content: Buffer): Promise<void> {
  const states = new BucketStates(node)
  const newest = (await states.all()).slice(-1)
  t.same(await states.problems(newest), [])
  const crc64s = newest.map(state => entriesOf(state).get(path)?.crc64)
  t.same(crc64s, [hex64(crc64nvme(content))])
}

await t.test('kill -9 among the parts of a file: the next -B sends only those that lack', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big', { bytes: 14 * MEBIBYTE })
  const { server } = node.bucket
  server.faults.add({ on: 'UploadPart', skip: 2, count: Infinity, fault: faults.silence() })
  const cli = new Cli([...node.args(['-B', ...parts], [table.path])])
  const done = () =>
    server.requests.filter(({ operation, status }) => operation === 'UploadPart' && status === 200)
  await until(() => done().length === 2 && server.requests.some(({ fault }) => fault === 'silence'))
  cli.kill('SIGKILL')
  t.equal(await cli.exit, 'SIGKILL')
  t.equal(await node.listing(table.path), undefined, 'no listing names what is not there')
  const before = new Set(done().map(({ query }) => query['partNumber']))

  server.faults.clear()
  server.requests.length = 0
  const { code, log } = await node.backUp([...parts], [table.path])
  t.equal(code, 0, log)
  const sent = done().map(({ query }) => query['partNumber'])
  t.equal(sent.length, 1)
  t.notOk(
    sent.some(number => before.has(number)),
    'no part is sent twice',
  )
  await node.same(t, table.paths())
  t.same((await node.listing(table.path))?.names, table.names())
  t.same(await uploadsOf(node.bucket.client, node.key(join(table.path, 'nb-1-big-Data.db'))), [])
})

await t.test('kill -9 among small files: the next -B brings the rest and the listing', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  for (let generation = 1; generation <= 5; generation++) table.set(`nb-${generation}-big`)
  const { server } = node.bucket
  server.faults.add({ on: 'PutObject', skip: 12, count: Infinity, fault: faults.silence() })
  const cli = new Cli(node.args(['-B'], [table.path]))
  await until(() => server.requests.some(({ fault }) => fault === 'silence'))
  cli.kill('SIGKILL')
  await cli.exit
  server.faults.clear()
  const stored = (await node.keys()).length
  t.ok(stored >= 7 && stored <= 11, `${stored} were stored`)
  const { code, log } = await node.backUp([], [table.path])
  t.equal(code, 0, log)
  t.match(log, new RegExp(`Uploaded ${40 - stored} files .*; ${stored} were there already`))
  await node.same(t, table.paths())
  t.same((await node.listing(table.path))?.names, table.names())
})

await t.test('kill -9 before the listing: the next -B writes it', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  const { server } = node.bucket
  server.faults.add({ key: /-listdir\.json$/, fault: faults.silence() })
  const cli = new Cli(node.args(['-B', '--delete-on-backup'], [table.path]))
  await until(() => server.requests.some(({ fault }) => fault === 'silence'))
  cli.kill('SIGKILL')
  await cli.exit
  t.equal(table.names().length, 8, 'nothing was deleted before the listing')
  t.equal((await node.backUp([], [table.path])).code, 0)
  t.same((await node.listing(table.path))?.names, table.names())
})

await t.test('kill -9 of the daemon with changed content: -B does not mix old parts with new', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t')
  const { server } = node.bucket
  server.faults.add({ on: 'UploadPart', skip: 2, count: Infinity, fault: faults.silence() })
  const cli = await node.watch(t, ['-r', ...parts])
  table.flush('nb-1-big', { bytes: 12 * MEBIBYTE })
  await until(() => server.requests.some(({ fault }) => fault === 'silence'))
  cli.kill('SIGKILL')
  await cli.exit
  server.faults.clear()
  const changed = randomBytes(12 * MEBIBYTE)
  table.contents.get('nb-1-big-Data.db')?.copy(changed, 0, 0, 6 * MEBIBYTE)
  table.file('nb-1-big-Data.db', changed)
  table.file('nb-1-big-Digest.crc32', String(crc32(changed)))
  const { code, log } = await node.backUp([...parts], [table.path])
  t.equal(code, 0, log)
  await namesContent(t, node, join(table.path, 'nb-1-big-Data.db'), changed)
})

await t.test('kill -9 before the first state: other content of the same size is not believed', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big')
  const { server } = node.bucket
  server.faults.add({ key: /\/states\//, count: Infinity, fault: faults.silence() })
  const cli = new Cli(node.args(['-B'], [table.path]))
  await until(() => server.requests.some(({ fault }) => fault === 'silence'))
  cli.kill('SIGKILL')
  await cli.exit
  server.faults.clear()
  const first = await node.body(node.key(join(table.path, 'nb-1-big-Data.db')))
  const changed = randomBytes(first.length)
  table.file('nb-1-big-Data.db', changed)
  table.file('nb-1-big-Digest.crc32', String(crc32(changed)))
  // LastModified is in whole seconds.
  await sleep(2_100)
  const { code, log } = await node.backUp([], [table.path])
  t.equal(code, 0, log)
  await namesContent(t, node, join(table.path, 'nb-1-big-Data.db'), changed)
})

await t.test('a daemon ends uploads of killed runs whose file is gone, or whose object is there', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').flush('nb-1-big')
  t.equal((await node.backUp([], [table.path])).code, 0)
  const { server, client } = node.bucket
  server.faults.add({ on: 'UploadPart', skip: 1, count: Infinity, fault: faults.silence() })
  const first = await node.watch(t, ['-r', ...parts])
  table.flush('nb-2-big', { bytes: 12 * MEBIBYTE })
  await until(() => server.requests.some(({ fault }) => fault === 'silence'))
  first.kill('SIGKILL')
  await first.exit
  server.faults.clear()
  const key = (set: string): string => node.key(join(table.path, `${set}-Data.db`))
  // The answer of a CreateMultipartUpload was lost.
  await createMultipartUpload(client, key('nb-1-big'), {})
  await createMultipartUpload(client, node.key('/elsewhere'), {})
  table.delete('nb-2-big')
  const second = await node.watch(t, ['-r', ...parts])
  await second.seen(/Ended 3 unfinished uploads that an earlier run had begun/)
  for (const set of ['nb-1-big', 'nb-2-big']) t.same(await uploadsOf(client, key(set)), [])
  t.ok((await node.keys()).includes(key('nb-1-big')), 'the object stays')
})

await t.test('a -B ends, at its end, the uploads whose answers were lost, and none of its own', async t => {
  const node = await TestNode.create(t)
  const table = node.table('t').set('nb-1-big', { bytes: 12 * MEBIBYTE })
  const { server, client } = node.bucket
  const key = (set: string): string => node.key(join(table.path, `${set}-Data.db`))
  await ensureBucket(client, true)
  await createMultipartUpload(client, key('nb-0-big'), {})
  // The server begins the upload, and the connection breaks before it says so.
  server.faults.add({ on: 'CreateMultipartUpload', count: 1, fault: faults.loseAnswer() })
  const { code, log } = await node.backUp([...parts], [table.path])
  t.equal(code, 0, log)
  t.match(log, /Ended 2 unfinished uploads that an earlier run had begun/)
  for (const set of ['nb-0-big', 'nb-1-big']) t.same(await uploadsOf(client, key(set)), [])
  t.ok((await node.keys()).includes(key('nb-1-big')), 'the object is there')
})
