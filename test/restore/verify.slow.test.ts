import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

import t, { type Test } from 'tap'

import { faults, type LocalS3 } from '../../dev/local-s3/index.js'
import { createMultipartUpload, uploadPart } from '../../src/s3/multipart.js'
import { putObject } from '../../src/s3/object.js'
import { Digest, type DigestKind } from '../../src/transfer/download/digest.js'

import { FIXTURE } from './fixture.js'
import { World, digest, leftovers } from './support.js'

/** Memory of the engine, bytes: one small buffer, so that little is large. */
const BUFFER = 128 * 1024

const MIB = 1024 * 1024

/** Bodies that are no repetition of themselves, so that a part in the wrong place shows. */
const LARGE = randomBytes(2.5 * BUFFER)
const SMALL = randomBytes(1000)

/** How an object is stored: in one piece, or in parts that are no buffer's length. */
type Store = (world: World, key: string, body: Buffer) => Promise<void>

const single =
  (headers: Record<string, string>, metadata: Record<string, string> = {}): Store =>
  (world, key, body) =>
    world.put(key, body, { headers, metadata })

const withSum =
  (name: 'Sha256' | 'Sha1'): Store =>
  async (world, key, body) => {
    const sum = createHash(name.toLowerCase()).update(body).digest('base64')
    await putObject(
      world.client,
      key,
      { body, headers: { [`X-Amz-Checksum-${name}`]: sum } },
      { headers: {}, ifAbsent: false },
    )
  }

const withCrc =
  (algorithm: 'CRC32C' | 'CRC32'): Store =>
  async (world, key, body) => {
    const { header } = sumOf(algorithm, body)
    await putObject(world.client, key, { body, headers: header }, { headers: {}, ifAbsent: false })
  }

const inParts =
  (headers: Record<string, string>): Store =>
  async (world, key, content) => {
    const id = await createMultipartUpload(world.client, key, headers)
    const algorithm = headers['X-Amz-Checksum-Algorithm']
    const parts: string[] = []
    // The last part but one is shorter: parts of an object need not have one size.
    for (const [from, to] of [
      [0, 0.7 * BUFFER],
      [0.7 * BUFFER, BUFFER],
      [BUFFER, content.length],
    ] as const) {
      const piece = content.subarray(Math.floor(from), Math.floor(to))
      if (piece.length === 0) continue
      const sum = sumOf(algorithm, piece)
      const number = parts.length + 1
      const { etag } = await uploadPart(world.client, key, id, number, { body: piece, headers: sum.header })
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag>${sum.xml}</Part>`)
    }
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`)
    await world.client.call({
      operation: 'CompleteMultipartUpload',
      method: 'POST',
      key,
      query: { uploadId: id },
      body,
    })
  }

/** How a part brings its checksum, and how the completion repeats it. */
function sumOf(
  algorithm: string | undefined,
  piece: Buffer,
): { header: Record<string, string>; xml: string } {
  if (algorithm === undefined) return { header: {}, xml: '' }
  const digest = new Digest(algorithm.toLowerCase() as DigestKind).update(piece).end()
  const value = Buffer.from(digest, 'hex').toString('base64')
  const xml = `<Checksum${algorithm}>${value}</Checksum${algorithm}>`
  return { header: { [`X-Amz-Checksum-${algorithm}`]: value }, xml }
}

const composite = (algorithm: string) =>
  inParts({ 'X-Amz-Checksum-Algorithm': algorithm, 'X-Amz-Checksum-Type': 'COMPOSITE' })
const full = (algorithm: string) =>
  inParts({ 'X-Amz-Checksum-Algorithm': algorithm, 'X-Amz-Checksum-Type': 'FULL_OBJECT' })

/** A server in front of the server, which answers without what `hidden` matches. */
function hiding(t: Test, hidden: (name: string) => boolean): (server: LocalS3) => Promise<string> {
  return async server => {
    const proxy = createServer((incoming, outgoing) => {
      const { method, url, headers } = incoming
      const onward = request({ port: server.port, method, path: url, headers }, answer => {
        const shown = Object.entries(answer.headers).filter(([name]) => !hidden(name))
        outgoing.writeHead(answer.statusCode ?? 500, Object.fromEntries(shown))
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.destroy())
      incoming.pipe(onward)
    })
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
    t.teardown(() => {
      proxy.closeAllConnections()
      proxy.close()
    })
    return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  }
}

/**
 * Restores an object that is sound, one whose bytes are damaged in every answer, and one damaged once. The object is
 * damaged in its second GET, a range in the middle, where it is large.
 */
async function proves(t: Test, world: World, store: Store, unverified: boolean): Promise<void> {
  for (const [size, body] of [
    ['large', LARGE],
    ['small', SMALL],
  ] as const) {
    const name = `${t.name.replace(/\W+/g, '-')}-${size}`
    await store(world, `${name}:/data/file`, body)
    const target = `${world.directory}/${name}`
    const sound = await world.restore({ name, target })
    t.match(
      sound,
      { exitCode: 0, files: 1, bytes: body.length, unverified: unverified ? 1 : 0 },
      `${size}, sound`,
    )
    t.equal(world.tree(target)['/data/file'], digest(body), size)
    t.equal(world.log.like(/^warn .* is restored without verification/).length, unverified ? 1 : 0)
    t.match(await world.restore({ name, target }), { exitCode: 0, skipped: 1 }, `${size}, there already`)
    if (unverified) continue

    const rule = world.server.faults.add({
      on: 'GetObject',
      key: `${name}:/data/file`,
      count: Infinity,
      fault: faults.corrupt(7),
    })
    const damaged = await world.restore({ name, target: `${target}-bad` })
    t.match(damaged, { exitCode: 1, files: 0, failed: 1 }, `${size}, damaged`)
    t.equal(
      world.log.like(
        /^error Error downloading .*: the object is damaged: its .* should be \w+ and is \w+(; where .*)?$/,
      ).length,
      1,
    )
    t.notOk(existsSync(`${target}-bad`), 'not even the target is left')
    rule.remove()

    const once = world.server.faults.add({
      on: 'GetObject',
      key: `${name}:/data/file`,
      fault: faults.corrupt(7),
    })
    t.match(
      await world.restore({ name, target: `${target}-once` }),
      { exitCode: 0, files: 1 },
      `${size}, damaged once`,
    )
    t.equal(once.hits, 1)
    t.equal(world.tree(`${target}-once`)['/data/file'], digest(body))
  }
}

await t.test('objects are proved by what the server says of them', async t => {
  const world = await World.start(t, { minPartSize: 1, memory: BUFFER })
  const stores: Record<string, Store> = {
    crc64nvme: single({}),
    crc32c: withCrc('CRC32C'),
    crc32: withCrc('CRC32'),
    sha256: withSum('Sha256'),
    sha1: withSum('Sha1'),
    'parts, full-object crc64nvme': full('CRC64NVME'),
    'parts, full-object crc32c': full('CRC32C'),
    'parts, full-object crc32': full('CRC32'),
    'parts, composite crc32c': composite('CRC32C'),
    'parts, composite crc32': composite('CRC32'),
    'parts, composite sha256': composite('SHA256'),
    'parts, composite sha1': composite('SHA1'),
  }
  for (const [name, store] of Object.entries(stores)) await t.test(name, t => proves(t, world, store, false))
})

await t.test('and on a server without checksums', async t => {
  const via = hiding(t, name => name.startsWith('x-amz-checksum-'))
  const world = await World.start(t, { minPartSize: 1, memory: BUFFER, via })
  await t.test('an ETag that is an MD5', t => proves(t, world, single({}), false))
  await t.test('an ETag that is an MD5 of MD5s', t => proves(t, world, inParts({}), false))
  await t.test('md5sum metadata, where the ETag is none', t => {
    const kms = { 'X-Amz-Server-Side-Encryption': 'aws:kms' }
    const store: Store = (w, key, body) =>
      single(kms, { md5sum: createHash('md5').update(body).digest('hex') })(w, key, body)
    return proves(t, world, store, false)
  })
  await t.test('md5sum metadata of a multipart object', t => {
    const store: Store = (w, key, body) =>
      inParts({ 'X-Amz-Meta-md5sum': createHash('md5').update(body).digest('hex') })(w, key, body)
    return proves(t, world, store, false)
  })
})

await t.test('what the Python program wrote is proved by its md5sum alone', async t => {
  const via = hiding(t, name => name.startsWith('x-amz-checksum-'))
  const world = await World.start(t, { etags: 'opaque', via })
  const headers = { 'X-Amz-Server-Side-Encryption': 'aws:kms' }
  const [first] = FIXTURE.filter(({ key }) => key.endsWith('nb-1-big-Data.db'))
  for (const { key, bodyBase64, metadata } of FIXTURE)
    await world.put(key, Buffer.from(bodyBase64, 'base64'), { headers, metadata })
  t.match(await world.restore({ all: true }), { exitCode: 0, unverified: 0, failed: 0 })
  const bad = Buffer.from(first?.bodyBase64 ?? '', 'base64')
  bad[0] = (bad[0] ?? 0) ^ 1
  await world.put(first?.key ?? '', bad, { headers, metadata: first?.metadata ?? {} })
  const target = `${world.directory}/bad`
  t.match(await world.restore({ all: true, target }), { exitCode: 1, failed: 8 })
  t.same(
    Object.keys(world.tree(target)).filter(path => path.includes('/nb-1-big-')),
    [],
    'nothing of its set comes',
  )
  t.match(world.log.like(/^error Error downloading/), [
    /nb-1-big-Data.db: the object is damaged: its md5 should be/,
  ])
})

await t.test('what nothing proves is named', async t => {
  const via = hiding(t, name => name.startsWith('x-amz-checksum-'))
  const world = await World.start(t, { memory: BUFFER, etags: 'opaque', minPartSize: 1, via })
  // An opaque ETag of a single PUT looks like an MD5; only KMS says that it is none.
  await t.test('in parts, opaque ETags: only with --force', async t => {
    await inParts({})(world, 'parts:/x', LARGE)
    t.match(await world.restore({ name: 'parts' }), { exitCode: 1, files: 0, failed: 1 })
    t.equal(
      world.log.like(
        /its md5 of 3 parts should be \w+ and is \w+; where this server's ETags are no MD5s, --force brings/,
      ).length,
      1,
    )
    t.match(await world.restore({ name: 'parts', force: true }), { exitCode: 0, files: 1, unverified: 1 })
    t.equal(world.tree()['/x'], digest(LARGE))
    t.match(await world.restore({ name: 'parts' }), { exitCode: 0, skipped: 1 }, 'there already, by its time')
  })
  await t.test('KMS, in parts', t =>
    proves(t, world, inParts({ 'X-Amz-Server-Side-Encryption': 'aws:kms' }), true),
  )
  await t.test('KMS', t => proves(t, world, single({ 'X-Amz-Server-Side-Encryption': 'aws:kms' }), true))
})

await t.test('large objects come in parallel ranges of one version', async t => {
  const world = await World.start(t)
  const body = randomBytes(20 * MIB + 1)
  await world.put('node1:/large', body)
  world.server.requests.length = 0
  t.match(await world.restore(), { exitCode: 0, bytes: body.length })
  t.equal(world.tree()['/large'], digest(body))
  const gets = world.server.requests.filter(
    ({ operation, key }) => operation === 'GetObject' && key === 'node1:/large',
  )
  t.same(gets.map(({ headers }) => headers['range']).sort(), [
    'bytes=0-8388607',
    'bytes=16777216-20971520',
    'bytes=8388608-16777215',
  ])
  t.ok(gets.every(({ headers }) => headers['if-match'] !== undefined))
})

await t.test('empty objects, cut answers, and one damaged file among others', async t => {
  const world = await World.start(t)
  await world.put('node1:/empty', '')
  await world.putSet('nb-1-big')
  await world.putSet('nb-2-big')
  world.server.faults.add({ on: 'GetObject', key: /nb-1-big-Data/, fault: faults.truncate(3) })
  world.server.faults.add({
    on: 'GetObject',
    key: /nb-2-big-Index/,
    count: Infinity,
    fault: faults.corrupt(0),
  })
  t.match(await world.restore(), { exitCode: 1, files: 9, failed: 8 })
  const paths = Object.keys(world.tree())
  t.equal(paths.filter(path => path.includes('nb-1-big')).length, 8)
  t.equal(paths.filter(path => path.includes('nb-2-big')).length, 0, 'nothing of the damaged set')
  t.equal(world.tree()['/empty'], digest(''))
  t.same(leftovers(world.target), [])
})

await t.test('an object that changes or goes between the plan and the transfer is an error', async t => {
  const world = await World.start(t, { memory: BUFFER })
  await world.put('node1:/small', 'small')
  await world.put('node1:/gone', 'gone')
  await world.put('node1:/large', LARGE)
  let changed: Promise<unknown> | undefined
  const until = new Promise<void>(resolve => {
    setImmediate(resolve)
  })
  world.server.faults.add({
    on: 'GetObject',
    count: Infinity,
    fault: faults.delay(until.then(() => changed)),
  })
  world.server.faults.add({
    on: 'HeadObject',
    count: Infinity,
    fault: faults.delay(until.then(() => changed)),
  })
  const onLine = (line: string): void => {
    if (!line.startsWith('Restoring')) return
    changed = Promise.all([
      world.put('node1:/small', 'other content'),
      world.put('node1:/large', Buffer.concat([LARGE, SMALL])),
      world.client.call({ operation: 'DeleteObject', method: 'DELETE', key: 'node1:/gone' }),
    ])
  }
  const run = world.restore({ onLine })
  t.match(await run, { exitCode: 1, files: 0, failed: 3 })
  t.equal(world.log.like(/Error downloading .*(small|large): the object changed/).length, 2)
  t.equal(world.log.like(/Error downloading .*gone: /).length, 1)
})
