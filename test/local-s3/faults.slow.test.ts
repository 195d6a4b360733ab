import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { faults } from '../../dev/local-s3/index.js'
import { start, Wire } from './support.js'

const BODY = Buffer.alloc(300_000, 'x')

await t.test('an answer stands in for the operation, so many times, for what matches', async t => {
  const { server, s3 } = await start(t)
  const rule = server.faults.add({ on: 'PutObject', key: /^a/, count: 2, fault: faults.slowDown() })
  t.equal((await s3.put('b', 'x')).outcome, '200', 'another key')
  t.equal((await s3.put('a', BODY)).outcome, '503 SlowDown')
  t.equal((await s3.get('a')).outcome, '404 NoSuchKey', 'another operation')
  t.equal((await s3.put('a', BODY)).outcome, '503 SlowDown')
  t.equal(rule.hits, 2)
  t.equal(server.faults.pending, 0)
  t.equal((await s3.put('a', BODY)).outcome, '200')
  t.same(
    server.requests.map(({ operation, key, status, error, bytes, fault }) => [
      operation,
      key,
      status,
      error,
      bytes,
      fault,
    ]),
    [
      ['PutObject', 'b', 200, undefined, 1, undefined],
      ['PutObject', 'a', 503, 'SlowDown', BODY.length, 'answer'],
      ['GetObject', 'a', 404, 'NoSuchKey', 0, undefined],
      ['PutObject', 'a', 503, 'SlowDown', BODY.length, 'answer'],
      ['PutObject', 'a', 200, undefined, BODY.length, undefined],
    ],
  )
})

await t.test('rules are met one after the other, can skip, and go away', async t => {
  const { server, s3 } = await start(t)
  server.faults.add({ on: 'HEAD', skip: 1, fault: faults.internalError() })
  server.faults.add({ on: 'HEAD', fault: faults.tooManyRequests({ headers: { 'Retry-After': '1' } }) })
  const forever = server.faults.add({
    bucket: 'bucket-1',
    on: 'DELETE',
    count: Infinity,
    fault: faults.slowDown(),
  })
  const first = await s3.head('k')
  t.same([first.status, first.header('retry-after')], [429, '1'])
  t.equal((await s3.head('k')).status, 500)
  t.equal((await s3.head('k')).status, 404)
  for (let count = 0; count < 3; count++) t.equal((await s3.send('DELETE', 'k')).status, 503)
  forever.remove()
  t.equal((await s3.send('DELETE', 'k')).status, 204)
  server.faults.add({ fault: faults.slowDown() })
  server.faults.clear()
  t.equal((await s3.head('k')).status, 404)
})

await t.test('a reset within the body stores nothing', async t => {
  const { server, s3 } = await start(t)
  server.faults.add({ on: 'PutObject', count: 2, fault: faults.reset(100_000) })
  await t.rejects(s3.put('k', BODY), { code: /ECONNRESET|EPIPE/ }, 'tried twice by the client')
  const [record] = server.requests
  t.ok(
    (record?.bytes ?? 0) >= 100_000 && (record?.bytes ?? 0) < BODY.length,
    'after 100,000 bytes or a little more',
  )
  t.equal(record?.status, 0)
  t.notOk(await s3.exists('k'))
})

await t.test('an early answer comes before the body, and the connection is kept or closed', async t => {
  const { server, s3 } = await start(t)
  for (const when of ['early', 'early-close'] as const) {
    server.faults.add({ on: 'PutObject', fault: faults.slowDown({ when }) })
    const wire = new Wire(server)
    const body = wire.head(s3.client, { method: 'PUT', bucket: s3.bucket, key: 'k', body: BODY })
    t.match(await wire.until(/<\/Error>/), /^HTTP\/1.1 503 /, when)
    wire.socket.write(body)
    if (when === 'early-close') {
      await wire.end()
      continue
    }
    wire.received = ''
    wire.head(s3.client, { method: 'GET', bucket: s3.bucket, key: 'none' })
    t.match(await wire.until(/<\/Error>/), /^HTTP\/1.1 404 /, 'the next request on it is answered')
    wire.socket.destroy()
  }
  t.notOk(await s3.exists('k'))
})

await t.test('a truncated answer announces more than it brings', async t => {
  const { server, s3 } = await start(t)
  await s3.put('k', BODY)
  for (const bytes of [0, 1000, 200_000]) {
    server.faults.add({ on: 'GetObject', fault: faults.truncate(bytes) })
    const wire = new Wire(server)
    wire.head(s3.client, { method: 'GET', bucket: s3.bucket, key: 'k' })
    const [head, body] = (await wire.end()).split('\r\n\r\n')
    t.match(head, /Content-Length: 300000/)
    t.equal(body?.length, bytes)
  }
  server.faults.add({ on: 'ListObjectsV2', fault: faults.truncate(10), count: 2 })
  await t.rejects(s3.list(), 'documents as well')
})

await t.test('an answer can be late, slow, or never come', async t => {
  const { server, s3 } = await start(t)
  await s3.put('k', 'x'.repeat(100))
  const began = Date.now()
  server.faults.add({ on: 'GetObject', fault: faults.delay(100) })
  t.equal((await s3.get('k')).status, 200)
  t.ok(Date.now() - began >= 95)
  let release = (): void => undefined
  const gate = new Promise<void>(resolve => (release = resolve))
  server.faults.add({ on: 'PutObject', fault: faults.delay(gate) })
  const held = s3.put('k', 'new')
  await sleep(30)
  t.equal((await s3.get('k')).body.length, 100, 'held back')
  release()
  t.equal((await held).status, 200)
  t.equal((await s3.get('k')).text, 'new')
  await s3.put('k', 'x'.repeat(100))
  server.faults.add({ on: 'GetObject', fault: faults.trickle(10, 10) })
  const slow = Date.now()
  t.equal((await s3.get('k')).body.length, 100)
  t.ok(Date.now() - slow >= 90)
  server.faults.add({ on: 'PutObject', fault: faults.silence() })
  const wire = new Wire(server)
  wire.socket.write(wire.head(s3.client, { method: 'PUT', bucket: s3.bucket, key: 'silent', body: 'x' }))
  await sleep(50)
  t.same([wire.received, wire.closed], ['', false])
  wire.socket.destroy()
  t.notOk(await s3.exists('silent'))
})

await t.test('an answer can be lost after the operation was done', async t => {
  const { server, s3 } = await start(t)
  server.faults.add({ on: 'PutObject', fault: faults.loseAnswer() })
  const wire = new Wire(server)
  wire.socket.write(wire.head(s3.client, { method: 'PUT', bucket: s3.bucket, key: 'k', body: 'done' }))
  t.equal(await wire.end(), '')
  t.equal((await s3.get('k')).text, 'done')
})

await t.test('Complete can answer 200 with an error, done or not', async t => {
  const { server, s3 } = await start(t)
  for (const done of [false, true]) {
    const uploadId = await s3.create('k')
    const part = await s3.named('k', uploadId, 1, 'hello')
    server.faults.add({ on: 'CompleteMultipartUpload', fault: faults.errorBody('InternalError', done) })
    const answer = await s3.complete('k', uploadId, [part])
    t.equal(answer.outcome, '200 InternalError')
    t.match(answer.text, /<Error>/)
    t.equal(await s3.exists('k'), done)
    t.equal((await s3.complete('k', uploadId, [part])).outcome, '200', 'again')
    await s3.send('DELETE', 'k')
  }
})

await t.test('one bit of an answer can be wrong', async t => {
  const { server, s3 } = await start(t)
  await s3.put('k', BODY)
  server.faults.add({ on: 'GetObject', fault: faults.corrupt(70_000) })
  const { body } = await s3.get('k')
  t.equal(body[70_000], 'x'.charCodeAt(0) ^ 1)
  body[70_000] = 'x'.charCodeAt(0)
  t.ok(body.equals(BODY), 'and nothing else')
  t.ok((await s3.get('k')).body.equals(BODY), 'what is stored is whole')
})

await t.test('closing the server ends whatever waits', async t => {
  const { server, s3 } = await start(t)
  server.faults.add({ on: 'GetObject', key: 'a', fault: faults.silence(), count: 2 })
  server.faults.add({ on: 'GetObject', key: 'b', fault: faults.delay(3_600_000), count: 2 })
  server.faults.add({
    on: 'GetObject',
    key: 'c',
    fault: faults.delay(new Promise(() => undefined)),
    count: 2,
  })
  const pending = ['a', 'b', 'c'].map(key => t.rejects(s3.get(key)))
  await sleep(50)
  await server.close()
  await Promise.all(pending)
})
