import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { faults } from '../../dev/local-s3/fault.js'
import { Cli } from '../support/cli.js'
import { BucketStates } from '../support/bucket-states.js'
import { TestNode, until } from '../support/node.js'
import { TxnLog } from '../support/table.js'
import { errorAnswer, unfaithful } from '../support/unfaithful.js'

const UNIT = 'ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

const isWrite = ({ method, operation, status }: { method: string; operation: string; status: number }) =>
  status === 200 && (method === 'PUT' || operation === 'CreateMultipartUpload')

/** A node whose table has two SSTables that a first -B has put into the bucket. */
async function backedUp(...[t]: Parameters<typeof TestNode.create>) {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big').set('nb-2-big')
  const { code, log } = await node.backUp()
  if (code !== 0) throw new Error(log)
  const path = (name: string) => join(table.path, name)
  const key = (name: string) => node.key(path(name))
  const { bucket } = node
  return { node, states, table, path, key, bucket }
}

await t.test(
  'objects that were deleted, or replaced by others, are uploaded again under their keys',
  async t => {
    const { node, states, table, key, bucket } = await backedUp(t)
    table.set('nb-3-big')
    t.equal((await node.backUp()).code, 0)
    const older = await states.of(UNIT)
    await bucket.delete(key('nb-1-big-Data.db'))
    await bucket.delete(key('nb-2-big-TOC.txt'))
    await bucket.put(key('nb-1-big-Index.db'), 'other')
    bucket.server.requests.length = 0
    const again = await node.backUp()
    t.equal(again.code, 0, again.log)
    t.match(
      again.log,
      /WARNING ks.t: the bucket had lost 3 objects .* uploaded again .*look for a lifecycle rule/,
    )
    t.match(
      again.log,
      /Uploaded 3 files .*; the bucket had lost 3 objects: 3 uploaded again, 0 lost for good/,
    )
    t.same(await states.problems(older), [], 'older restore points are whole as well')
    await node.same(t, table.paths())
    t.equal(bucket.server.requests.filter(isWrite).length, 3, 'nothing else is written')
    bucket.server.requests.length = 0
    const third = await node.run(['-r', '-B'])
    t.equal(third.code, 0, third.log)
    t.notMatch(third.log, /lost/)
    t.same(bucket.server.requests.filter(isWrite), [])
    const lists = bucket.server.requests.filter(
      ({ operation, query }) => operation === 'ListObjectsV2' && query['prefix'] === 'node1:',
    )
    t.equal(lists.length, 1, 'one LIST for all of them')
  },
)

await t.test('an object that was replaced by one of the same size is uploaded again', async t => {
  const { node, states, table, key, bucket } = await backedUp(t)
  const all = await states.all()
  const heads = () => bucket.server.requests.filter(({ operation }) => operation === 'HeadObject').length
  // LastModified has whole seconds.
  await new Promise(resolve => setTimeout(resolve, 3_500))
  await bucket.put(key('nb-1-big-Data.db'), randomBytes(2_000))
  bucket.server.requests.length = 0
  const { code, log } = await node.backUp()
  t.equal(code, 0, log)
  t.match(log, /the bucket had lost 1 object: 1 uploaded again/)
  t.equal(heads(), 1)
  await node.same(t, table.paths())
  t.same(await states.problems(all), [])

  table.delete('nb-2-big')
  await bucket.put(key('nb-2-big-Data.db'), randomBytes(2_000))
  bucket.server.requests.length = 0
  const lost = await node.backUp()
  t.equal(lost.code, 1)
  t.match(lost.log, /has lost 1 object: \S+nb-2-big-Data.db: replaced by other content in the bucket/)
  t.equal(heads(), 2, 'the one that was uploaded again is looked at until there is a newer restore point')
})

await t.test('objects that no file has any more are named, counted, and end -B with 1', async t => {
  const { node, states, table, key, bucket } = await backedUp(t)
  const before = await states.of(UNIT)
  table.delete('nb-1-big')
  const rewritten = randomBytes(100)
  table.replace('nb-2-big-Statistics.db', rewritten)
  for (const name of ['nb-1-big-Data.db', 'nb-1-big-Index.db', 'nb-2-big-Statistics.db'])
    await bucket.delete(key(name))
  const { code, log } = await node.backUp()
  t.equal(code, 1)
  t.match(
    log,
    /ERROR ks\.t has lost 2 objects: node1:\S+\/nb-1-big-\{Data.db,Index.db\}: missing from the bucket, and not on the disk any more\. Restore points that name them/,
  )
  t.match(
    log,
    /ERROR ks\.t has lost 1 object: node1:\S+\/nb-2-big-Statistics.db: missing from the bucket, and on the disk there is other content now\. Restore points that name it/,
  )
  t.match(log, /the bucket had lost 3 objects: 0 uploaded again, 3 lost for good/)
  const newest = await states.newest(UNIT)
  t.same(await states.problems([newest!]), [], 'the newest restore point names what is there')
  t.notOk((await node.keys()).includes(key('nb-2-big-Statistics.db')), 'other content does not take its key')
  t.same((await states.problems(before)).map(problem => problem.replace(/.*nb-/, 'nb-')).sort(), [
    'nb-1-big-Data.db: it is missing',
    'nb-1-big-Index.db: it is missing',
    'nb-2-big-Statistics.db: it is missing',
  ])
})

await t.test(
  'a file whose content changed under the same size and time is not uploaded in its place',
  async t => {
    const { node, path, key, bucket } = await backedUp(t)
    const data = path('nb-1-big-Index.db')
    const time = new Date(1_700_000_000_000)
    utimesSync(data, time, time)
    t.equal((await node.backUp()).code, 0)
    writeFileSync(data, randomBytes(readFileSync(data).length))
    utimesSync(data, time, time)
    await bucket.delete(key('nb-1-big-Index.db'))
    const { code, log } = await node.backUp()
    t.equal(code, 1)
    t.match(
      log,
      /has lost 1 object: \S+nb-1-big-Index.db: missing from the bucket, and on the disk there is other content/,
    )
    t.notOk((await node.keys()).includes(key('nb-1-big-Index.db')))
  },
)

await t.test(
  'what has a key of its own, a large file, and what is a hardlink are uploaded again, too',
  async t => {
    const node = await TestNode.create(t, { minPartSize: 1 })
    const states = new BucketStates(node)
    const flags = ['--include-snapshots', '--max-upload-size', '5', '--multipart-chunk-size', '5']
    const table = node.table().set('nb-1-big', { bytes: 11 * 1024 * 1024 })
    const snapshot = join(table.path, 'snapshots/tag')
    mkdirSync(snapshot, { recursive: true })
    for (const name of table.names()) linkSync(join(table.path, name), join(snapshot, name))
    t.equal((await node.backUp(flags)).code, 0)
    table.replace('nb-1-big-Statistics.db', randomBytes(120))
    t.equal((await node.backUp(flags)).code, 0)
    const all = await states.all()
    const keys = (await node.keys()).filter(key => !key.endsWith('-listdir.json'))
    t.equal(keys.filter(key => key.includes('/versions/')).length, 1)
    // The snapshot's hardlink alone has the first Statistics.db yet.
    for (const key of keys) await node.bucket.delete(key)
    const { code, log } = await node.backUp(flags)
    t.equal(code, 0, log)
    t.match(log, new RegExp(`the bucket had lost ${keys.length} objects: ${keys.length} uploaded again`))
    t.same(await states.problems(all), [])
    t.same((await node.keys()).filter(key => !key.endsWith('-listdir.json')).sort(), keys.sort())
  },
)

await t.test('an object of the Python program is uploaded again while its file is the same', async t => {
  const node = await TestNode.create(t)
  const states = new BucketStates(node)
  const table = node.table().set('nb-1-big')
  await node.bucket.client.call({ operation: 'CreateBucket', method: 'PUT' })
  for (const path of table.paths()) await node.bucket.put(node.key(path), readFileSync(path))
  // What is older than the first run counts as the Python program's.
  await new Promise(resolve => setTimeout(resolve, 3_500))
  const first = await node.backUp()
  t.match(first.log, /Uploaded 0 files .*; 8 were there already/)
  t.equal(
    (await states.newest(UNIT))?.sets.get(join(table.path, 'nb-1-big'))?.components.get('Data.db')?.crc64,
    undefined,
  )
  for (const name of ['nb-1-big-Data.db', 'nb-1-big-TOC.txt'])
    await node.bucket.delete(node.key(join(table.path, name)))
  const toc = join(table.path, 'nb-1-big-TOC.txt')
  const time = new Date(Date.now() - 60_000)
  utimesSync(toc, time, time)
  const { code, log } = await node.backUp()
  t.equal(code, 1, 'what is touched cannot be told from what was there')
  t.match(log, /the bucket had lost 2 objects: 1 uploaded again, 1 lost for good/)
  await node.same(t, table.paths())
})

await t.test('--dry-run says what it would upload again, and writes nothing', async t => {
  const { node, table, key, bucket } = await backedUp(t)
  await bucket.delete(key('nb-1-big-Data.db'))
  await bucket.delete(key('nb-2-big-Data.db'))
  const data = randomBytes(2_000)
  table.file('nb-2-big-Data.db', data)
  bucket.server.requests.length = 0
  const { code, log } = await node.backUp(['--dry-run'])
  t.equal(code, 1)
  t.match(log, /Would upload \S+nb-1-big-Data.db again/)
  t.match(log, /has lost 1 object: \S+nb-2-big-Data.db/)
  t.match(log, /the bucket had lost 2 objects: 1 would be uploaded again, 1 lost for good/)
  t.same(bucket.server.requests.filter(isWrite), [])
})

await t.test('a LIST that is refused proves nothing: one line says so, and -B ends with 1', async t => {
  const { node, key, bucket } = await backedUp(t)
  const rule = bucket.server.faults.add({
    on: 'ListObjectsV2',
    prefix: 'node1:',
    count: Infinity,
    fault: faults.answer(403, 'AccessDenied'),
  })
  const { code, log } = await node.backUp()
  t.equal(code, 1)
  const lines = log.split('\n').filter(line => / (ERROR|WARNING) /.test(line))
  t.match(lines, [
    /ERROR Cannot make sure that the bucket still holds what the newest restore points of 1 table name: .*AccessDenied/,
  ])
  rule.remove()
  t.equal((await node.backUp()).code, 0)
  t.ok((await node.keys()).includes(key('nb-1-big-Data.db')))
})

await t.test('an object that LIST does not show and HEAD does is there', async t => {
  const { node, bucket } = await backedUp(t)
  bucket.server.faults.add({ on: 'ListObjectsV2', prefix: 'node1:', fault: faults.emptyList() })
  bucket.server.requests.length = 0
  const { code, log } = await node.backUp()
  t.equal(code, 0, log)
  t.notMatch(log, /lost/)
  t.equal(bucket.server.requests.filter(({ operation }) => operation === 'HeadObject').length, 16)
  t.same(bucket.server.requests.filter(isWrite), [])
})

await t.test('what S3 has archived is there', async t => {
  const { node, path, key, bucket } = await backedUp(t)
  const data = readFileSync(path('nb-1-big-Data.db'))
  await bucket.put(key('nb-1-big-Data.db'), data, { 'X-Amz-Storage-Class': 'DEEP_ARCHIVE' })
  bucket.server.requests.length = 0
  t.equal((await node.backUp()).code, 0)
  t.same(bucket.server.requests.filter(isWrite), [])
})

await t.test(
  'the start of a daemon uploads again what was deleted, and names what it cannot once',
  async t => {
    const { node, states, table, path, key, bucket } = await backedUp(t)
    await bucket.delete(key('nb-1-big-Data.db'))
    await bucket.delete(key('nb-2-big-Data.db'))
    const log = new TxnLog(table.path, 'compaction').remove('nb-2-big').commit()
    table.delete('nb-2-big')
    log.end()
    const daemon = await node.watch(t, ['-r', '-a'])
    await daemon.seen(/uploaded again/)
    await daemon.seen(
      /has lost 1 object: \S+nb-2-big-Data.db: missing from the bucket, and not on the disk any more/,
    )
    await node.same(t, [path('nb-1-big-Data.db')])
    table.flush('nb-4-big')
    await until(async () => (await states.newest(UNIT))?.sets.has(path('nb-4-big')) === true)
    daemon.kill('SIGTERM')
    t.equal(await daemon.exit, 143)
    t.equal(daemon.stderr.match(/has lost/g)?.length, 1)
    t.same(await states.problems([(await states.newest(UNIT))!]), [])
  },
)

await t.test('only the owner of the name uploads again', async t => {
  const { node, key, bucket } = await backedUp(t)
  await bucket.delete(key('nb-1-big-Data.db'))
  const { body } = await bucket.get('.tablesnap/node1/node.json')
  const record = JSON.parse(body.toString()) as Record<string, unknown>
  await bucket.put(
    '.tablesnap/node1/node.json',
    JSON.stringify({ ...record, writer: 'another', host: 'other' }),
  )
  const { code, log } = await node.backUp()
  t.equal(code, 1)
  t.match(log, /node1 is the name of another writer/)
  t.notOk((await node.keys()).includes(key('nb-1-big-Data.db')))
})

await t.test('a corrupt SSTable is told by every run, by those that upload nothing as well', async t => {
  const node = await TestNode.create(t)
  const table = node.table().set('nb-1-big')
  table.file('nb-1-big-Data.db', randomBytes(2_000))
  rmSync(join(table.path, 'nb-1-big-CRC.db'), { force: true })
  for (const files of [8, 0, 0]) {
    const { code, log } = await node.backUp()
    t.equal(code, 1)
    t.match(log, new RegExp(`Uploaded ${files} files`))
    t.equal(log.match(/ERROR .*nb-1-big-Data.db .*it is corrupt on this node/g)?.length, 1)
  }
})

await t.test('the line that --list prints below a manifest that cannot be read mends it', async t => {
  const { bucket } = await backedUp(t)
  const [manifest] = await bucket.list('.tablesnap/node1/states/')
  await bucket.put(manifest!.key, 'no manifest')
  const cli = new Cli([...bucket.flags, '--list', bucket.bucket])
  t.equal(await cli.exit, 0)
  t.match(cli.stdout, / unreadable /)
  const [, line = '', key] =
    /to mend the newest one, run where it was backed up: tablesnap (.*); or delete (\S+): the one before counts then/.exec(
      cli.stdout,
    ) ?? []
  t.equal(key, manifest?.key)
  const mend = new Cli(['-k', 'testkey', '-s', 'testsecret', '--settle', '100', ...line.split(' ')])
  t.equal(await mend.exit, 0, mend.stderr)
  const again = new Cli([...bucket.flags, '--list', '--limit', '1', bucket.bucket])
  t.equal(await again.exit, 0)
  t.match(again.stdout, / complete /)
})

await t.test('a key is free when the server takes its delete marker for an object', async t => {
  const node = await TestNode.create(t, { minPartSize: 1 })
  const { bucket } = node
  const states = new BucketStates(node)
  const table = node
    .table()
    .set('nb-1-big')
    .set('nb-2-big', { bytes: 11 * 1024 * 1024 })
  const flags = ['--max-upload-size', '5', '--multipart-chunk-size', '5']
  t.equal((await node.backUp(flags)).code, 0)
  const keys = (await bucket.list()).map(({ key }) => key)
  for (const key of keys) await bucket.delete(key)
  const marked = new Set(keys)
  const asked: string[] = []
  const endpoint = await unfaithful(t, bucket.server.endpoint, {
    request: ({ url, headers }) => {
      const key = decodeURIComponent(url.pathname).replace('/bucket/', '')
      if (headers['if-none-match'] === undefined || !marked.has(key)) return undefined
      asked.push(key)
      return errorAnswer(412, 'PreconditionFailed')
    },
  })
  const { code, log } = await node.backUp([...flags, '--endpoint-url', endpoint])
  t.equal(code, 0, log)
  t.notMatch(log, /ERROR/)
  await node.same(t, table.paths())
  t.same(await states.problems(await states.all()), [])
  t.ok(new Set(asked).has(node.key(join(table.path, 'nb-2-big-Data.db'))), 'a large file as well')
  t.equal(asked.length, new Set(asked).size, 'each key is asked for once')
})

await t.test('a cached 404 does not make a key free', async t => {
  const { node, path, key, bucket } = await backedUp(t)
  const index = key('nb-1-big-Index.db')
  const before = await node.body(index)
  for (const { key } of await bucket.list('.tablesnap/node1/states/')) await bucket.delete(key)
  const endpoint = await unfaithful(t, bucket.server.endpoint, {
    request: ({ method, url }) =>
      method === 'HEAD' && decodeURIComponent(url.pathname).endsWith('nb-1-big-Index.db')
        ? errorAnswer(404, 'NoSuchKey')
        : undefined,
  })
  writeFileSync(path('nb-1-big-Index.db'), randomBytes(before.length))
  const { code, log } = await node.backUp(['--endpoint-url', endpoint])
  t.equal(code, 1)
  t.match(log, /ERROR .*nb-1-big-Index.db.*PreconditionFailed/)
  t.same(await node.body(index), before, 'what is there stays')
})
