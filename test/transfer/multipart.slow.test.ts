import { appendFileSync, utimesSync } from 'node:fs'

import { crc32c, crc64nvme } from 'tablesnap-io'
import t from 'tap'

import { faults } from '../../dev/local-s3/index.js'
import { hex64 } from '../../src/s3/checksum.js'
import { uploadsOf } from '../../src/s3/multipart.js'
import { MEBIBYTE, Yard, md5 } from './support.js'

const PART = 5 * MEBIBYTE

await t.test('in parts, with the checksum of the whole', async t => {
  const yard = await Yard.start(t, { chunkSize: PART, maxUploadSize: PART })
  const bytes = yard.write('f', 2 * PART + 1)
  t.match(await yard.one('f'), { outcome: 'uploaded', bytes: bytes.length })
  t.ok((await yard.get(yard.key('f'))).equals(bytes))
  const info = await yard.head(yard.key('f'))
  t.same(info?.checksums, { crc64nvme: crc64nvme(bytes), type: 'FULL_OBJECT' })
  t.match(info?.etag, /-3$/)
  t.same(yard.counts(), {
    HeadObject: 2,
    ListMultipartUploads: 1,
    CreateMultipartUpload: 1,
    UploadPart: 3,
    CompleteMultipartUpload: 1,
    GetObject: 1,
  })
  t.match(
    yard.requests('CompleteMultipartUpload')[0]?.headers,
    { 'if-none-match': '*', 'x-amz-checksum-type': 'FULL_OBJECT' },
    'never over another object',
  )

  yard.forget()
  t.equal((await yard.one('f')).outcome, 'present')
  t.notMatch(yard.counts(), { UploadPart: Number }, 'the same is not sent again')
  const other = yard.write('f', bytes.length)
  t.match(await yard.one('f'), { outcome: 'version', entry: { key: /\.tablesnap\/.*\/versions\// } })
  t.ok((await yard.get(yard.versionKey('f', hex64(crc64nvme(other))))).equals(other))
  t.ok((await yard.get(yard.key('f'))).equals(bytes))
  t.equal((await yard.one('f')).outcome, 'present')
})

await t.test('each checksum, in parts', async t => {
  const yard = await Yard.start(t, { chunkSize: PART, maxUploadSize: PART })
  for (const checksum of ['crc32c', 'sha256', 'md5'] as const) {
    const other = await yard.again(t, { checksum, chunkSize: PART, maxUploadSize: PART })
    const bytes = yard.write(checksum, PART + 1000)
    other.forget()
    t.equal((await other.one(checksum)).outcome, 'uploaded', checksum)
    t.ok((await other.get(other.key(checksum))).equals(bytes))
    const header = checksum === 'md5' ? 'content-md5' : `x-amz-checksum-${checksum}`
    for (const part of other.requests('UploadPart')) t.type(part.headers[header], 'string', header)
    const info = await other.head(other.key(checksum))
    if (checksum === 'crc32c') t.same(info?.checksums, { crc32c: crc32c(bytes), type: 'FULL_OBJECT' })
    if (checksum === 'sha256') t.match(info?.checksums, { sha256: String, type: 'COMPOSITE' })
    if (checksum === 'md5') t.equal(info?.metadata['md5sum'], md5(bytes))
    t.equal((await other.one(checksum)).outcome, 'present')
    yard.write(checksum, PART + 1000)
    t.equal((await other.one(checksum)).outcome, 'version', 'other content of the same size is seen')
    t.same(other.notes, [])
  }
})

await t.test('metadata and storage headers go with the beginning', async t => {
  const yard = await Yard.start(t, {
    md5OnStart: true,
    chunkSize: PART,
    maxUploadSize: PART,
    object: { storageClass: 'STANDARD_IA', sse: 'AES256' },
  })
  const bytes = yard.write('f', PART + 1)
  yard.write('g', PART + 1)
  await yard.upload('f', 'g')
  const begun = yard.requests('CreateMultipartUpload').find(({ key }) => key === yard.key('f'))
  t.match(begun?.headers, {
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-server-side-encryption': 'AES256',
    'x-amz-checksum-algorithm': 'CRC64NVME',
    'x-amz-checksum-type': 'FULL_OBJECT',
    'x-amz-meta-md5sum': md5(bytes),
    'x-amz-meta-stat': String,
  })
  t.match((await yard.head(yard.key('f')))?.metadata, { md5sum: md5(bytes) })
})

await t.test('a part larger than the buffers is read twice', async t => {
  const yard = await Yard.start(t, { memory: MEBIBYTE })
  t.ok(yard.engine.buffer * yard.engine.width <= MEBIBYTE)
  const bytes = yard.write('f', 2 * PART + 12_345)
  t.equal((await yard.one('f')).outcome, 'uploaded')
  t.ok((await yard.get(yard.key('f'))).equals(bytes))
  t.same(
    yard.requests('UploadPart').map(part => part.bytes),
    [PART, PART, 12_345],
  )
  t.same((await yard.head(yard.key('f')))?.checksums, { crc64nvme: crc64nvme(bytes), type: 'FULL_OBJECT' })

  await t.test('and is void when the file changes between', async t => {
    const original = yard.write('g', PART + 100)
    yard.forget()
    const rule = yard.server!.faults.add({ on: 'UploadPart', fault: faults.internalError() })
    const upload = yard.one('g')
    while (rule.hits === 0) await new Promise(resolve => setTimeout(resolve, 1))
    utimesSync(yard.path('g'), 1, 1)
    t.match(await upload, { outcome: 'failed', error: { code: 'FILE_CHANGED', retry: true } })
    t.ok(yard.requests('UploadPart').length <= 3, 'it is not tried over and over')
    t.match(yard.counts(), { AbortMultipartUpload: 1 })
    t.equal((await yard.one('g')).outcome, 'uploaded')
    t.ok((await yard.get(yard.key('g'))).equals(original))
  })
})

await t.test('a file that changes ends its upload', async t => {
  const yard = await Yard.start(t, { chunkSize: PART, maxUploadSize: PART })
  yard.write('f', 4 * PART)
  const rule = yard.server!.faults.add({ on: 'UploadPart', count: 2, fault: faults.delay(200) })
  const upload = yard.one('f')
  while (rule.hits === 0) await new Promise(resolve => setTimeout(resolve, 5))
  appendFileSync(yard.path('f'), 'x')
  t.match(await upload, { outcome: 'failed', error: { code: 'FILE_CHANGED' } })
  t.same(await uploadsOf(yard.client, yard.key('f')), [], 'nothing is left of it')
  t.equal(await yard.head(yard.key('f')), undefined)
})

await t.test('what goes wrong on the way', async t => {
  const yard = await Yard.start(t, { chunkSize: PART, maxUploadSize: PART, server: { forgetUploads: true } })
  const { faults: script } = yard.server!
  const ends = async (name: string, outcome: string, counts: Record<string, number>): Promise<void> => {
    const bytes = yard.write(name, PART + 1)
    yard.forget()
    t.equal((await yard.one(name)).outcome, outcome, name)
    t.match(yard.counts(), counts)
    t.equal(script.pending, 0)
    t.ok((await yard.get(yard.key(name))).equals(bytes))
    t.same(await uploadsOf(yard.client, yard.key(name)), [], 'nothing unfinished is left')
  }
  script.add({ on: 'UploadPart', fault: faults.slowDown() })
  script.add({ on: 'UploadPart', fault: faults.reset(1000) })
  script.add({ on: 'UploadPart', fault: faults.answer(400, 'BadDigest') })
  await ends('parts again', 'uploaded', { UploadPart: 5 })
  script.add({ on: 'UploadPart', fault: faults.loseAnswer() })
  await ends('a part’s answer lost', 'uploaded', { UploadPart: 3 })
  script.add({ on: 'CompleteMultipartUpload', fault: faults.errorBody() })
  await ends('an error under 200', 'uploaded', { CompleteMultipartUpload: 2 })
  script.add({ on: 'CompleteMultipartUpload', fault: faults.loseAnswer() })
  await ends('the last answer lost', 'present', { UploadPart: 2, CreateMultipartUpload: 1 })
  script.add({
    on: 'CompleteMultipartUpload',
    count: 5,
    fault: faults.answer(409, 'ConditionalRequestConflict'),
  })
  await ends('two writers', 'uploaded', { CreateMultipartUpload: 1, CompleteMultipartUpload: 6 })
  script.add({ on: 'UploadPart', fault: faults.answer(404, 'NoSuchUpload') })
  await ends('swept away meanwhile', 'uploaded', { CreateMultipartUpload: 2 })
  script.add({ on: 'ListMultipartUploads', fault: faults.answer(403, 'AccessDenied') })
  await ends('no list of unfinished uploads', 'uploaded', { CreateMultipartUpload: 1 })

  yard.write('denied', PART + 1)
  yard.forget()
  script.add({ on: 'UploadPart', fault: faults.answer(403, 'AccessDenied') })
  t.match(await yard.one('denied'), { outcome: 'failed', error: { code: 'S3_ACCESS_DENIED' } })
  t.same(await uploadsOf(yard.client, yard.key('denied')), [], 'a fatal failure is swept up')
})
