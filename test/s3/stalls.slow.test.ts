import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import { Connection, timeoutsFor, type HttpRequest, type HttpResponse } from '../../src/s3/connection.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { listObjects } from '../../src/s3/list.js'
import { getObject, putObject } from '../../src/s3/object.js'
import { SharedRate } from '../../src/transfer/pool/rate.js'
import { Cli } from '../support/cli.js'
import { TestNode } from '../support/node.js'

import { answer, clientOf, failure, settingsOf, wire } from './support.js'

const MEBIBYTE = 1024 * 1024

/** Time without a byte after which the requests of this file end, ms. */
const STALL = 400
const TIMEOUTS = { connect: 400, stall: STALL }

/** Bytes that the buffers of the loopback device do not take. */
const LARGE = Buffer.alloc(32 * MEBIBYTE)

function request(method: string, body?: HttpRequest['body']): HttpRequest {
  return { method, path: '/k', headers: ['Host', 'x'], body, into: undefined, signal: undefined }
}

/** Sends a request to a server, over a connection that ends with the test. */
async function send(t: Test, endpoint: string, one: HttpRequest): Promise<HttpResponse> {
  const connection = new Connection(endpoint, { timeouts: TIMEOUTS })
  t.teardown(() => connection.close())
  return connection.send(one)
}

/** The request has to end for want of bytes, not before its time and not long after it. @returns how long it took, ms */
async function stalls(t: Test, sent: Promise<unknown>, what: string): Promise<number> {
  const began = performance.now()
  await t.rejects(sent, { code: 'STALLED', message: 'no byte for 0.4 s' }, what)
  const took = performance.now() - began
  t.ok(took > STALL * 0.9, `${what}: ${Math.round(took)} ms`)
  return took
}

await t.test('a server that accepts a request and says nothing', async t => {
  const { endpoint } = await wire(t, socket => socket.resume())
  for (const method of ['GET', 'HEAD', 'PUT']) {
    const took = await stalls(t, send(t, endpoint, request(method)), method)
    t.ok(took < 2000, `${method}: ${Math.round(took)} ms`)
  }
  const took = await stalls(t, send(t, endpoint, request('PUT', LARGE)), 'a large body')
  t.ok(took < 3000, `${Math.round(took)} ms`)
})

await t.test('a server that stops reading in the middle of a body', async t => {
  const { endpoint } = await wire(t, socket => {
    let bytes = 0
    socket.on('data', chunk => {
      bytes += chunk.length
      if (bytes > MEBIBYTE) socket.pause()
    })
  })
  await stalls(t, send(t, endpoint, request('PUT', LARGE)), 'one buffer')
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < LARGE.length; at += MEBIBYTE) yield LARGE.subarray(at, at + MEBIBYTE)
  }
  await stalls(t, send(t, endpoint, request('PUT', { bytes: LARGE.length, chunks })), 'chunks')
})

await t.test('a server that stops in the middle of an answer', async t => {
  const { endpoint } = await wire(t, socket => {
    socket.on('data', () => socket.write(answer(200, 'abc', { 'Content-Length': '9' })))
  })
  await stalls(t, send(t, endpoint, request('GET')), 'a body')
  const { endpoint: other } = await wire(t, socket => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-'))
  })
  await stalls(t, send(t, other, request('GET')), 'a head')
})

await t.test('a request goes on for as long as bytes move', async t => {
  await t.test('of a body that is read slowly', async t => {
    const { endpoint } = await wire(t, socket => {
      let bytes = 0
      socket.on('data', chunk => {
        bytes += chunk.length
        if (bytes >= LARGE.length) socket.write(answer(200))
        socket.pause()
        setTimeout(() => socket.resume(), 10)
      })
    })
    const began = performance.now()
    t.match(await send(t, endpoint, request('PUT', LARGE)), { status: 200 })
    const took = performance.now() - began
    t.ok(took > 3 * STALL, `${Math.round(took)} ms`)
  })

  await t.test('of an answer that comes letter by letter', async t => {
    const { endpoint } = await wire(t, socket => {
      socket.on('data', () => {
        const text = answer(200, '0123')
        void (async () => {
          for (let at = 0; at < text.length; at += 6) {
            socket.write(text.slice(at, at + 6))
            await sleep(150)
          }
        })()
      })
    })
    t.match(await send(t, endpoint, request('GET')), { status: 200, body: Buffer.from('0123') })
  })
})

await t.test('a body that waits for its share of --max-rate does not stall', async t => {
  const { endpoint } = await wire(t, socket => {
    socket.on('data', chunk => chunk.includes('z') && socket.write(answer(200)))
  })
  const rate = new SharedRate(1000)
  const connection = new Connection(endpoint, { timeouts: TIMEOUTS, rate })
  t.teardown(() => connection.close())
  await rate.take(1500, new AbortController().signal)
  const began = performance.now()
  t.match(await connection.send(request('PUT', Buffer.from('z'))), { status: 200 })
  t.ok(performance.now() - began > STALL, 'it had to wait')
})

await t.test('a process that stood still reads what came meanwhile', async t => {
  const { endpoint } = await wire(t, socket => {
    socket.on('data', () => {
      socket.write(answer(200, 'late'))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 * STALL)
    })
  })
  t.match(await send(t, endpoint, request('GET')), { body: Buffer.from('late') })
})

await t.test('PUT, GET and LIST of a silent server are repeated, and fail for good then', async t => {
  let requests = 0
  const { endpoint } = await wire(t, socket => socket.on('data', () => requests++))
  const client = clientOf(t, settingsOf(endpoint), {
    timeouts: TIMEOUTS,
    retry: { retries: 1, base: 1, cap: 1 },
  })
  const list = async (): Promise<void> => {
    for await (const object of listObjects(client, { prefix: '' })) t.fail(object.key)
  }
  for (const call of [
    () => putObject(client, 'k', { body: Buffer.from('x'), headers: {} }, { headers: {}, ifAbsent: true }),
    () => getObject(client, 'k'),
    list,
    () => ensureBucket(client, true),
  ]) {
    requests = 0
    const error = await failure(call())
    t.match(error, {
      s3Code: 'STALLED',
      retry: true,
      message: /no answer from the server: no byte for 0\.4 s/,
    })
    t.equal(requests, 2)
  }
})

await t.test('--request-timeout ends the requests of a run', async t => {
  const { endpoint } = await wire(t, socket => socket.resume())
  const node = await TestNode.create(t)
  node.table('ks/t').set('nb-1-big')
  const flags = ['-r', '-B', '--retries', '0', '--retry-time', '0', '--request-timeout', '1']
  const began = performance.now()
  const cli = new Cli([...node.args(flags), '--endpoint-url', endpoint])
  t.equal(await cli.exit, 1)
  t.match(cli.stderr, /HeadBucket: no answer from the server: no byte for 1 s/)
  t.ok(performance.now() - began < 10_000)
  t.same(timeoutsFor(), { connect: 10_000, stall: 60_000 })
})
