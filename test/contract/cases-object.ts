import type { ContractCase } from './contract-case.js'
import { checksum, checksumsOf, md5, type BucketClient } from './bucket-client.js'
import type { RawAnswer } from './raw-client.js'

function deletion(keys: readonly string[], options = ''): string {
  const names = keys.map(key => key.replaceAll('&', '&amp;').replaceAll('<', '&lt;'))
  return `<Delete>${options}${names.map(key => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`
}

function deleteMany(s3: BucketClient, body: string, headers: Record<string, string>): Promise<RawAnswer> {
  return s3.send('POST', undefined, { query: { delete: '' }, headers, body })
}

export const objectCases: readonly ContractCase[] = [
  {
    name: 'what was put comes back, under its MD5',
    async run(t, { s3 }) {
      const put = await s3.put('object/plain', 'hello')
      t.equal(put.header('etag'), `"${md5('hello', 'hex')}"`)
      const got = await s3.get('object/plain')
      t.equal(got.text, 'hello')
      t.equal(got.header('etag'), put.header('etag'))
      t.equal(got.header('content-length'), '5')
      t.equal(got.header('accept-ranges'), 'bytes')
      t.ok(Math.abs(Date.parse(got.header('last-modified') ?? '') - Date.now()) < 60_000)
      t.ok(Math.abs(Date.parse(got.header('date') ?? '') - Date.now()) < 60_000, 'Date is the time')
      const head = await s3.head('object/plain')
      t.equal(head.status, 200)
      t.equal(head.header('content-length'), '5')
      t.equal(head.body.length, 0)
    },
  },
  {
    name: 'an object of no bytes is an object',
    async run(t, { s3 }) {
      t.equal((await s3.put('object/zero', '')).outcome, '200')
      const head = await s3.head('object/zero')
      t.equal(head.header('content-length'), '0')
      t.equal(checksumsOf(head)['crc64nvme'], checksum('crc64nvme', ''))
      t.equal((await s3.get('object/zero')).body.length, 0)
    },
  },
  {
    name: 'the last of two writes wins',
    async run(t, { s3 }) {
      await s3.put('object/twice', 'one', { headers: { 'x-amz-meta-a': '1' } })
      await s3.put('object/twice', 'three')
      const got = await s3.get('object/twice')
      t.equal(got.text, 'three')
      t.equal(got.header('x-amz-meta-a'), undefined)
    },
  },
  {
    name: 'metadata and the headers of its kind come back as they were',
    async run(t, { s3 }) {
      const headers = {
        'x-amz-meta-stat': '{"mode": 33188, "user": "cass\\"andra", "path": "/var/lib/a b"}',
        'x-amz-meta-utf8': '=?UTF-8?B?w6k=?=',
        'content-type': 'application/x-sstable',
        'cache-control': 'no-store',
        'content-disposition': 'attachment',
        'content-language': 'en',
      }
      t.equal((await s3.put('object/meta', 'x', { headers })).outcome, '200')
      for (const answer of [await s3.head('object/meta'), await s3.get('object/meta')]) {
        for (const [name, value] of Object.entries(headers)) t.equal(answer.header(name), value, name)
      }
    },
  },
  {
    name: 'more than 2 KB of metadata is 400 MetadataTooLarge',
    async run(t, { s3 }) {
      const answer = await s3.put('object/big-meta', 'x', { headers: { 'x-amz-meta-a': 'x'.repeat(3000) } })
      t.equal(answer.outcome, '400 MetadataTooLarge')
      t.notOk(await s3.exists('object/big-meta'))
    },
  },
  {
    name: 'If-None-Match: * writes only what is not there',
    async run(t, { s3 }) {
      const headers = { 'if-none-match': '*' }
      t.equal((await s3.put('object/once', 'one', { headers })).outcome, '200')
      t.equal((await s3.put('object/once', 'two', { headers })).outcome, '412 PreconditionFailed')
      t.equal((await s3.get('object/once')).text, 'one')
    },
  },
  {
    name: 'If-Match writes only over what it names',
    async run(t, { s3 }) {
      await s3.put('object/match', 'one')
      const wrong = await s3.put('object/match', 'two', { headers: { 'if-match': `"${md5('x', 'hex')}"` } })
      t.equal(wrong.outcome, '412 PreconditionFailed')
      t.equal((await s3.get('object/match')).text, 'one')
      const right = await s3.put('object/match', 'two', { headers: { 'if-match': `"${md5('one', 'hex')}"` } })
      t.equal(right.outcome, '200')
    },
  },
  {
    name: 'of ten writers with If-None-Match: * one wins',
    async run(t, { s3 }) {
      const headers = { 'if-none-match': '*' }
      const writers = Array.from({ length: 10 }, (_, number) =>
        s3.put('object/race', `writer ${number}`, { headers }),
      )
      const outcomes = (await Promise.all(writers)).map(answer => answer.status).sort()
      t.equal(outcomes[0], 200)
      t.ok(
        outcomes.slice(1).every(status => status === 412 || status === 409),
        outcomes.join(' '),
      )
    },
  },
  {
    name: 'deleting is 204, whether there was something or not',
    async run(t, { s3 }) {
      await s3.put('object/gone', 'x')
      t.equal(
        (await s3.send('DELETE', 'object/gone', { headers: { 'if-match': '"0"' } })).outcome,
        '412 PreconditionFailed',
      )
      t.equal((await s3.send('DELETE', 'object/gone')).status, 204)
      t.equal((await s3.send('DELETE', 'object/gone')).status, 204)
      t.equal((await s3.get('object/gone')).outcome, '404 NoSuchKey')
    },
  },
  {
    name: 'DeleteObjects wants a digest, and tells what it did',
    async run(t, { s3 }) {
      const keys = ['object/d 1', 'object/d&<2>', 'object/none']
      for (const key of keys.slice(0, 2)) await s3.put(key, 'x')
      const body = deletion(keys)
      t.equal((await deleteMany(s3, body, {})).outcome, '400 InvalidRequest')
      t.equal((await deleteMany(s3, body, { 'content-md5': md5('other') })).outcome, '400 BadDigest')
      const wrong = await deleteMany(s3, body, { 'x-amz-checksum-crc32': checksum('crc32', 'other') })
      t.equal(wrong.outcome, '400 BadDigest')
      t.ok(await s3.exists('object/d 1'), 'a refusal deletes nothing')
      const done = await deleteMany(s3, body, { 'content-md5': md5(body) })
      t.same(done.elements('Key').sort(), [...keys].sort())
      for (const key of keys) t.notOk(await s3.exists(key), key)
      const headers = { 'x-amz-checksum-crc64nvme': checksum('crc64nvme', body) }
      t.equal((await deleteMany(s3, body, headers)).outcome, '200', 'a checksum will do as well')
    },
  },
  {
    name: 'DeleteObjects can be quiet, and wants well-formed XML',
    exception: 'delete-objects',
    async run(t, { s3 }) {
      await s3.put('object/quiet', 'x')
      const body = deletion(['object/quiet', 'object/none'], '<Quiet>true</Quiet>')
      const cut = await deleteMany(s3, '<Delete>', { 'content-md5': md5('<Delete>') })
      t.equal(cut.outcome, '400 MalformedXML')
      const done = await deleteMany(s3, body, { 'x-amz-checksum-crc32': checksum('crc32', body) })
      t.same([done.status, done.elements('Key')], [200, []])
      t.notOk(await s3.exists('object/quiet'))
    },
  },
  {
    name: 'CopyObject copies bytes and metadata',
    async run(t, { s3 }) {
      await s3.put('object/source é+%', 'copied', { headers: { 'x-amz-meta-a': 'b' } })
      const source = `/${s3.bucket}/object/source%20%C3%A9%2B%25`
      const answer = await s3.send('PUT', 'object/copy', { headers: { 'x-amz-copy-source': source } })
      t.equal(answer.outcome, '200')
      const got = await s3.get('object/copy')
      t.equal(got.text, 'copied')
      t.equal(got.header('x-amz-meta-a'), 'b')
      const none = await s3.send('PUT', 'object/copy2', {
        headers: { 'x-amz-copy-source': `/${s3.bucket}/object/nothing` },
      })
      t.equal(none.outcome, '404 NoSuchKey')
    },
  },
  {
    name: 'the encryption asked for is answered',
    exception: 'encryption-echo',
    async run(t, { s3 }) {
      const name = 'x-amz-server-side-encryption'
      const put = await s3.put('object/sse', 'x', { headers: { [name]: 'AES256' } })
      t.equal(put.header(name), 'AES256')
      t.equal((await s3.head('object/sse')).header(name), 'AES256')
      const keyed = { [name]: 'aws:kms', [`${name}-aws-kms-key-id`]: 'arn:aws:kms:us-east-1:1:key/k' }
      const kms = await s3.put('object/kms', 'x', { headers: keyed })
      t.equal(kms.header(`${name}-aws-kms-key-id`), 'arn:aws:kms:us-east-1:1:key/k')
      t.not(kms.header('etag'), `"${md5('x', 'hex')}"`, 'the entity tag is no MD5 then')
      t.equal((await s3.get('object/kms')).header(name), 'aws:kms')
      t.equal((await s3.put('object/bad', 'x', { headers: { [name]: 'rot13' } })).status, 400)
      const uploadId = await s3.create('object/sse-parts', keyed)
      const part = await s3.named('object/sse-parts', uploadId, 1, 'x')
      t.equal((await s3.complete('object/sse-parts', uploadId, [part])).header(name), 'aws:kms')
    },
  },
  {
    name: 'the storage class asked for is kept',
    exception: 'storage-class',
    async run(t, { s3 }) {
      const name = 'x-amz-storage-class'
      for (const value of ['STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA', 'GLACIER']) {
        const key = `object/class-${value}`
        t.equal((await s3.put(key, 'x', { headers: { [name]: value } })).outcome, '200')
        t.equal((await s3.head(key)).header(name), value === 'STANDARD' ? undefined : value)
        t.equal((await s3.list({ prefix: key })).element('StorageClass'), value)
      }
      t.equal((await s3.get('object/class-GLACIER')).outcome, '403 InvalidObjectState')
      t.equal(
        (await s3.put('object/class-no', 'x', { headers: { [name]: 'NO' } })).outcome,
        '400 InvalidStorageClass',
      )
    },
  },
]
