import type { ContractCase } from './contract-case.js'
import { createHash, randomBytes } from 'node:crypto'
import { checksum, checksumsOf, md5, type NamedPart } from './bucket-client.js'

export const FIRST = randomBytes(5 * 1024 * 1024)
export const LAST = randomBytes(1000)

function etagOf(...parts: readonly Buffer[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(createHash('md5').update(part).digest())
  return `"${hash.digest('hex')}-${parts.length}"`
}

export const multipartCases: readonly ContractCase[] = [
  {
    name: 'parts become an object with what the upload was created with',
    async run(t, { s3 }) {
      const key = 'mp/a b:1.db'
      const uploadId = await s3.create(key, {
        'x-amz-meta-a': '{"a": 1}',
        'content-type': 'application/x-sstable',
      })
      const parts = [await s3.named(key, uploadId, 1, FIRST), await s3.named(key, uploadId, 2, LAST)]
      t.equal(parts[1]?.etag, `"${md5(LAST, 'hex')}"`)
      t.notOk(await s3.exists(key), 'nothing is there before it is complete')
      const done = await s3.complete(key, uploadId, parts)
      t.equal(done.outcome, '200')
      t.equal(done.element('ETag'), etagOf(FIRST, LAST))
      const head = await s3.head(key)
      t.equal(head.header('etag'), etagOf(FIRST, LAST))
      t.equal(head.header('content-length'), String(FIRST.length + LAST.length))
      t.equal(head.header('x-amz-meta-a'), '{"a": 1}')
      t.equal(head.header('content-type'), 'application/x-sstable')
      const whole = Buffer.concat([FIRST, LAST])
      t.same(checksumsOf(head), { crc64nvme: checksum('crc64nvme', whole), type: 'FULL_OBJECT' })
      t.ok((await s3.get(key)).body.equals(whole))
      const across = await s3.get(key, { range: `bytes=${FIRST.length - 3}-${FIRST.length + 2}` })
      t.ok(across.body.equals(whole.subarray(FIRST.length - 3, FIRST.length + 3)), 'a range across two parts')
      const one = await s3.send('HEAD', key, { query: { partNumber: '1' } })
      t.same(
        [one.status, one.header('content-length'), one.header('x-amz-mp-parts-count')],
        [206, String(FIRST.length), '2'],
      )
      t.equal((await s3.part(key, uploadId, 3, LAST)).outcome, '404 NoSuchUpload', 'the upload is over')
      const again = await s3.complete(key, uploadId, parts)
      t.match(again.outcome, /^(200|404 NoSuchUpload)$/, 'completing it twice')
      t.equal((await s3.send('DELETE', key)).status, 204)
    },
  },
  {
    name: 'parts that do not match are refused, and the upload goes on',
    async run(t, { s3 }) {
      const key = 'mp/mismatch'
      const uploadId = await s3.create(key)
      const first = await s3.named(key, uploadId, 1, FIRST)
      const last = await s3.named(key, uploadId, 2, LAST)
      const complete = async (...parts: NamedPart[]): Promise<string> =>
        (await s3.complete(key, uploadId, parts)).outcome
      t.equal(
        await complete(first, { number: 2, etag: `"${'0'.repeat(32)}"` }),
        '400 InvalidPart',
        'another tag',
      )
      t.equal(
        await complete(first, { number: 3, etag: last.etag }),
        '400 InvalidPart',
        'a part that never came',
      )
      t.equal(await complete(last, first), '400 EntityTooSmall', 'a small part that is not the last')
      t.equal(await complete(first, first), '400 InvalidPartOrder', 'twice the same')
      t.equal(await complete(), '400 MalformedXML', 'no part')
      t.notOk(await s3.exists(key))
      t.equal(await complete(first, last), '200')
    },
  },
  {
    name: 'a part that is not the last has 5 MiB at least',
    async run(t, { s3 }) {
      const uploadId = await s3.create('mp/small')
      const parts = [
        await s3.named('mp/small', uploadId, 1, LAST),
        await s3.named('mp/small', uploadId, 2, LAST),
      ]
      t.equal((await s3.complete('mp/small', uploadId, parts)).outcome, '400 EntityTooSmall')
      t.equal(
        (await s3.complete('mp/small', uploadId, parts.slice(1))).outcome,
        '200',
        'alone it is the last',
      )
    },
  },
  {
    name: 'part numbers go from 1 to 10000',
    async run(t, { s3 }) {
      const uploadId = await s3.create('mp/number')
      t.equal((await s3.part('mp/number', uploadId, 0, LAST)).outcome, '400 InvalidArgument')
      t.equal((await s3.part('mp/number', uploadId, 10_001, LAST)).outcome, '400 InvalidArgument')
      t.equal((await s3.part('mp/number', uploadId, 10_000, LAST)).outcome, '200')
    },
  },
  {
    name: 'the last of two parts of a number counts',
    async run(t, { s3 }) {
      const uploadId = await s3.create('mp/twice')
      await s3.named('mp/twice', uploadId, 1, 'first')
      const part = await s3.named('mp/twice', uploadId, 1, 'second')
      t.equal((await s3.complete('mp/twice', uploadId, [part])).outcome, '200')
      t.equal((await s3.get('mp/twice')).text, 'second')
    },
  },
  {
    name: 'an aborted upload is gone, as is one that never was',
    async run(t, { s3 }) {
      const uploadId = await s3.create('mp/abort')
      const part = await s3.named('mp/abort', uploadId, 1, LAST)
      t.equal((await s3.send('DELETE', 'mp/abort', { query: { uploadId } })).status, 204)
      for (const id of [uploadId, 'bogus']) {
        t.equal((await s3.part('mp/abort', id, 2, LAST)).outcome, '404 NoSuchUpload')
        t.equal((await s3.complete('mp/abort', id, [part])).outcome, '404 NoSuchUpload')
        t.equal((await s3.send('GET', 'mp/abort', { query: { uploadId: id } })).outcome, '404 NoSuchUpload')
        t.equal(
          (await s3.send('DELETE', 'mp/abort', { query: { uploadId: id } })).outcome,
          '404 NoSuchUpload',
        )
      }
      t.notOk(await s3.exists('mp/abort'))
    },
  },
  {
    name: 'If-None-Match: * holds when an upload is completed',
    async run(t, { s3 }) {
      await s3.put('mp/once', 'one')
      const uploadId = await s3.create('mp/once')
      const part = await s3.named('mp/once', uploadId, 1, LAST)
      const refused = await s3.complete('mp/once', uploadId, [part], { 'if-none-match': '*' })
      t.equal(refused.outcome, '412 PreconditionFailed')
      t.equal((await s3.get('mp/once')).text, 'one')
      await s3.send('DELETE', 'mp/once')
      t.equal((await s3.complete('mp/once', uploadId, [part], { 'if-none-match': '*' })).outcome, '200')
    },
  },
  {
    name: 'ListParts pages by part number',
    async run(t, { s3 }) {
      const uploadId = await s3.create('mp/parts')
      for (const number of [1, 2, 5]) await s3.named('mp/parts', uploadId, number, `part ${number}`)
      const list = (query: Record<string, string>): ReturnType<typeof s3.send> =>
        s3.send('GET', 'mp/parts', { query: { uploadId, ...query } })
      const all = await list({})
      t.same(all.elements('PartNumber'), ['1', '2', '5'])
      t.same(all.elements('Size'), ['6', '6', '6'])
      t.equal(all.elements('ETag')[2], `"${md5('part 5', 'hex')}"`)
      const first = await list({ 'max-parts': '2' })
      t.same(first.elements('PartNumber'), ['1', '2'])
      t.same([first.element('IsTruncated'), first.element('NextPartNumberMarker')], ['true', '2'])
      const second = await list({ 'max-parts': '2', 'part-number-marker': '2' })
      t.same(second.elements('PartNumber'), ['5'])
      t.equal(second.element('IsTruncated'), 'false')
    },
  },
  {
    name: 'ListMultipartUploads finds by prefix, in pages',
    async run(t, { s3 }) {
      const keys = ['mpl/a', 'mpl/b', 'mpl/b', 'mpl/c']
      const ids: string[] = []
      for (const key of keys) ids.push(await s3.create(key))
      const list = (query: Record<string, string>): ReturnType<typeof s3.send> =>
        s3.send('GET', undefined, { query: { uploads: '', prefix: 'mpl/', ...query } })
      const all = await list({})
      t.same(all.elements('Key'), keys)
      t.same(all.elements('UploadId').sort(), [...ids].sort())
      t.same((await list({ prefix: 'mpl/b' })).elements('Key'), ['mpl/b', 'mpl/b'])
      const first = await list({ 'max-uploads': '1' })
      t.same([first.elements('Key'), first.element('IsTruncated')], [['mpl/a'], 'true'])
      t.same((await list({ 'key-marker': 'mpl/a' })).elements('Key'), keys.slice(1))
    },
  },
  {
    name: 'ListMultipartUploads pages within the uploads of a key',
    exception: 'upload-id-marker',
    async run(t, { s3 }) {
      const ids: string[] = []
      for (const key of ['mpi/a', 'mpi/a', 'mpi/a', 'mpi/b']) ids.push(await s3.create(key))
      for (const aborting of [false, true]) {
        const found: string[] = []
        let marker: Record<string, string> = {}
        for (let page = 0; page < 10; page++) {
          const query = { uploads: '', prefix: 'mpi/', 'max-uploads': '1', ...marker }
          const answer = await s3.send('GET', undefined, { query })
          const uploadId = answer.element('UploadId') ?? ''
          found.push(uploadId)
          if (aborting) await s3.send('DELETE', answer.element('Key'), { query: { uploadId } })
          if (answer.element('IsTruncated') !== 'true') break
          marker = {
            'key-marker': answer.element('NextKeyMarker') ?? '',
            'upload-id-marker': answer.element('NextUploadIdMarker') ?? '',
          }
        }
        t.same(found, ids, aborting ? 'also when each is aborted at once' : 'in the order of initiation')
      }
    },
  },
]
