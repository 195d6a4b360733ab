import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'
import { crc64nvme } from 'tablesnap-io'

import { Sink } from '../../bench/sink.js'
import { encode64 } from '../../src/s3/checksum.js'
import { S3Client } from '../../src/s3/client.js'
import { firstObject, listObjects, listPages } from '../../src/s3/list.js'
import { completeMultipartUpload, createMultipartUpload, uploadPart } from '../../src/s3/multipart.js'
import { getObject, getRange, headObject, putObject } from '../../src/s3/object.js'

process.env['TABLESNAP_BENCH_CACHE'] = t.testdir()

async function sinkFor(t: Test): Promise<{ sink: Sink; client: S3Client; files: string }> {
  const files = t.testdir()
  const sink = await Sink.start({ files })
  const client = new S3Client({
    access: {
      settings: { endpoint: sink.url, region: 'us-east-1', pathStyle: true, bucket: 'bench' },
      credentials: () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
    },
    lines: { connections: 4 },
  })
  t.teardown(async () => {
    await client.close()
    await sink.stop()
  })
  return { sink, client, files }
}

const headersFor = (body: Buffer) => ({ 'x-amz-checksum-crc64nvme': encode64(crc64nvme(body)) })
const free = { headers: {}, ifAbsent: false }

await t.test('a PUT is counted, its checksum repeated, and overwritten only unasked', async t => {
  const { sink, client } = await sinkFor(t)
  t.equal(await headObject(client, 'k'), undefined)
  const body = randomBytes(300_000)
  const { checksums } = await putObject(client, 'k', { body, headers: headersFor(body) }, free)
  t.equal(checksums.crc64nvme, crc64nvme(body))
  await t.rejects(
    putObject(client, 'k', { body, headers: headersFor(body) }, { headers: {}, ifAbsent: true }),
    { message: /412 PreconditionFailed/ },
  )
  t.match(await headObject(client, 'k'), { size: body.length, checksums: { crc64nvme: crc64nvme(body) } })
  const stats = await sink.reset()
  t.match(stats, { puts: 2, heads: 2, objects: 1, objectBytes: 600_000, checksums: 2, crc64s: 2, signed: 0 })
  t.equal((await sink.stats()).requests, 0)
  await sink.forget()
  t.equal(await headObject(client, 'k'), undefined)
})

await t.test('a multipart upload has the size of its parts and the checksum of its Complete', async t => {
  const { sink, client } = await sinkFor(t)
  const parts = [randomBytes(200_000), randomBytes(70_000)]
  const id = await createMultipartUpload(client, 'big', { 'x-amz-meta-stat': '{}' })
  const sent = await Promise.all(
    parts.map((body, i) => uploadPart(client, 'big', id, i + 1, { body, headers: headersFor(body) })),
  )
  const whole = Buffer.concat(parts)
  const done = await completeMultipartUpload(client, 'big', id, sent, {
    headers: headersFor(whole),
    ifAbsent: false,
  })
  t.equal(done.checksums.crc64nvme, crc64nvme(whole))
  const found = await headObject(client, 'big')
  t.match(found, { size: 270_000, metadata: { stat: '{}' }, checksums: { crc64nvme: crc64nvme(whole) } })
  t.match(await sink.stats(), { creates: 1, parts: 2, completes: 1, objectBytes: 270_000 })
})

await t.test('what is a file comes back from there, what is small from memory', async t => {
  const { sink, client, files } = await sinkFor(t)
  await sink.keep(true)
  const path = join(files, 'sub', 'Data.db')
  const content = randomBytes(100_000)
  mkdirSync(join(files, 'sub'))
  writeFileSync(path, content)
  const key = `node:${path}`
  await putObject(client, key, { body: content, headers: headersFor(content) }, free)
  await putObject(client, 'listing', { body: Buffer.from('{}'), headers: {} }, free)
  const { info, body } = await getObject(client, key)
  t.same(body, content)
  t.equal(info.checksums.crc64nvme, crc64nvme(content))
  const into = Buffer.alloc(1000)
  await getRange(client, key, { start: 5000, etag: info.etag, into })
  t.same(into, content.subarray(5000, 6000))
  t.equal((await getObject(client, 'listing')).body.toString(), '{}')
  t.equal((await sink.stats()).sent, 101_002)
  const outside = `node:${files}/../elsewhere`
  await putObject(client, outside, { body: randomBytes(2 ** 21), headers: {} }, free)
  await t.rejects(getObject(client, outside), 'nothing else of the disk is served')
})

await t.test('states and the fence come back whatever else is kept, and are counted', async t => {
  const { sink, client } = await sinkFor(t)
  const body = randomBytes(2 ** 20 + 1)
  for (const key of ['p.tablesnap/n/node.json', 'p.tablesnap/n/states/u/1', 'p.tablesnap/n/states/u/2']) {
    await putObject(client, key, { body, headers: {} }, { headers: {}, ifAbsent: true })
    t.same((await getObject(client, key)).body, body, key)
  }
  const version = 'p.tablesnap/n/versions/f~1'
  await putObject(client, version, { body, headers: {} }, free)
  await t.rejects(getObject(client, version))
  const prefix = 'p.tablesnap/n/states/u'
  t.equal((await firstObject(client, { prefix }))?.key, `${prefix}/1`)
  t.equal((await firstObject(client, { prefix, startAfter: `${prefix}/1` }))?.key, `${prefix}/2`)
  t.equal(await firstObject(client, { prefix, startAfter: `${prefix}/2` }), undefined)
  t.match(await sink.stats(), { states: 9, puts: 4 })
})

await t.test('LIST pages, and folds at the delimiter', async t => {
  const { client } = await sinkFor(t)
  const names = Array.from({ length: 25 }, (_, i) => `p/a b&${String(i).padStart(2, '0')}`)
  for (const name of [...names, 'q/1', 'q/2', 'r'])
    await putObject(client, name, { body: Buffer.from('x'), headers: {} }, free)
  const listed: string[] = []
  for await (const { key, size } of listObjects(client, { prefix: 'p/', maxKeys: 10 })) {
    listed.push(key)
    t.equal(size, 1)
  }
  t.same(listed, names)
  const prefixes: string[] = []
  const keys: string[] = []
  for await (const page of listPages(client, { prefix: '', delimiter: '/', maxKeys: 2 })) {
    prefixes.push(...page.prefixes)
    keys.push(...page.objects.map(({ key }) => key))
  }
  t.same(prefixes, ['p/', 'q/'])
  t.same(keys, ['r'])
})

await t.test('answers to PUTs are timed by the clock of this process', async t => {
  const { sink, client } = await sinkFor(t)
  await sink.tracing(true)
  const before = process.hrtime.bigint()
  await putObject(client, 'a key', { body: Buffer.from('x'), headers: {} }, free)
  const after = process.hrtime.bigint()
  const notes = await sink.trace()
  t.equal(notes.length, 1)
  t.equal(notes[0]?.key, 'a key')
  t.ok((notes[0]?.at ?? 0n) > before && (notes[0]?.at ?? 0n) < after + 1_000_000n)
  t.same(await sink.trace(), [])
})
