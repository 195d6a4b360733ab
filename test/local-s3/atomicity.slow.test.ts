import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { faults } from '../../dev/local-s3/index.js'
import { filesBelow, start, Wire } from './support.js'

const OLD = randomBytes(3 * 1024 * 1024)
const NEW = randomBytes(3 * 1024 * 1024)

await t.test('a connection that ends within a PUT stores nothing and leaves nothing', async t => {
  const directory = t.testdir()
  const { server, s3 } = await start(t, { directory })
  await s3.put('k', OLD)
  const before = filesBelow(directory).sort()
  const uploadId = await s3.create('k')
  for (const query of [{}, { partNumber: '1', uploadId }]) {
    const wire = new Wire(server)
    const body = wire.head(s3.client, { method: 'PUT', bucket: s3.bucket, key: 'k', query, body: NEW })
    wire.socket.write(body.subarray(0, 2 * 1024 * 1024))
    await sleep(100)
    t.ok((await s3.get('k')).body.equals(OLD), 'the old bytes are there while the new ones come')
    wire.socket.destroy()
    await sleep(100)
  }
  t.ok((await s3.get('k')).body.equals(OLD))
  t.same((await s3.send('GET', 'k', { query: { uploadId } })).elements('PartNumber'), [])
  await s3.send('DELETE', 'k', { query: { uploadId } })
  t.same(filesBelow(directory).sort(), before)
})

await t.test('closing the server within a PUT stores nothing', async t => {
  const directory = t.testdir()
  const { server, s3 } = await start(t, { directory })
  const wire = new Wire(server)
  const body = wire.head(s3.client, { method: 'PUT', bucket: s3.bucket, key: 'k', body: NEW })
  wire.socket.write(body.subarray(0, 2 * 1024 * 1024))
  await sleep(100)
  await server.close()
  t.same(filesBelow(directory), ['buckets/bucket-1/bucket.json'])
})

await t.test('who reads an object gets it whole, whatever is written or deleted meanwhile', async t => {
  const { server, s3 } = await start(t)
  await s3.put('k', OLD)
  for (const change of [() => s3.put('k', NEW), () => s3.send('DELETE', 'k')]) {
    server.faults.add({ on: 'GetObject', fault: faults.trickle(256 * 1024, 10) })
    const reading = s3.get('k')
    await sleep(30)
    await change()
    const got = await reading
    t.equal(got.header('etag'), `"${createHash('md5').update(got.body).digest('hex')}"`)
    t.equal(got.body.length, OLD.length)
  }
  t.equal((await s3.get('k')).outcome, '404 NoSuchKey')
})

await t.test('the later parts of an object that is deleted meanwhile can still be read', async t => {
  const { server, s3 } = await start(t, { minPartSize: 1 })
  const uploadId = await s3.create('k')
  const parts = [await s3.named('k', uploadId, 1, OLD), await s3.named('k', uploadId, 2, NEW)]
  await s3.complete('k', uploadId, parts)
  server.faults.add({ on: 'GetObject', fault: faults.trickle(256 * 1024, 5) })
  const reading = s3.get('k')
  await sleep(20)
  await s3.send('DELETE', 'k')
  t.ok((await reading).body.equals(Buffer.concat([OLD, NEW])))
})

await t.test('a part that comes in while its upload ends is refused', async t => {
  const { server, s3 } = await start(t)
  const uploadId = await s3.create('k')
  const part = await s3.named('k', uploadId, 1, 'x')
  const wire = new Wire(server)
  const query = { partNumber: '2', uploadId }
  const body = wire.head(s3.client, { method: 'PUT', bucket: s3.bucket, key: 'k', query, body: NEW })
  wire.socket.write(body.subarray(0, 1_000_000))
  await sleep(50)
  t.equal((await s3.complete('k', uploadId, [part])).outcome, '200')
  wire.socket.write(body.subarray(1_000_000))
  t.match(await wire.until(/<\/Error>/), /404 .*NoSuchUpload/s)
  wire.socket.destroy()
  t.equal((await s3.get('k')).text, 'x')
})
