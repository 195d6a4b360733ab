import { createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { Connection } from '../../src/s3/connection.js'
import { exerciseServer } from './any-server.js'
import { selfSigned } from '../support/real/certificate.js'
import { gateway, temporaryDirectory } from '../support/real/place.js'

await t.test('the upload engine on versitygw', async t => {
  const { endpoint } = await gateway(t)
  await exerciseServer(t, endpoint)
})

await t.test('over TLS too, a buffer is not sent from once its request is answered', async t => {
  const { cert, key } = await selfSigned(temporaryDirectory(t), '127.0.0.1')
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  let bytes = 0
  let strange = 0
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, socket => {
    socket.on('error', () => undefined)
    let head = ''
    socket.on('data', (chunk: Buffer) => {
      let body = chunk
      if (!head.includes('\r\n\r\n')) {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n')
        body = Buffer.from(head.slice(end + 4), 'latin1')
      }
      bytes += body.length
      for (const byte of body) if (byte !== 1) strange++
      socket.pause()
      setTimeout(() => socket.resume(), 2)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const connection = new Connection(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const body = Buffer.alloc(16 * 1024 * 1024, 1)
  const headers = ['Host', 'x']
  const request = { method: 'PUT', path: '/k', headers, body, into: undefined, signal: undefined }
  t.equal((await connection.send(request)).status, 503)
  t.ok(bytes < body.length, 'answered within the body')
  body.fill(0xff)
  await sleep(300)
  await connection.close()
  t.ok(bytes > 0)
  t.equal(strange, 0)
})
