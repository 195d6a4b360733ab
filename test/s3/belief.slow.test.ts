import { crc64nvme } from 'tablesnap-io'
import t, { type Test } from 'tap'

import { ensureBucket } from '../../src/s3/bucket.js'
import { encode64 } from '../../src/s3/checksum.js'
import type { S3Client } from '../../src/s3/client.js'
import { listObjects } from '../../src/s3/list.js'
import { completeMultipartUpload, createMultipartUpload, uploadPart } from '../../src/s3/multipart.js'
import { getObject, headObject, putObject } from '../../src/s3/object.js'
import { testBucket, type TestBucket } from '../support/bucket.js'
import { errorAnswer, page, unfaithful, type Given, type Unfaithful } from '../support/unfaithful.js'
import { Heard, clientOf, failure, settingsOf } from './support.js'

const BODY = Buffer.from('what is to be stored')
const GUARDED = { body: BODY, headers: { 'X-Amz-Checksum-Crc64nvme': encode64(crc64nvme(BODY)) } }

interface Between {
  readonly bucket: TestBucket
  readonly client: S3Client
  readonly notes: string[]
}

/** A server, and a client that has somebody unfaithful before it. */
async function between(t: Test, change: Unfaithful): Promise<Between> {
  const bucket = await testBucket(t)
  await ensureBucket(bucket.client, true)
  const endpoint = await unfaithful(t, bucket.server.endpoint, change)
  const listener = new Heard()
  const client = clientOf(t, settingsOf(endpoint), { listener })
  return { bucket, client, notes: listener.notes }
}

/** Whether the write is that of a part, which needs its ETag. */
let isPart = false

/** Answers of a status that says that all went well, by somebody who has stored nothing. */
const EMPTY_PROMISES: Record<string, () => Given> = {
  'nothing but 200': () => ({ status: 200, headers: { 'content-length': 0 }, body: Buffer.alloc(0) }),
  'a checksum alone': () => ({
    status: 200,
    headers: { 'content-length': 0, ...(isPart ? GUARDED.headers : {}) },
    body: Buffer.alloc(0),
  }),
  'a page of HTML': page,
  'a page of HTML with an ETag': () => ({ ...page(), headers: { etag: '"65f-264"' } }),
  'an <Error>': () => errorAnswer(200, 'InternalError'),
  'an <Error> with an ETag': () => {
    const { body, headers } = errorAnswer(200, 'SlowDown')
    return { status: 200, headers: { ...headers, etag: '"x"' }, body }
  },
}

for (const [what, answer] of Object.entries(EMPTY_PROMISES)) {
  await t.test(`a write that is answered by ${what} is done again`, async t => {
    let left = 0
    const { bucket, client, notes } = await between(t, {
      request: ({ method, url }) =>
        (method === 'PUT' || url.searchParams.has('uploadId')) && left-- > 0 ? answer() : undefined,
    })
    left = 2
    const { etag } = await putObject(client, 'k', GUARDED, { headers: {}, ifAbsent: true })
    t.not(etag, '')
    t.ok((await bucket.get('k')).body.equals(BODY))
    const id = await createMultipartUpload(client, 'parts', {})
    left = 2
    isPart = true
    const part = await uploadPart(client, 'parts', id, 1, GUARDED)
    t.not(part.etag, '')
    isPart = false
    left = 2
    await completeMultipartUpload(client, 'parts', id, [part], { headers: {}, ifAbsent: true })
    t.ok((await bucket.get('parts')).body.equals(BODY))
    t.same(notes, [], 'it says nothing of what the server can do')
    t.equal(client.overwriting.state, 'unknown')
    left = Infinity
    t.match(
      await failure(putObject(client, 'never', GUARDED, { headers: {}, ifAbsent: true })),
      { retry: true, operation: 'PutObject', key: 'never', status: 200 },
      'a failure that may pass',
    )
  })
}

await t.test('a body that arrives damaged is sent again, whatever the server calls it', async t => {
  for (const [status, code] of [
    [400, 'BadRequest'],
    [400, 'BadDigest'],
    [500, 'InternalError'],
  ] as const) {
    let left = 2
    const { bucket, client, notes } = await between(t, {
      request: ({ method }) => (method === 'PUT' && left-- > 0 ? errorAnswer(status, code) : undefined),
    })
    await putObject(client, 'k', GUARDED, { headers: {}, ifAbsent: true })
    const puts = bucket.server.requests.filter(({ operation }) => operation === 'PutObject')
    t.equal(puts.length, 1)
    t.match(puts[0]?.headers, { 'if-none-match': '*', 'x-amz-checksum-crc64nvme': /./ }, `${status} ${code}`)
    t.same(notes, [])
  }
})

await t.test('a server that refuses If-None-Match can be written to; that is found out once', async t => {
  const { bucket, client, notes } = await between(t, {
    request: ({ headers }) =>
      headers['if-none-match'] === undefined ? undefined : errorAnswer(501, 'NotImplemented'),
  })
  const put = (key: string) => putObject(client, key, GUARDED, { headers: {}, ifAbsent: true })
  await put('a')
  await put('b')
  t.match(await failure(put('a')), { status: 412, s3Code: 'PreconditionFailed' }, 'what is there stays')
  const id = await createMultipartUpload(client, 'c', {})
  const part = await uploadPart(client, 'c', id, 1, GUARDED)
  await completeMultipartUpload(client, 'c', id, [part], { headers: {}, ifAbsent: true })
  t.equal(notes.length, 1)
  t.match(notes[0], /no conditional writes/)
  t.same(
    (await bucket.list()).map(({ key }) => key),
    ['a', 'b', 'c'],
  )
})

await t.test('a length that the answer to HEAD lacks comes from elsewhere', async t => {
  for (const [what, change] of Object.entries<Unfaithful>({
    'from a range': {},
    'from LIST': { request: ({ headers }) => (headers.range === undefined ? undefined : page()) },
  })) {
    const { bucket, client } = await between(t, {
      ...change,
      response: ({ method, headers }, given) => {
        if (method === 'HEAD') delete given.headers['content-length']
        // A server that looks past ranges.
        if (what === 'from LIST' && headers.range !== undefined) given.status = 200
      },
    })
    for (const [key, body] of [
      ['empty', Buffer.alloc(0)],
      ['k', BODY],
      ['k2', Buffer.alloc(5)],
    ] as const) {
      await putObject(bucket.client, key, { body, headers: {} }, { headers: {}, ifAbsent: true })
      t.match(await headObject(client, key), { size: body.length, etag: /./ }, `${key}, ${what}`)
    }
    t.equal(await headObject(client, 'nothing'), undefined)
  }
})

await t.test('a page of HTML in place of an object is no object', async t => {
  const { bucket, client } = await between(t, { request: () => page() })
  await putObject(bucket.client, 'k', GUARDED, { headers: {}, ifAbsent: true })
  for (const call of [headObject(client, 'k'), getObject(client, 'k')]) {
    t.match(await failure(call), { retry: true, message: /is this an S3 server/ })
  }
  const list = (async () => {
    for await (const object of listObjects(client, { prefix: '' })) t.fail(object.key)
  })()
  t.match(await failure(list), { message: /is this an S3 server/ })
})

await t.test('a 307 is followed once, with method and body', async t => {
  const { server, client: direct } = await testBucket(t)
  await ensureBucket(direct, true)
  let seen = 0
  const elsewhere = (target: string) =>
    unfaithful(t, server.endpoint, {
      request: ({ url, headers }) => {
        seen++
        if (headers['x-amz-meta-loop'] !== undefined || !url.pathname.startsWith('/bucket')) return undefined
        return {
          status: 307,
          headers: { location: `${target}${url.pathname}${url.search}` },
          body: Buffer.from('<Error><Code>TemporaryRedirect</Code></Error>'),
        }
      },
    })
  const client = clientOf(t, settingsOf(await elsewhere(server.endpoint)))
  const key = 'a key/with ünïcödé + %'
  await putObject(client, key, GUARDED, { headers: { 'X-Amz-Meta-a': 'b' }, ifAbsent: true })
  t.match(await headObject(client, key), { size: BODY.length, metadata: { a: 'b' } })
  t.ok((await getObject(client, key)).body.equals(BODY))
  t.equal(seen, 3)

  const loop = clientOf(t, settingsOf(await elsewhere(await elsewhere(server.endpoint))))
  t.match(await failure(getObject(loop, key)), {
    status: 307,
    retry: false,
    message: /sends the request elsewhere/,
  })
  t.equal(seen, 5, 'no further')
})

await t.test('an account that may list its own keys only has its bucket', async t => {
  const asked: string[] = []
  const bucket = await testBucket(t)
  await ensureBucket(bucket.client, true)
  const endpoint = await unfaithful(t, bucket.server.endpoint, {
    request: ({ method, url }) => {
      const prefix = url.searchParams.get('prefix')
      if (prefix !== null) asked.push(prefix)
      if (prefix?.startsWith('.tablesnap/node1/') === true) return undefined
      return method === 'HEAD'
        ? { status: 403, headers: {}, body: Buffer.alloc(0) }
        : errorAnswer(403, 'AccessDenied')
    },
  })
  const client = clientOf(t, settingsOf(endpoint), { ownPrefix: '.tablesnap/node1/' })
  t.equal(await ensureBucket(client, true), false)
  t.same(asked, ['.tablesnap/node1/'])
  const curious = clientOf(t, settingsOf(endpoint))
  t.match(await failure(ensureBucket(curious, true)), { s3Code: 'AccessDenied' })
})
