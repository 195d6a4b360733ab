import { linkSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import { crc64nvme } from 'tablesnap-io'
import t from 'tap'

import { encode64 } from '../../src/s3/checksum.js'
import { flipping, network } from '../support/proxy.js'
import { bucketOf, gateway, temporaryDirectory } from '../support/real/place.js'
import { Tablesnap, type Way } from '../support/real/tablesnap.js'
import { digests, files, write, writeTree } from '../support/real/tree.js'

const MEBIBYTE = 1024 * 1024

/** The way to a server through a network of ours. */
function by({ accessKeyId, secretAccessKey }: Way, endpoint: string): Way {
  return { endpoint, accessKeyId, secretAccessKey }
}

/** The least that S3 takes, bytes, and how many. */
const PART = 5 * MEBIBYTE
const COUNT = 60

await t.test(
  'a tree goes up into a bucket that did not exist, and comes back elsewhere byte for byte',
  async t => {
    const server = await gateway(t)
    const bucket = bucketOf(server, 'backup')
    const work = temporaryDirectory(t)
    const source = join(work, 'source')
    writeTree(source)
    const tablesnap = new Tablesnap(server, join(work, 'home'))

    t.equal(await bucket.exists(), false)
    await tablesnap.succeed('-r', '-B', 'backup', source)
    const keys = await bucket.list('node1:')
    t.same(
      [...keys.keys()].sort(),
      files(source)
        .map(file => `node1:${file}`)
        .sort(),
      'one object a file',
    )
    const multipart = await bucket.head(`node1:${join(source, 'sizes', String(40 << 20))}`)
    t.equal(multipart['x-amz-checksum-type'], 'FULL_OBJECT')
    t.type(multipart['x-amz-checksum-crc64nvme'], 'string')

    const target = join(work, 'target')
    mkdirSync(target)
    await tablesnap.succeed('-D', 'backup', target)
    t.same(await digests(join(target, source)), await digests(source))

    const before = await bucket.list()
    await tablesnap.succeed('-r', '-B', 'backup', source)
    t.same(await bucket.list('node1:'), keys, 'a second run has nothing to send')
    t.ok((await bucket.list()).size >= before.size)
  },
)

await t.test('a watch sees what is renamed, written, linked and moved in as a directory', async t => {
  const server = await gateway(t)
  const bucket = bucketOf(server, 'backup')
  const work = temporaryDirectory(t)
  const source = join(work, 'source')
  write(join(source, 'before'), 1000)
  const tablesnap = new Tablesnap(server, join(work, 'home'))
  const daemon = await tablesnap.start('-r', '-a', '-B', '--watch', 'backup', source)
  const arrived = (count: number): Promise<boolean> =>
    daemon.until(`${count} objects`, 60_000, async () => {
      const keys = (await bucket.exists()) ? await bucket.list('node1:') : new Map()
      return keys.size >= count ? true : undefined
    })
  await arrived(1)

  write(join(work, 'aside'), 2000)
  renameSync(join(work, 'aside'), join(source, 'renamed'))
  write(join(source, 'written'), 3000)
  write(join(source, 'new', 'deep', 'directory', 'file'), 4000)
  write(join(work, 'moved', 'inner', 'file'), 5000)
  renameSync(join(work, 'moved'), join(source, 'moved'))
  linkSync(join(work, 'source', 'before'), join(source, 'linked'))
  await arrived(6)
  t.same(await daemon.stop(), { code: 143, signal: null }, 'ends after a drained SIGTERM')

  await tablesnap.succeed('-D', 'backup', join(work, 'target'))
  t.same(await digests(join(work, 'target', source)), await digests(source))
})

await t.test('what the server refuses is named, and the exit code tells it', async t => {
  const server = await gateway(t)
  const bucket = bucketOf(server, 'backup')
  await bucket.create()
  const work = temporaryDirectory(t)
  const source = join(work, 'source')
  write(join(source, 'file'), 1000)

  await t.test('a wrong secret', async t => {
    const secret = 'not-the-secret'
    const tablesnap = new Tablesnap(server, join(work, 'home'), { AWS_SECRET_ACCESS_KEY: secret })
    const result = await tablesnap.run('-B', 'backup', source)
    t.equal(result.code, 1)
    t.match(result.stderr, /SignatureDoesNotMatch/)
    t.notMatch(result.stderr + result.stdout, secret)
  })

  await t.test('an unknown key', async t => {
    const tablesnap = new Tablesnap(server, join(work, 'home'))
    const result = await tablesnap.run('-k', 'nobody', '-s', 'testsecret', '-B', 'backup', source)
    t.equal(result.code, 1)
    t.match(result.stderr, /access key/i)
  })

  await t.test('a wrong region', async t => {
    const tablesnap = new Tablesnap(server, join(work, 'home'))
    const result = await tablesnap.run('--aws-region', 'eu-west-1', '-B', 'backup', source)
    t.equal(result.code, 1)
    t.match(result.stderr, /region/)
  })

  t.same([...(await bucket.list()).keys()], [], 'nothing was written')
})

await t.test('everything arrives at a server that takes two requests at a time', async t => {
  const server = await gateway(t, { maxRequests: 2 })
  const work = temporaryDirectory(t)
  const source = join(work, 'source')
  writeTree(source)
  const tablesnap = new Tablesnap(server, join(work, 'home'))
  await tablesnap.succeed('-r', '-B', '-t', '4', 'backup', source)
  await tablesnap.succeed('-D', '-t', '4', 'backup', join(work, 'target'))
  t.same(await digests(join(work, 'target', source)), await digests(source))
})

await t.test(
  'of 16 parts at a time most are refused, and no part is sent more than twice on average',
  async t => {
    const server = await gateway(t, { maxRequests: 2 })
    let parts = 0
    const endpoint = await network(t, server.endpoint, () => chunk => {
      if (/^PUT \S*[?&]partNumber=/.test(chunk.toString('latin1', 0, 2000))) parts++
    })
    const work = temporaryDirectory(t)
    const source = join(work, 'source')
    write(join(source, 'large'), COUNT * PART - 5)
    const tablesnap = new Tablesnap(by(server, endpoint), join(work, 'home'))
    const size = String(PART / MEBIBYTE)
    const memory = ['--memory', '128MiB', '--max-upload-size', size, '--multipart-chunk-size', size]
    await tablesnap.succeed('-B', '-t', '8', ...memory, 'backup', source)
    t.comment(`${parts} requests for ${COUNT} parts`)
    t.ok(parts >= COUNT && parts <= 2 * COUNT, `${parts} requests for ${COUNT} parts`)
    const head = await bucketOf(server, 'backup').head(`node1:${join(source, 'large')}`)
    t.equal(head['x-amz-checksum-crc64nvme'], encode64(crc64nvme(readFileSync(join(source, 'large')))))
  },
)

await t.test('bytes that are flipped on the wire are refused, and sent again', async t => {
  const server = await gateway(t)
  const flips = flipping(3 * MEBIBYTE, 2)
  const endpoint = await network(t, server.endpoint, flips.look)
  const work = temporaryDirectory(t)
  const source = join(work, 'source')
  write(join(source, 'large'), 4 * PART - 5)
  const tablesnap = new Tablesnap(by(server, endpoint), join(work, 'home'))
  const size = String(PART / MEBIBYTE)
  await tablesnap.succeed('-B', '--max-upload-size', size, '--multipart-chunk-size', size, 'backup', source)
  t.equal(flips.left(), 0)
  const head = await bucketOf(server, 'backup').head(`node1:${join(source, 'large')}`)
  t.equal(head['x-amz-checksum-crc64nvme'], encode64(crc64nvme(readFileSync(join(source, 'large')))))
})

await t.test('TLS: a certificate must be trusted, and is through NODE_EXTRA_CA_CERTS', async t => {
  const server = await gateway(t, { tls: true })
  const work = temporaryDirectory(t)
  const source = join(work, 'source')
  writeTree(source)

  const refused = await new Tablesnap(server, join(work, 'home')).run('-r', '-B', 'backup', source)
  t.equal(refused.code, 1)
  t.match(refused.stderr, /certificate/)
  t.equal(await bucketOf(server, 'backup').exists(), false)

  const tablesnap = new Tablesnap(server, join(work, 'home'), { NODE_EXTRA_CA_CERTS: server.caFile })
  await tablesnap.succeed('-r', '-B', 'backup', source)
  await tablesnap.succeed('-D', 'backup', join(work, 'target'))
  t.same(await digests(join(work, 'target', source)), await digests(source))
})

await t.test('in a versioned bucket what a delete marker hides is uploaded again', async t => {
  const server = await gateway(t)
  const bucket = bucketOf(server, 'backup')
  const work = temporaryDirectory(t)
  const source = join(work, 'source')
  writeTree(source)
  const tablesnap = new Tablesnap(server, join(work, 'home'))
  await bucket.create()
  await bucket.keepVersions()
  await tablesnap.succeed('-r', '-B', 'backup', source)
  const keys = await bucket.list('node1:')
  const deleted = [...keys.keys()].filter((_, index) => index % 3 === 0)
  for (const key of deleted) await bucket.delete(key)
  const { stderr } = await tablesnap.succeed('-r', '-B', 'backup', source)
  t.match(
    stderr,
    new RegExp(`the bucket had lost ${deleted.length} objects: ${deleted.length} uploaded again`),
  )
  t.same(await bucket.list('node1:'), keys)
  for (const key of deleted.slice(0, 3)) t.same(await bucket.versions(key), { count: 2, isMarked: true })
  // Nothing is left that names them: a run uploads all of it as if for the first time, large files in parts.
  for (const key of (await bucket.list('')).keys()) await bucket.delete(key)
  const again = await tablesnap.succeed('-r', '-B', '--max-upload-size', '5', 'backup', source)
  t.notMatch(again.stderr, /ERROR/)
  t.same(new Set((await bucket.list('node1:')).keys()), new Set(keys.keys()))
  const target = join(work, 'target')
  mkdirSync(target)
  await tablesnap.succeed('-D', 'backup', target)
  t.same(await digests(join(target, source)), await digests(source))
})
