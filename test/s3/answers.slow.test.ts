import { randomBytes } from 'node:crypto'

import { crc64nvme } from 'tablesnap-io'
import t, { type Test } from 'tap'

import { faults, type Fault, type LocalS3, type LocalS3Options } from '../../dev/local-s3/index.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { encode64 } from '../../src/s3/checksum.js'
import type { S3Client } from '../../src/s3/client.js'
import {
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
  type PartInfo,
} from '../../src/s3/multipart.js'
import { getObject, getRange, headObject, putObject } from '../../src/s3/object.js'
import { testBucket } from '../support/bucket.js'
import { SHORT, answer, clientOf, failure, settingsOf, wire, type More } from './support.js'

const BODY = randomBytes(3_000_000)
const GUARDED = { body: BODY, headers: { 'X-Amz-Checksum-Crc64nvme': encode64(crc64nvme(BODY)) } }

const PLAIN = { headers: {}, ifAbsent: false }

async function start(
  t: Test,
  options: More = {},
  serverOptions: Partial<LocalS3Options> = {},
): Promise<{ server: LocalS3; client: S3Client; put: (key: string) => ReturnType<typeof putObject> }> {
  const { server } = await testBucket(t, serverOptions)
  const client = clientOf(t, settingsOf(server.endpoint), options)
  await ensureBucket(client, true)
  const put = (key: string) => putObject(client, key, GUARDED, { headers: {}, ifAbsent: true })
  return { server, client, put }
}

await t.test('a PUT gets through whatever happens to its first attempts', async t => {
  const { server, client, put } = await start(t, { timeouts: SHORT })
  const cases: Record<string, Fault[]> = {
    'busy, thrice': [faults.slowDown(), faults.tooManyRequests(), faults.internalError()],
    'busy, before the body is read': [faults.slowDown({ when: 'early' })],
    'busy, and the connection closed': [faults.slowDown({ when: 'early-close' })],
    'reset before the body': [faults.reset()],
    'reset within the body': [faults.reset(1_000_000)],
    'reset at its end': [faults.reset(BODY.length)],
    'never answered': [faults.silence()],
    'answered late, but in time': [faults.delay(100)],
  }
  for (const [name, script] of Object.entries(cases)) {
    for (const fault of script) server.faults.add({ on: 'PutObject', fault })
    await put(name)
    t.ok((await getObject(client, name)).body.equals(BODY), name)
    t.equal(server.faults.pending, 0)
  }
})

await t.test('a stored object whose answer was lost is reported as taken', async t => {
  const { server, put } = await start(t)
  server.faults.add({ on: 'PutObject', fault: faults.loseAnswer() })
  t.match(await failure(put('k')), { status: 412, s3Code: 'PreconditionFailed', retry: false })
})

await t.test('a body that is damaged on the way is refused and sent again', async t => {
  const { server, client } = await start(t)
  const body = Buffer.from(BODY)
  let attempts = 0
  // Half a body that is not what its checksum was made of, and is the second time.
  async function* chunks(): AsyncGenerator<Buffer> {
    const wrong = attempts++ === 0
    for (let at = 0; at < body.length; at += 1_000_000) {
      const piece = Buffer.from(body.subarray(at, at + 1_000_000))
      if (wrong) piece[0]! ^= 1
      await Promise.resolve()
      yield piece
    }
  }
  const chunked = { bytes: body.length, chunks }
  await putObject(client, 'k', { ...GUARDED, body: chunked }, { headers: {}, ifAbsent: true })
  t.equal(attempts, 2)
  const puts = server.requests.filter(request => request.operation === 'PutObject')
  t.same(
    puts.map(({ status, error }) => [status, error]),
    [
      [400, 'BadDigest'],
      [200, undefined],
    ],
  )
  t.ok((await getObject(client, 'k')).body.equals(body))
})

await t.test('a GET is whole or is done again', async t => {
  const { server, client, put } = await start(t, { timeouts: SHORT })
  await put('k')
  for (const fault of [
    faults.truncate(0),
    faults.truncate(1_000_000),
    faults.reset(),
    faults.silence(),
    faults.trickle(1_000_000, 50),
    faults.internalError(),
  ]) {
    server.faults.add({ on: 'GetObject', fault })
    const memory = Buffer.alloc(BODY.length)
    t.ok((await getObject(client, 'k', { into: memory })).body.equals(BODY), fault.kind)
    server.faults.add({ on: 'GetObject', fault })
    const { etag } = (await headObject(client, 'k'))!
    const into = Buffer.alloc(1000)
    await getRange(client, 'k', { start: 5000, etag, into })
    t.ok(into.equals(BODY.subarray(5000, 6000)), `${fault.kind}: a range`)
    t.equal(server.faults.pending, 0)
  }
  const other = getRange(client, 'k', { start: 0, etag: '0'.repeat(32), into: Buffer.alloc(10) })
  t.match(await failure(other), { status: 412 })
  t.match(await failure(getObject(client, 'nothing')), { status: 404, s3Code: 'NoSuchKey' })
})

await t.test('CompleteMultipartUpload', async t => {
  const { server, client } = await start(t, { timeouts: SHORT })
  const complete = async (key: string, ...script: Fault[]): Promise<unknown> => {
    const id = await createMultipartUpload(client, key, { 'X-Amz-Checksum-Algorithm': 'CRC64NVME' })
    const part: PartInfo = await uploadPart(client, key, id, 1, GUARDED)
    t.match(await listParts(client, key, id), [{ number: 1, size: BODY.length, etag: part.etag }])
    for (const fault of script) server.faults.add({ on: 'CompleteMultipartUpload', fault })
    const headers = { ...GUARDED.headers, 'X-Amz-Checksum-Type': 'FULL_OBJECT' }
    return completeMultipartUpload(client, key, id, [part], { headers, ifAbsent: true })
  }
  const checksums = { crc64nvme: crc64nvme(BODY), type: 'FULL_OBJECT' }
  t.match(await complete('plain'), { checksums })

  t.match(await complete('error', faults.errorBody('InternalError'), faults.errorBody('SlowDown')), {
    checksums,
  })
  t.match(await complete('conflict', faults.answer(409, 'ConditionalRequestConflict')), { checksums })
  t.match(await complete('reset', faults.reset(), faults.slowDown(), faults.silence()), { checksums })
  t.match(await complete('cut', faults.answer(500, 'InternalError')), { checksums })
  t.equal(server.faults.pending, 0)

  for (const code of ['PreconditionFailed', 'InvalidPart', 'NoSuchUpload']) {
    const before = server.requests.length
    const error = await failure(complete(code, faults.errorBody(code)))
    t.match(error, { status: 200, s3Code: code, retry: false }, 'what 200 cannot mend')
    t.equal(server.requests.length - before, 4, 'is asked once')
  }

  t.match(await complete('lost', faults.loseAnswer()), { checksums }, 'a server that remembers')
})

await t.test('a Complete whose answer was lost, on a server that forgets finished uploads', async t => {
  const { server, client } = await start(t, {}, { forgetUploads: true })
  const id = await createMultipartUpload(client, 'k', {})
  const part = await uploadPart(client, 'k', id, 1, GUARDED)
  server.faults.add({ on: 'CompleteMultipartUpload', fault: faults.loseAnswer() })
  const error = await failure(
    completeMultipartUpload(client, 'k', id, [part], { headers: {}, ifAbsent: true }),
  )
  t.match(error, { s3Code: /^(PreconditionFailed|NoSuchUpload)$/, retry: false })
  t.equal((await headObject(client, 'k'))?.size, BODY.length, 'it is there')
})

await t.test('an answer that Amazon keeps alive with spaces', async t => {
  const { endpoint } = await wire(t, socket => {
    socket.once('data', () => {
      const xml =
        '<?xml version="1.0"?>\n<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>'
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`)
      const parts = [' ', '\n', ' ', xml]
      const next = (): void => {
        const part = parts.shift()
        if (part === undefined) socket.write('0\r\n\r\n')
        else {
          socket.write(`${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`)
          setTimeout(next, 150)
        }
      }
      next()
    })
  })
  const client = clientOf(t, settingsOf(endpoint), { timeouts: SHORT })
  const part: PartInfo = { number: 1, etag: 'x', checksums: { type: 'FULL_OBJECT' } }
  t.equal((await completeMultipartUpload(client, 'k', 'u', [part], PLAIN)).etag, 'e-1')
})

await t.test('an answer without the length that its head promises', async t => {
  let cuts = 2
  const { endpoint } = await wire(t, socket => {
    socket.on('data', () => {
      if (cuts-- > 0) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
      else socket.write(answer(200, '0123456789', { ETag: '"e"' }))
    })
  })
  const client = clientOf(t, settingsOf(endpoint))
  t.equal((await getObject(client, 'k')).body.toString(), '0123456789')
})

await t.test('a proxy that limits the size of a request is told from the server', async t => {
  const { endpoint } = await wire(t, socket => {
    socket.once('data', () => socket.end(answer(413, '<html>413 Request Entity Too Large</html>')))
  })
  const client = clientOf(t, settingsOf(endpoint))
  const error = await failure(putObject(client, 'k', GUARDED, { headers: {}, ifAbsent: false }))
  t.match(error, {
    status: 413,
    retry: false,
    message:
      /^PutObject: 413 ContentTooLarge.*a proxy in front of the server limits.*client_max_body_size.*--multipart-chunk-size/,
  })
})

await t.test('a bucket', async t => {
  const { server } = await testBucket(t)
  const client = clientOf(t, settingsOf(server.endpoint))
  t.match(await failure(ensureBucket(client, false)), {
    s3Code: 'NoSuchBucket',
    message: /bucket bucket does not exist/,
  })
  server.faults.add({ on: 'CreateBucket', fault: faults.loseAnswer() })
  t.type(await ensureBucket(client, true), 'boolean', 'made, though its answer was lost')
  t.equal(await ensureBucket(client, true), false)
  server.faults.add({ on: 'HeadBucket', fault: faults.answer(403, 'AccessDenied') })
  t.equal(
    await ensureBucket(client, false),
    false,
    'an account that may list, but not ask for the bucket itself',
  )
  server.faults.add({ on: 'HeadBucket', fault: faults.answer(403, 'AccessDenied') })
  server.faults.add({ on: 'ListObjectsV2', fault: faults.answer(403, 'AccessDenied') })
  t.match(await failure(ensureBucket(client, false)), { s3Code: 'AccessDenied', message: /s3:ListBucket/ })

  server.faults.add({ on: 'HeadBucket', fault: faults.answer(404, 'NoSuchBucket') })
  server.faults.add({ on: 'CreateBucket', fault: faults.answer(409, 'BucketAlreadyExists') })
  t.equal(await ensureBucket(client, true), false, 'another node was faster')
  server.faults.add({ on: 'HeadBucket', fault: faults.answer(404, 'NoSuchBucket') })
  server.faults.add({ on: 'HeadBucket', fault: faults.answer(403, 'AccessDenied') })
  server.faults.add({ on: 'CreateBucket', fault: faults.answer(409, 'BucketAlreadyExists') })
  const error = await failure(ensureBucket(client, true))
  t.match(error, { s3Code: 'BucketAlreadyExists', message: /belongs to somebody else/ })
  t.equal(server.faults.pending, 0)
})
