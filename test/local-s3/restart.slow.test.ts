import { createHash, randomBytes } from 'node:crypto'
import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LocalS3 } from '../../dev/local-s3/index.js'
import { BucketClient, checksumsOf } from '../contract/bucket-client.js'
import { RawClient } from '../contract/raw-client.js'
import { filesBelow, IDENTITY } from './support.js'

const FIRST = randomBytes(5 * 1024 * 1024)

async function open(
  directory: string,
): Promise<{ server: LocalS3; s3: BucketClient; close: () => Promise<void> }> {
  const server = await LocalS3.start({ directory })
  const client = new RawClient(server.endpoint, IDENTITY)
  const close = async (): Promise<void> => {
    client.close()
    await server.close()
  }
  return { server, s3: new BucketClient(client, 'bucket-1'), close }
}

await t.test('everything is there again after a restart', async t => {
  const directory = t.testdir()
  const before = await open(directory)
  await before.s3.send('PUT', undefined)
  const headers = { 'x-amz-meta-a': 'b', 'content-type': 'a/b', 'x-amz-storage-class': 'STANDARD_IA' }
  await before.s3.put('plain', 'hello', { headers })
  await before.s3.put('gone', 'x')
  await before.s3.send('DELETE', 'gone')
  const done = await before.s3.create('parts')
  const parts = [
    await before.s3.named('parts', done, 1, FIRST),
    await before.s3.named('parts', done, 2, 'end'),
  ]
  await before.s3.complete('parts', done, parts)
  const uploadId = await before.s3.create('going on', headers)
  const first = await before.s3.named('going on', uploadId, 1, FIRST)
  const wanted = await Promise.all(['plain', 'parts'].map(key => before.s3.head(key)))
  await before.close()
  const after = await open(directory)
  t.same((await after.s3.list()).elements('Key'), ['parts', 'plain'])
  for (const [position, key] of ['plain', 'parts'].entries()) {
    const head = await after.s3.head(key)
    for (const name of [
      'etag',
      'last-modified',
      'content-length',
      'content-type',
      'x-amz-meta-a',
      'x-amz-storage-class',
    ]) {
      t.equal(head.header(name), wanted[position]?.header(name), `${key}: ${name}`)
    }
    t.same(checksumsOf(head), checksumsOf(wanted[position]!))
  }
  t.ok((await after.s3.get('parts')).body.equals(Buffer.concat([FIRST, Buffer.from('end')])))
  t.equal(
    (await after.s3.complete('parts', done, parts)).outcome,
    '200',
    'a repeated Complete is still known',
  )
  const listed = await after.s3.send('GET', 'going on', { query: { uploadId } })
  t.equal(listed.element('ETag'), first.etag)
  const second = await after.s3.named('going on', uploadId, 2, 'end')
  t.equal((await after.s3.complete('going on', uploadId, [first, second])).outcome, '200')
  const head = await after.s3.head('going on')
  t.same([head.header('x-amz-meta-a'), head.header('x-amz-storage-class')], ['b', 'STANDARD_IA'])
  await after.close()
})

await t.test('what a killed server left half done is swept', async t => {
  const directory = t.testdir()
  const first = await open(directory)
  await first.s3.send('PUT', undefined)
  await first.s3.put('k', 'hello')
  const uploadId = await first.s3.create('k2')
  const part = await first.s3.named('k2', uploadId, 1, 'part')
  const bucket = join(directory, 'buckets', 'bucket-1')
  // As if the process had died between the object's record and the end of its upload.
  cpSync(join(bucket, 'uploads', uploadId), join(directory, 'kept'), { recursive: true })
  await first.s3.complete('k2', uploadId, [part])
  await first.close()
  cpSync(join(directory, 'kept'), join(bucket, 'uploads', uploadId), { recursive: true })
  writeFileSync(join(bucket, 'data', '0'.repeat(32)), 'bytes of an upload that was cut off')
  writeFileSync(
    join(bucket, 'objects', `${createHash('sha256').update('x').digest('hex')}.json.tmp`),
    '{"key":',
  )
  const second = await open(directory)
  t.same((await second.s3.list()).elements('Key'), ['k', 'k2'])
  t.equal((await second.s3.get('k2')).text, 'part', 'the bytes of the object are not taken for leftovers')
  t.same(readdirSync(join(bucket, 'uploads')), [])
  t.equal(readdirSync(join(bucket, 'data')).length, 2)
  t.equal((await second.s3.send('GET', undefined, { query: { uploads: '' } })).elements('UploadId').length, 0)
  await second.close()
})

await t.test('overwriting and deleting leaves no bytes behind', async t => {
  const directory = t.testdir()
  const { s3, close } = await open(directory)
  await s3.send('PUT', undefined)
  const uploadId = await s3.create('u')
  await s3.named('u', uploadId, 1, 'a')
  await s3.named('u', uploadId, 1, 'b')
  await s3.named('u', uploadId, 2, 'c')
  await s3.send('DELETE', 'u', { query: { uploadId } })
  for (const text of ['one', 'two', 'three']) await s3.put('k', text)
  const unused = await s3.create('k')
  await s3.named('k', unused, 1, 'not chosen')
  await s3.complete('k', unused, [await s3.named('k', unused, 2, 'chosen')])
  t.equal((await s3.get('k')).text, 'chosen')
  await s3.send('DELETE', 'k')
  await close()
  t.same(filesBelow(directory), ['buckets/bucket-1/bucket.json'])
})

await t.test('a directory or a port that cannot be used is told', async t => {
  const directory = t.testdir({ file: 'no directory' })
  await t.rejects(LocalS3.start({ directory: join(directory, 'file') }), { code: 'LOCAL_S3_DIRECTORY' })
  const server = await LocalS3.start({ directory })
  await t.rejects(LocalS3.start({ directory, port: server.port }), { code: 'LOCAL_S3_LISTEN' })
  await server.close()
})
