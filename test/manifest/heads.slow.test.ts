import t, { type Test } from 'tap'

import { KeyLayout } from '../../src/manifest/keys.js'
import { States } from '../../src/manifest/states.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { putObject } from '../../src/s3/object.js'
import { testBucket, type TestBucket } from '../support/bucket.js'

const keys = new KeyLayout('', 'node1', ':')

async function bucketOf(t: Test): Promise<TestBucket> {
  const bucket = await testBucket(t)
  await ensureBucket(bucket.client, true)
  await put(bucket, keys.node, '{"epoch": 1}')
  return bucket
}

async function put({ client }: TestBucket, key: string, text = ''): Promise<void> {
  await putObject(client, key, { body: Buffer.from(text), headers: {} }, { headers: {}, ifAbsent: false })
}

/** Puts a unit's manifests, of which only the keys are looked at. */
async function manifests(bucket: TestBucket, unit: string, count: number): Promise<void> {
  const facts = {
    epoch: 1,
    kind: 'complete',
    gap: false,
    base: undefined,
    sets: 1,
    files: 0,
    bytes: 1,
  } as const
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      put(bucket, keys.state(unit, 1_795_406_227_000 + index, facts)),
    ),
  )
}

async function heads(bucket: TestBucket): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  bucket.server.requests.length = 0
  for await (const { unit, time } of new States(bucket.client, keys).heads())
    found.set(unit, time - 1_795_406_227_000)
  return found
}

await t.test('units with few restore points take a request for 1,000 keys', async t => {
  const bucket = await bucketOf(t)
  const units = Array.from({ length: 700 }, (_, index) => `ks/t${index}`)
  for (const [index, unit] of units.entries()) await manifests(bucket, unit, 1 + (index % 5))
  const found = await heads(bucket)
  t.same([...found.keys()], [...units].sort(), 'in key order')
  for (const [index, unit] of units.entries()) t.equal(found.get(unit), index % 5)
  t.ok(bucket.server.requests.length <= 4, `${bucket.server.requests.length} requests`)
})

await t.test('units with hundreds each, inside each other, take two requests each', async t => {
  const bucket = await bucketOf(t)
  const units = [
    'ks/a',
    'ks/a.b',
    'ks/b',
    'ks/b/.idx',
    'ks/b/snapshots/1',
    'ks/c',
    'z',
    '~7',
    '7',
    'z/ü/日本',
  ]
  for (const unit of units) await manifests(bucket, unit, 250)
  await put(bucket, `${keys.states('')}ks/b/note.txt`)
  await put(bucket, `${keys.states('')}note.txt`)
  const found = await heads(bucket)
  const order = [...units].sort((a, b) =>
    Buffer.compare(Buffer.from(keys.states(a)), Buffer.from(keys.states(b))),
  )
  t.same([...found.keys()], order)
  t.same(
    [...found.values()],
    units.map(() => 249),
  )
  t.ok(
    bucket.server.requests.length <= 3 + 2 * (units.length + 3),
    `${bucket.server.requests.length} requests`,
  )
})

/** Puts pages without keys before each LIST's first page, as S3 may answer where much was deleted. */
function emptyPages({ client }: TestBucket, pages: number): void {
  const document = client.document.bind(client)
  client.document = (request, ...more) => {
    const { 'continuation-token': token, ...query } = request.query ?? {}
    const [, seen = token === undefined ? '0' : String(pages)] = /^empty(\d+)$/.exec(token ?? '') ?? []
    if (Number(seen) >= pages) {
      const own = token === undefined || token.startsWith('empty') ? query : request.query
      return document({ ...request, query: own ?? {} }, ...more)
    }
    const next = `empty${Number(seen) + 1}`
    return Promise.resolve({ IsTruncated: 'true', NextContinuationToken: next })
  }
}

await t.test('a page without keys is not the end', async t => {
  const bucket = await bucketOf(t)
  await manifests(bucket, 'ks/a', 3)
  emptyPages(bucket, 2)
  t.same([...(await heads(bucket))], [['ks/a', 2]])
  t.equal((await new States(bucket.client, keys).newest('ks/a'))?.unit, 'ks/a')
  const states = new States(bucket.client, keys)
  for (let unit = 0; unit < 12; unit++) await states.newest(`ks/none${unit}`)
  t.equal((await states.newest('ks/a'))?.unit, 'ks/a', 'also where it was asked whether there is anything')
})
