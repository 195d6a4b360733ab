import { execFile } from 'node:child_process'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import t from 'tap'

import { Connection, type HttpRequest } from '../../src/s3/connection.js'
import { SHORT, answer, wire } from './support.js'

const MEBIBYTE = 1024 * 1024

function put(body: HttpRequest['body'], more: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: 'PUT',
    path: '/k',
    headers: ['Host', 'x'],
    body,
    into: undefined,
    signal: undefined,
    ...more,
  }
}

/** Answers as soon as the head of a request is in, and goes on reading at its leisure. */
class EarlyServer {
  /** Bytes of a body that were not what it began with. */
  readonly strange: number[] = []
  bytes = 0

  constructor(
    readonly says: string,
    readonly pauseMs = 2,
  ) {}

  /** Waits until nothing has come for a while. */
  async atRest(): Promise<void> {
    for (let before = -1; before !== this.bytes;) {
      before = this.bytes
      await sleep(100)
    }
  }

  readonly serve = (socket: Socket): void => {
    let head = ''
    let first: number | undefined
    socket.on('data', chunk => {
      let body = chunk
      if (!head.includes('\r\n\r\n')) {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        socket.write(this.says)
        body = Buffer.from(head.slice(end + 4), 'latin1')
        head = head.slice(0, end + 4)
      }
      this.bytes += body.length
      for (const byte of body) {
        first ??= byte
        if (byte !== first) this.strange.push(byte)
      }
      socket.pause()
      setTimeout(() => socket.resume(), this.pauseMs)
    })
  }
}

await t.test('a buffer is not sent from any more once its request is answered', async t => {
  for (const status of [200, 503]) {
    const server = new EarlyServer(answer(status))
    const { endpoint } = await wire(t, server.serve)
    const buffer = Buffer.alloc(16 * MEBIBYTE, 1)
    const connection = new Connection(endpoint)
    t.equal((await connection.send(put(buffer))).status, status)
    t.ok(server.bytes < buffer.length, `${status}: answered within the body`)
    // What a pool of buffers does next.
    buffer.fill(0xff)
    await server.atRest()
    t.ok(server.bytes > 0)
    t.same(server.strange.slice(0, 3), [], `${status}: no byte of what came after`)
    await connection.close()
  }
})

await t.test('nor from the pieces of a body', async t => {
  const server = new EarlyServer(answer(200))
  const { endpoint } = await wire(t, server.serve)
  const connection = new Connection(endpoint)
  const buffer = Buffer.alloc(2 * MEBIBYTE)
  let reading = 0
  let readings = 0
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < 64; at++) {
      reading++
      readings++
      // A disk that takes its time.
      await sleep(3)
      buffer.fill(1)
      reading--
      yield buffer
    }
  }
  const body = { bytes: 64 * buffer.length, chunks }
  for (let n = 0; n < 5; n++) {
    const sent = connection.send(put(body))
    t.equal((await sent).status, 200)
    t.equal(reading, 0, 'nothing is written into the buffer any more')
    const before = readings
    buffer.fill(0xff)
    await sleep(20)
    t.equal(readings, before, 'and no further piece is made')
    t.ok(buffer.every(byte => byte === 0xff))
  }
  await connection.close()
  await sleep(50)
  t.same(server.strange.slice(0, 3), [])
})

await t.test('a request that is aborted leaves its buffer alone', async t => {
  const server = new EarlyServer('', 5)
  const { endpoint } = await wire(t, server.serve)
  const connection = new Connection(endpoint)
  const buffer = Buffer.alloc(16 * MEBIBYTE, 1)
  const abort = new AbortController()
  const sent = connection.send(put(buffer, { signal: abort.signal }))
  setTimeout(() => abort.abort(new Error('enough')), 50)
  await t.rejects(sent, { message: 'enough' })
  buffer.fill(0xff)
  await sleep(50)
  t.ok(server.bytes > 0)
  t.same(server.strange.slice(0, 3), [])
  await t.rejects(connection.send(put(buffer, { signal: abort.signal })), { message: 'enough' }, 'nor begins')
  await connection.close()
})

await t.test('an abort while the connection is being made holds', async t => {
  let requests = 0
  const { endpoint } = await wire(t, socket => socket.on('data', () => requests++))
  const connection = new Connection(endpoint)
  const abort = new AbortController()
  const sent = connection.send(put(Buffer.from('x'), { signal: abort.signal }))
  abort.abort(new Error('enough'))
  await t.rejects(sent, { message: 'enough' })
  t.equal(requests, 0)
  await connection.close()
})

await t.test('a process whose only request was aborted while the connection was being made ends', async t => {
  const { endpoint } = await wire(t, () => undefined)
  const script = `
    import { Connection } from '${new URL('../../src/s3/connection.js', import.meta.url).href}'
    const connection = new Connection('${endpoint}')
    const abort = new AbortController()
    const sent = connection.send({ method: 'PUT', path: '/k', headers: ['Host', 'x'], body: undefined, signal: abort.signal })
    abort.abort(new Error('enough'))
    await sent.catch(error => console.log(error.message))
    await connection.close()`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', script],
    // Half the time that a request may stall for.
    { timeout: 30_000, env: { ...process.env, NODE_OPTIONS: '' } },
  )
  t.equal(stdout, 'enough\n')
})

await t.test('a connection is used again, also after HEAD, and made anew when it was closed', async t => {
  let closing = false
  const { endpoint, sockets } = await wire(t, socket => {
    socket.on('data', () => socket.write(answer(200, '', closing ? { Connection: 'close' } : {})))
  })
  const connection = new Connection(endpoint)
  for (const method of ['PUT', 'HEAD', 'PUT']) await connection.send(put(undefined, { method }))
  t.equal(sockets.length, 1)
  closing = true
  await connection.send(put(undefined))
  await connection.send(put(undefined))
  t.equal(sockets.length, 2)
  await connection.close()
})

await t.test('an answer that ends too early is a failure', async t => {
  const { endpoint } = await wire(t, socket => {
    socket.on('data', () => socket.end(answer(200, 'abc', { 'Content-Length': '9' })))
  })
  const connection = new Connection(endpoint, { timeouts: SHORT })
  await t.rejects(connection.send(put(undefined)), { code: 'UND_ERR_SOCKET' })
  await connection.close()
})

await t.test('a state of a very large table comes whole', async t => {
  const state = 'x'.repeat(40 * 1024 * 1024)
  const { endpoint } = await wire(t, socket => socket.once('data', () => socket.write(answer(200, state))))
  const connection = new Connection(endpoint)
  const { body } = await connection.send(put(undefined))
  t.equal(body.length, state.length)
  await connection.close()
})

await t.test('an answer fills the buffer that it was asked into, and no more', async t => {
  let says = answer(200, 'abcdef')
  const { endpoint } = await wire(t, socket => socket.on('data', () => socket.write(says)))
  const connection = new Connection(endpoint, { timeouts: SHORT })
  const memory = Buffer.alloc(8, '.')
  const response = await connection.send(put(undefined, { into: memory.subarray(0, 6) }))
  t.equal(response.body.toString(), 'abcdef')
  t.equal(memory.toString(), 'abcdef..')
  says = answer(200, 'ABCDEFGH')
  const longer = connection.send(put(undefined, { into: memory.subarray(0, 6) }))
  await t.rejects(longer, { code: 'ANSWER_TOO_LONG' })
  t.equal(memory.subarray(6).toString(), '..')
  says = answer(404, '<Error/>')
  const missing = await connection.send(put(undefined, { into: memory.subarray(0, 6) }))
  t.equal(missing.body.toString(), '<Error/>', 'an error is not put there')
  await connection.close()
})

await t.test('bytes that are no HTTP', async t => {
  const { endpoint } = await wire(t, socket =>
    socket.on('data', () => socket.write('\x15\x03\x01\x00\x02\x02\x46')),
  )
  const connection = new Connection(endpoint, { timeouts: SHORT })
  await t.rejects(connection.send(put(undefined)), { name: 'HTTPParserError' })
  await connection.close()
})
