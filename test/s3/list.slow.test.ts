import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import t, { type Test } from 'tap'

import { ensureBucket } from '../../src/s3/bucket.js'
import type { S3Client } from '../../src/s3/client.js'
import { firstObject, listLeaping, listObjects, listPages, type ListOptions } from '../../src/s3/list.js'
import { createMultipartUpload, listParts, uploadsOf } from '../../src/s3/multipart.js'
import { putObject } from '../../src/s3/object.js'
import { escapeXml } from '../../src/s3/xml.js'
import { testBucket } from '../support/bucket.js'
import { clientOf, failure, settingsOf } from './support.js'

async function keysOf(client: S3Client, options: ListOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of listObjects(client, options)) keys.push(key)
  return keys
}

async function put(client: S3Client, keys: readonly string[]): Promise<void> {
  const left = [...keys]
  const lane = async (): Promise<void> => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      await putObject(client, key, { body: Buffer.from(key), headers: {} }, { headers: {}, ifAbsent: false })
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()])
}

/** A server that gives one fixed answer, or one for each request by its query. */
async function saying(
  t: Test,
  body: string | ((query: URLSearchParams) => string),
  type = 'application/xml',
): Promise<S3Client> {
  const server = createServer(({ url = '' }, response) => {
    const { searchParams } = new URL(url, 'http://server')
    response.setHeader('Content-Type', type).end(typeof body === 'string' ? body : body(searchParams))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return clientOf(t, settingsOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
}

await t.test('more keys than one answer holds', async t => {
  const { server } = await testBucket(t)
  const client = clientOf(t, settingsOf(server.endpoint), { connections: 4 })
  await ensureBucket(client, true)
  const keys = Array.from({ length: 1010 }, (_, i) => `p/${String(i).padStart(5, '0')}&<+ %>`)
  await put(client, [...keys, 'o', 'q'])
  server.requests.length = 0
  t.same(await keysOf(client, { prefix: 'p/' }), keys, 'all of them, in order')
  t.equal(server.requests.length, 2, 'in two answers')

  const pages: number[] = []
  for await (const page of listPages(client, { prefix: 'p/', maxKeys: 500 })) pages.push(page.objects.length)
  t.same(pages, [500, 500, 10])
  t.same(await keysOf(client, { prefix: 'p/', startAfter: keys[999]! }), keys.slice(1000))

  await t.test('by a delimiter', async t => {
    const found = []
    for await (const page of listPages(client, { prefix: '', delimiter: '/' })) found.push(page)
    t.match(found, [{ objects: [{ key: 'o' }, { key: 'q' }], prefixes: ['p/'] }])
    const odd = await listPages(client, { prefix: 'p/00001', delimiter: '&<+ ' }).next()
    t.match(odd.value, { objects: [], prefixes: ['p/00001&<+ '] })
  })

  await t.test('what an entry says', async t => {
    const entries = []
    for await (const object of listObjects(client, { prefix: 'o' })) entries.push(object)
    const [entry] = entries
    t.match(entry, { key: 'o', size: 1, etag: 'd95679752134a2d9eb61dbd7b91c4bcc' })
    t.ok(Math.abs(entry!.lastModified - Date.now()) < 60_000)
  })

  await t.test('in the middle, a server that is busy and one that is cut off', async t => {
    server.faults.add({ on: 'ListObjectsV2', skip: 1, fault: { kind: 'truncate', bytes: 5000 } })
    server.faults.add({ on: 'ListObjectsV2', fault: { kind: 'reset', afterBytes: 0 } })
    t.same(await keysOf(client, { prefix: 'p/' }), keys)
    t.equal(server.faults.pending, 0)
  })
})

await t.test('half a listing never passes for a whole one', async t => {
  const entry = '<Contents><Key>a</Key><Size>1</Size></Contents>'
  const cut = await saying(
    t,
    `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>${entry}`,
  )
  t.match(await failure(keysOf(cut, { prefix: '' })), { s3Code: 'MalformedXML', retry: true })
  const older = await saying(
    t,
    `<ListBucketResult>${entry}<IsTruncated>true</IsTruncated></ListBucketResult>`,
  )
  t.match(await failure(keysOf(older, { prefix: '' })), { s3Code: 'ListTruncated', retry: false })
  const loop = await saying(
    t,
    `<ListBucketResult>${entry}<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>`,
  )
  t.match(await failure(keysOf(loop, { prefix: '' })), { s3Code: 'ListTruncated', retry: false })
})

/** A page of a listing with the token of the next one; undefined: it is the last. */
function page(keys: readonly string[], next?: string): string {
  const contents = keys.map(key => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('')
  const more =
    next === undefined
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`
  return `<ListBucketResult>${contents}${more}</ListBucketResult>`
}

await t.test('a page without keys is no end: the first key comes with a later one', async t => {
  const client = await saying(t, query => {
    const token = query.get('continuation-token')
    if (token === null) return page([], 'one')
    return token === 'one' ? page([], 'two') : page(['a'])
  })
  t.match(await firstObject(client, { prefix: '' }), { key: 'a' })
  t.same(await keysOf(client, { prefix: '' }), ['a'])
  const empty = await saying(t, query => page([], query.has('continuation-token') ? undefined : 'one'))
  t.equal(await firstObject(empty, { prefix: '' }), undefined)
})

await t.test('a server that goes round in a circle of tokens is left, with an error', async t => {
  const next: Record<string, string> = { '': 'one', one: 'two', two: 'three', three: 'one' }
  const client = await saying(t, query => page([], next[query.get('continuation-token') ?? ''] ?? ''))
  t.match(await failure(keysOf(client, { prefix: '' })), {
    s3Code: 'ListTruncated',
    retry: false,
    message: 'ListObjectsV2: the server says that there is more, and repeats a continuation token',
  })
  t.match(await failure(Promise.resolve(firstObject(client, { prefix: '' }))), { s3Code: 'ListTruncated' })
})

await t.test('a server that encodes its tokens, and does not know them again, gets them decoded', async t => {
  const pages: Record<string, string> = { '': 'a/1', 'a/1': 'b/2', 'b/2': 'c' }
  let asked = 0
  const client = await saying(t, query => {
    asked++
    const key = pages[query.get('continuation-token') ?? ''] ?? 'a/1'
    return page([key], key === 'c' ? undefined : encodeURIComponent(key))
  })
  t.same(await keysOf(client, { prefix: '' }), ['a/1', 'b/2', 'c'])
  t.equal(asked, 4, 'one request finds that out')
  t.same(await keysOf(client, { prefix: '' }), ['a/1', 'b/2', 'c'])
  t.equal(asked, 7, 'once for all')
  const circle = await saying(t, () => page(['a'], 'a%2F'))
  t.match(await failure(keysOf(circle, { prefix: '' })), { s3Code: 'ListTruncated', message: /repeats a/ })
})

await t.test('keys that share a beginning with the last one of a page are jumped over', async t => {
  const all = ['a:1', 'a:2', 'b:1', 'b:2', 'b:3', 'c', 'd:1'].sort()
  const asked: (string | null)[] = []
  const client = await saying(t, query => {
    const after = query.get('start-after')
    asked.push(after)
    const later = all.filter(key => key > (after ?? ''))
    return page(later.slice(0, 2), later.length > 2 ? 'token' : undefined)
  })
  const keys: string[] = []
  for await (const { key } of listLeaping(client, { prefix: '' }, key => /^.*:/.exec(key)?.[0]))
    keys.push(key)
  t.same(keys, ['a:1', 'a:2', 'b:1', 'b:2', 'c', 'd:1'])
  t.same(asked, [null, 'a;', 'b;', 'd;'])
  const deaf = await saying(t, () => page(['a:1', 'b:1'], 'token'))
  const first: string[] = []
  const reading = async (): Promise<void> => {
    for await (const { key } of listLeaping(deaf, { prefix: '' }, () => undefined)) first.push(key)
  }
  t.match(await failure(reading()), { s3Code: 'ListTruncated', message: /ignores start-after/ })
  t.same([...new Set(first)], ['a:1', 'b:1'])
})

await t.test('a server that repeats a marker of parts or uploads is left, with an error', async t => {
  const parts = `<Part><PartNumber>1</PartNumber><Size>1</Size></Part>`
  const client = await saying(t, query =>
    query.has('uploads')
      ? `<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId></Upload><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker></ListMultipartUploadsResult>`
      : `<ListPartsResult>${parts}<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>`,
  )
  t.match(await failure(uploadsOf(client, 'k')), {
    s3Code: 'ListTruncated',
    operation: 'ListMultipartUploads',
  })
  t.match(await failure(listParts(client, 'k', 'u')), { s3Code: 'ListTruncated', operation: 'ListParts' })
})

await t.test('what is no S3 server is told so at once', async t => {
  const page = await saying(t, '<html><body>It works</body></html>', 'text/html')
  t.match(await failure(keysOf(page, { prefix: '' })), { retry: false, message: /is this an S3 server/ })
})

await t.test('a listing is decoded when it is encoded, whatever it says', async t => {
  const listing = async (encoding: string, ...keys: string[]): Promise<string[]> => {
    const contents = keys.map(key => `<Contents><Key>${escapeXml(key)}</Key><Size>1</Size></Contents>`)
    const truncated = '<IsTruncated>false</IsTruncated>'
    const client = await saying(
      t,
      `<ListBucketResult>${encoding}${contents.join('')}${truncated}</ListBucketResult>`,
    )
    return keysOf(client, { prefix: '' })
  }
  const url = '<EncodingType>url</EncodingType>'
  t.same(await listing('', 'a+b%20c&'), ['a+b%20c&'], 'it is not')
  t.same(await listing(url, 'a+b%20c%2Bd%26', 'node1:/x@y=z'), ['a b c+d&', 'node1:/x@y=z'], 'it is')
  for (const proof of ['100%', 'a b', 'ü', '%zz', 'new\nline']) {
    t.same(await listing(url, 'a+b', proof), ['a+b', proof], 'it says so, but it is not')
  }
  t.same(await listing(url, 'a%ff'), ['a%ff'], 'what it would decode to is no UTF-8')
})

await t.test('unfinished uploads of one key among many of others', async t => {
  const { server } = await testBucket(t)
  const client = clientOf(t, settingsOf(server.endpoint))
  await ensureBucket(client, true)
  for (const key of ['k', 'k-2', 'k/3', 'j']) await createMultipartUpload(client, key, {})
  const second = await createMultipartUpload(client, 'k', {})
  const found = await uploadsOf(client, 'k')
  t.equal(found.length, 2)
  t.ok(found.includes(second))
  t.same(await uploadsOf(client, 'nothing'), [])
})
