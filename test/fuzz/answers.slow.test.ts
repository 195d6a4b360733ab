import fc from 'fast-check'
import t from 'tap'

import { readListing } from '../../src/manifest/listing-reader.js'
import { Owners } from '../../src/restore/place/owner.js'
import { isErrorBody, isPage } from '../../src/s3/answer.js'
import { listPages } from '../../src/s3/list.js'
import {
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadsOf,
} from '../../src/s3/multipart.js'
import { getObject, getRange, headObject, headPart } from '../../src/s3/object.js'

import { FixedClient } from './fixed-client.js'
import { fuzz } from './fuzz.js'
import { mutated, mutatedBytes, mutatedJson } from './mutate.js'

const client = new FixedClient()
t.teardown(() => client.close())

const LIST = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>node1%3A</Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken><Contents><Key>node1%3A/data/ks/t/nb-1-big-Data.db-listdir.json</Key><LastModified>2026-11-23T04:12:33.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1024</Size><StorageClass>STANDARD</StorageClass></Contents><Contents><Key>node1%3A/data/%ff+x</Key><LastModified>2026-11-23T04:12:33Z</LastModified><ETag>"x-2"</ETag><Size>0</Size></Contents><CommonPrefixes><Prefix>node1%3A/data/</Prefix></CommonPrefixes></ListBucketResult>`
const PARTS = `<ListPartsResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId><NextPartNumberMarker>2</NextPartNumberMarker><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><ETag>"a"</ETag><Size>5242880</Size><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType></Part></ListPartsResult>`
const UPLOADS = `<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>key</NextKeyMarker><NextUploadIdMarker>u2</NextUploadIdMarker><EncodingType>url</EncodingType><Upload><Key>key</Key><UploadId>u</UploadId><Initiated>2026-11-23T04:12:33Z</Initiated></Upload></ListMultipartUploadsResult>`
const CREATED = `<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>key</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>`
const COMPLETED = `<CompleteMultipartUploadResult><ETag>"a-1"</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></CompleteMultipartUploadResult>`
const ERROR = `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message><RequestId>1</RequestId></Error>`
const PAGE = `<!DOCTYPE html><html><head><title>503</title></head><body>&nbsp;<br></body></html>`
/** A page of LIST has up to 250 KB, and 10 µs of work in every element. */
const LONGEST = 20_000
const TOKENS = [
  '<Contents>',
  '</Contents>',
  '<Key>',
  '</Key>',
  '<IsTruncated>true</IsTruncated>',
  '<EncodingType>url</EncodingType>',
  '<Part/>',
  '<Upload/>',
  '<a>',
  '<__proto__>x</__proto__>',
  '<constructor><prototype>x</prototype></constructor>',
  '<hasOwnProperty>1</hasOwnProperty>',
  '<!DOCTYPE a [<!ENTITY b "cccccccccc"><!ENTITY d "&b;&b;&b;&b;">]>',
  '&d;',
  '&b;',
  '&#x110000;',
  '&#xd800;',
  '<?xml?>',
  '<![CDATA[x]]>',
  '<a b="c">',
  '%',
]

await t.test('XML answers', async t => {
  const documents = mutatedBytes(
    fc.constantFrom(LIST, PARTS, UPLOADS, CREATED, COMPLETED, ERROR, PAGE),
    TOKENS,
  ).map(body => body.subarray(0, LONGEST))
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    ListObjectsV2: async () => {
      for await (const { objects, prefixes } of listPages(client, { prefix: 'node1:' })) {
        for (const { key, etag } of objects)
          if (typeof key !== 'string' || typeof etag !== 'string') throw new Error('a key is no text')
        if (prefixes.some(prefix => typeof prefix !== 'string')) throw new Error('a prefix is no text')
      }
    },
    ListParts: () => listParts(client, 'key', 'u'),
    ListMultipartUploads: () => uploadsOf(client, 'key'),
    CreateMultipartUpload: () => createMultipartUpload(client, 'key', {}),
    CompleteMultipartUpload: () =>
      completeMultipartUpload(client, 'key', 'u', [], { headers: {}, ifAbsent: true }),
  }
  for (const [name, call] of Object.entries(calls)) {
    await fuzz(t, name, documents, async body => {
      client.answer({ body })
      isPage(body)
      isErrorBody(body)
      await call()
    })
  }
})

await t.test('headers of answers', async t => {
  const value = mutated(
    fc.constantFrom(
      'Mon, 23 Nov 2026 04:12:33 GMT',
      'bytes 0-0/1024',
      '1024',
      '"d41d8cd98f00b204e9800998ecf8427e"',
      'W/"x-3"',
      'AAAAAAAAAAA=',
      'AAAAAA==-2',
      'COMPOSITE',
      'aws:kms',
      '{"user":"cassandra","gid":1,"uid":1,"mode":33188}',
      'STANDARD',
      'text/html',
    ),
  ).map(text => text.slice(0, 16_000))
  const name = fc.constantFrom(
    'date',
    'last-modified',
    'content-range',
    'content-length',
    'etag',
    'x-amz-checksum-crc64nvme',
    'x-amz-checksum-crc32c',
    'x-amz-checksum-crc32',
    'x-amz-checksum-sha256',
    'x-amz-checksum-type',
    'x-amz-meta-stat',
    'x-amz-meta-md5sum',
    'x-amz-meta-tablesnap',
    'x-amz-meta-__proto__',
    'x-amz-server-side-encryption',
    'x-amz-storage-class',
    'x-amz-restore',
    'x-amz-mp-parts-count',
    'content-type',
    '__proto__',
    'constructor',
  )
  const headers = fc
    .array(fc.tuple(name, value), { maxLength: 12 })
    .map(list => Object.fromEntries(list) as Record<string, string>)
  const status = fc.constantFrom(200, 206)
  const body = fc.nat(40).map(length => Buffer.alloc(length))
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const owners = new Owners(log, { root: false })
  await fuzz(t, 'headers', fc.record({ headers, status, body }), async response => {
    const info = await headObject(client.answer(response), 'key').catch(own)
    if (info !== undefined && !Number.isSafeInteger(info.size)) throw new Error(`its size is ${info.size}`)
    const got = await getObject(client.answer(response), 'key').catch(own)
    if (got !== undefined) await owners.ownerOf(got.info.metadata, '/')
    await getRange(client.answer(response), 'key', { start: 0, etag: 'x', into: Buffer.alloc(8) }).catch(own)
    await headPart(client.answer(response), 'key', { number: 1, etag: 'x' })
  })
})

await t.test('listings of the Python program', async t => {
  const listing = fc
    .array(fc.constantFrom('nb-1-big-Data.db', 'nb-1-big-TOC.txt', 'x', 'ä'), { maxLength: 6 })
    .map(names => ({ '/data/ks/t': names }))
  const bodies = fc.oneof(
    mutatedJson(listing).map(text => Buffer.from(text)),
    mutatedBytes(listing.map(value => JSON.stringify(value))),
  )
  const entry = { key: 'node1:/data/ks/t/nb-1-big-Data.db-listdir.json', size: 100, lastModified: 0 }
  await fuzz(t, 'listing', bodies, async body => {
    const names = await readListing(
      client.answer({ body, headers: { etag: '"x"' } }),
      entry,
      '/data/ks/t',
    ).catch(own)
    for (const name of names ?? [])
      if (/^\.{0,2}$|[/\0]/.test(name)) throw new Error(`${JSON.stringify(name)} is no name`)
  })
})

/** Lets an error of ours pass: there is more to ask of the answer. */
function own(error: unknown): undefined {
  if (error instanceof Error && 'retry' in error) return undefined
  throw error
}
