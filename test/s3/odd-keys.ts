import { randomBytes } from 'node:crypto'

import type { Test } from 'tap'

import type { S3Client } from '../../src/s3/client.js'
import { listObjects } from '../../src/s3/list.js'
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
  uploadsOf,
} from '../../src/s3/multipart.js'
import { getObject, headObject, putObject } from '../../src/s3/object.js'

/** Keys over which a signature, a URL, XML or a listing can stumble. */
export const ODD_KEYS = [
  'node1:/var/lib/cassandra/data/ks/t-0a1b/nb-1-big-Data.db',
  ' spaces  in and around ',
  'plus+plus%2Bpercent%25 100%',
  'question?mark&and=equals#hash',
  'quote\'double"back`tick',
  'brackets()[]{}<>',
  'stars*!$,;:@|^~\\',
  'grüße-日本語-\u{1F600}',
  'composed-\u00e9-decomposed-e\u0301',
  'line\nfeed\ttab\rreturn',
  '&amp;&lt;entity&#10;',
  '1e5',
  '.hidden',
  '...',
  'a/.b/..c/d..',
  'UPPER/lower/UPPER',
  'é'.repeat(100),
]

/** Keys that are no file names: servers that keep objects in files may refuse them. */
export const KEYS_BEYOND_FILES = [
  'double//slash',
  '/leading',
  'trailing/',
  'a/./b',
  'a/../b',
  'k'.repeat(1024),
]

/** Writes, reads and lists each key; every request is signed. */
export async function exerciseKeys(t: Test, client: S3Client, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const name = JSON.stringify(key.slice(0, 60))
    const body = randomBytes(32)
    await putObject(client, key, { body, headers: {} }, { headers: {}, ifAbsent: true })
    t.equal((await headObject(client, key))?.size, 32, `${name} is there`)
    t.ok((await getObject(client, key)).body.equals(body), `${name} has its bytes`)
    const listed: string[] = []
    for await (const object of listObjects(client, { prefix: key })) listed.push(object.key)
    t.ok(listed.includes(key), `${name} is listed under itself`)
  }
  const all: string[] = []
  for await (const object of listObjects(client, { prefix: '' })) all.push(object.key)
  t.same(all.toSorted(), [...keys].toSorted(), 'all are listed, and nothing else')
}

/** A multipart upload under each key, found by a listing of unfinished ones. */
export async function exerciseMultipartKeys(
  t: Test,
  client: S3Client,
  keys: readonly string[],
): Promise<void> {
  for (const key of keys) {
    const name = JSON.stringify(key.slice(0, 60))
    const body = randomBytes(64)
    const id = await createMultipartUpload(client, key, {})
    const part = await uploadPart(client, key, id, 1, { body, headers: {} })
    t.same(await uploadsOf(client, key), [id], `${name} has one unfinished upload`)
    t.match(await listParts(client, key, id), [{ number: 1, size: 64, etag: part.etag }])
    await completeMultipartUpload(client, key, id, [part], { headers: {}, ifAbsent: false })
    t.ok((await getObject(client, key)).body.equals(body), `${name} has its bytes`)
    const other = await createMultipartUpload(client, key, {})
    await abortMultipartUpload(client, key, other)
    await abortMultipartUpload(client, key, other)
    t.same(await uploadsOf(client, key), [], `${name} has none left`)
  }
}
