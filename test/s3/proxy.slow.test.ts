import { readFileSync } from 'node:fs'
import { createServer as createPlain, request as send } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { connect, type AddressInfo, type Server } from 'node:net'

import t, { type Test } from 'tap'

import { UsageError } from '../../src/errors.js'
import { ensureBucket } from '../../src/s3/bucket.js'
import { getObject, headObject, putObject } from '../../src/s3/object.js'
import { proxiesOf, proxyFor } from '../../src/s3/proxy.js'
import { testBucket } from '../support/bucket.js'
import { selfSigned } from '../support/real/certificate.js'
import { clientOf, failure, settingsOf } from './support.js'

const BODY = Buffer.from('through a proxy')
const GUARDED = { body: BODY, headers: {} }
const PLAIN = { headers: {}, ifAbsent: false }

async function listen(t: Test, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
}

/** A proxy that alone knows where the server of any name is; `allows`: whether it lets anybody through. */
async function proxyTo(t: Test, port: number, allows = true): Promise<{ address: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const proxy = createPlain((message, response) => {
    const { method = '', url = '', headers } = message
    const { 'proxy-authorization': authorization, ...rest } = headers
    seen.push({ method, url, authorization })
    const { pathname, search } = new URL(url)
    const forwarded = send(
      { host: '127.0.0.1', port, method, path: pathname + search, headers: rest, agent: false },
      answer => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      },
    )
    message.pipe(forwarded)
  })
  proxy.on('connect', ({ url = '', headers }, socket) => {
    seen.push({ method: 'CONNECT', url, authorization: headers['proxy-authorization'] })
    if (!allows) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const server = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      server.pipe(socket).pipe(server)
    })
    for (const end of [server, socket]) end.on('error', () => undefined)
  })
  return { address: `127.0.0.1:${await listen(t, proxy)}`, seen }
}

await t.test('a server that only the proxy knows, over http', async t => {
  const bucket = await testBucket(t)
  await ensureBucket(bucket.client, true)
  const { address, seen } = await proxyTo(t, Number(new URL(bucket.server.endpoint).port))
  const proxies = proxiesOf({ http_proxy: `http://user:p%40ss@${address}` })
  const client = clientOf(t, settingsOf('http://s3.inside.example', { proxies }))
  t.equal(client.proxy, address)
  await putObject(client, 'a key', GUARDED, PLAIN)
  t.ok((await getObject(client, 'a key')).body.equals(BODY))
  t.match(seen, [
    { method: 'PUT', url: 'http://s3.inside.example/bucket/a%20key' },
    { method: 'GET', url: 'http://s3.inside.example/bucket/a%20key' },
  ])
  t.equal(seen[0]?.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
})

await t.test('a server behind TLS: the proxy sees nothing but its name', async t => {
  const { cert, key } = await selfSigned(t.testdir(), '127.0.0.1')
  const server = createSecure({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) =>
    response.writeHead(200, { ETag: '"e"', 'Content-Length': 5 }).end(),
  )
  const { address, seen } = await proxyTo(t, await listen(t, server))
  const proxies = proxiesOf({ HTTPS_PROXY: `http://${address}` })
  const ca = [readFileSync(cert, 'utf8')]
  const endpoint = 'https://127.0.0.1:9443'
  const client = clientOf(t, settingsOf(endpoint, { proxies, ca }))
  t.match(await headObject(client, 'k'), { size: 5 })
  t.match(await headObject(client, 'k'), { size: 5 })
  t.same(seen, [{ method: 'CONNECT', url: '127.0.0.1:9443', authorization: undefined }], 'one connection')

  const mistrusting = clientOf(t, settingsOf(endpoint, { proxies }))
  t.match(await failure(headObject(mistrusting, 'k')), { message: /AWS_CA_BUNDLE/, retry: false })
  const refusing = await proxyTo(t, 1, false)
  const refused = clientOf(t, settingsOf(endpoint, { proxies: proxiesOf({ https_proxy: refusing.address }) }))
  t.match(await failure(headObject(refused, 'k')), { message: /the proxy .* answers 403 to CONNECT/ })
})

await t.test('which hosts go through a proxy', t => {
  const of = (origin: string, no = '') =>
    proxyFor(origin, proxiesOf({ https_proxy: 'proxy:3128', no_proxy: no }))?.url.host
  t.equal(of('https://s3.amazonaws.com'), 'proxy:3128')
  t.equal(of('http://s3.amazonaws.com'), undefined, 'another scheme')
  for (const no of ['*', 'amazonaws.com', '.amazonaws.com', '*.amazonaws.com', 'x, s3.amazonaws.com:443'])
    t.equal(of('https://s3.amazonaws.com', no), undefined, no)
  for (const no of ['aws.com', 's3.amazonaws.com:80', 'b.s3.amazonaws.com'])
    t.equal(of('https://s3.amazonaws.com', no), 'proxy:3128', no)
  t.equal(proxiesOf({ HTTP_PROXY: 'http://x' }), undefined, 'HTTP_PROXY could be a header of a CGI request')
  t.match(proxiesOf({ ALL_PROXY: 'http://x' }), { http: 'http://x', https: 'http://x' })
  t.throws(
    () => proxyFor('https://x', proxiesOf({ https_proxy: 'socks5://u:secret@h:1' })),
    new UsageError(
      'PROXY_INVALID',
      'https_proxy: "socks5://h:1" is no address of an http proxy, such as http://proxy.example.com:3128',
    ),
  )
  t.end()
})
