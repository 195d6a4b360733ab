import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { start, Wire } from './support.js'

const BODY = 'x'.repeat(200_000)

await t.test('Expect: 100-continue is refused before the body, or asked for it', async t => {
  const { server, s3 } = await start(t)
  await s3.put('k', 'old')
  const request = { method: 'PUT', bucket: s3.bucket, key: 'k', body: BODY }
  const refused = new Wire(server)
  refused.head(s3.client, { ...request, headers: { 'if-none-match': '*' } }, { expect: '100-continue' })
  t.match(await refused.end(), /^HTTP\/1.1 412 /, 'nothing but the refusal')
  const accepted = new Wire(server)
  const body = accepted.head(s3.client, request, { expect: '100-continue' })
  t.match(await accepted.until(/\r\n\r\n/), /^HTTP\/1.1 100 Continue\r\n\r\n$/)
  accepted.socket.write(body)
  t.match(await accepted.until(/ 200 OK/), / 200 OK/)
  accepted.socket.destroy()
  t.equal((await s3.get('k')).text, BODY)
})

await t.test('a refusal reads the body to its end and keeps the connection', async t => {
  const { server, s3 } = await start(t)
  await s3.put('k', 'old')
  const wire = new Wire(server)
  for (const headers of [
    { 'if-none-match': '*' },
    { 'content-md5': 'bad' },
    { 'x-amz-checksum-crc32': 'AAAAAA==' },
  ]) {
    wire.received = ''
    wire.socket.write(
      wire.head(s3.client, { method: 'PUT', bucket: s3.bucket, key: 'k', body: BODY, headers }),
    )
    t.match(await wire.until(/<\/Error>/), /^HTTP\/1.1 4\d\d /)
  }
  t.notOk(wire.closed)
  wire.socket.destroy()
  t.equal((await s3.get('k')).text, 'old')
  t.ok(
    server.requests
      .filter(record => record.error !== undefined)
      .every(record => record.bytes === BODY.length),
  )
})

await t.test('a body without a length is 411', async t => {
  const { server, s3 } = await start(t)
  for (const chunked of [true, false]) {
    const wire = new Wire(server)
    const request = { method: 'PUT', bucket: s3.bucket, key: 'k', payload: 'UNSIGNED-PAYLOAD' }
    const { path, headers } = s3.client.prepare(request)
    const sent = Object.entries(headers).filter(([name]) => name !== 'content-length')
    if (chunked) sent.push(['transfer-encoding', 'chunked'])
    const lines = sent.map(([name, value]) => `${name}: ${value}\r\n`)
    wire.socket.write(`PUT ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    if (chunked) wire.socket.write('5\r\nhello\r\n0\r\n\r\n')
    t.match(await wire.until(/<\/Error>/), /^HTTP\/1.1 411 .*MissingContentLength/s)
    wire.socket.destroy()
  }
  t.notOk(await s3.exists('k'))
})

await t.test('several requests on one connection at once are answered in order', async t => {
  const { server, s3 } = await start(t)
  for (const key of ['a', 'b', 'c']) await s3.put(key, `object ${key}`)
  const wire = new Wire(server)
  for (const key of ['a', 'b', 'none', 'c']) wire.head(s3.client, { method: 'GET', bucket: s3.bucket, key })
  await wire.until(/object c/)
  t.same(wire.received.match(/object \w|NoSuchKey/g), ['object a', 'object b', 'NoSuchKey', 'object c'])
  wire.socket.destroy()
})

await t.test('a client that goes away within an answer does no harm', async t => {
  const { server, s3 } = await start(t)
  await s3.put('k', Buffer.alloc(20 * 1024 * 1024))
  const wire = new Wire(server)
  wire.head(s3.client, { method: 'GET', bucket: s3.bucket, key: 'k' })
  await wire.until(/\r\n\r\n/)
  wire.socket.destroy()
  await sleep(50)
  t.equal((await s3.send('DELETE', 'k')).status, 204)
  t.equal((await s3.get('k')).outcome, '404 NoSuchKey')
})
