import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Test } from 'tap'

import { RawClient } from '../contract/raw-client.js'

/** What a server does not do; headers by lower-case name. */
export interface Lack {
  /** Requests with such a header are refused, with this status and code. */
  readonly refuse?: { readonly header: RegExp; readonly status: number; readonly code: string }
  /** Headers, XML elements and metadata that are looked past, in requests and in answers. */
  readonly ignore?: RegExp
}

/** A server that can do less than the embedded one behind it: signs what is left of a request anew. */
export async function lesserServer(t: Test, behind: string, lack: Lack): Promise<{ endpoint: string }> {
  const identity = { accessKeyId: 'testkey', secretAccessKey: 'testsecret', region: 'us-east-1' }
  const client = new RawClient(behind, identity)
  const { refuse, ignore = /(?!)/ } = lack

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece)
    const url = new URL(message.url ?? '/', behind)
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(message.headers)) {
      if (refuse?.header.test(name) === true) {
        const body = `<?xml version="1.0"?><Error><Code>${refuse.code}</Code><Message>no ${name}</Message></Error>`
        response.writeHead(refuse.status, { 'Content-Type': 'application/xml' }).end(body)
        return
      }
      const own =
        /^(host|connection|authorization|content-length|x-amz-(date|content-sha256|security-token))$/
      if (!own.test(name) && !ignore.test(name)) headers[name] = String(value)
    }
    const [bucket = '', ...key] = url.pathname.slice(1).split('/').map(decodeURIComponent)
    const body = Buffer.concat(pieces)
    const answer = await client.send({
      method: message.method ?? 'GET',
      bucket,
      ...(key.length === 0 ? {} : { key: key.join('/') }),
      query: Object.fromEntries(url.searchParams),
      headers,
      body: message.method === 'POST' ? Buffer.from(without(body.toString(), ignore)) : body,
    })
    const answered = Object.entries(answer.headers).filter(
      ([name]) => !ignore.test(name) && !/^(connection|keep-alive|transfer-encoding)$/.test(name),
    )
    const xml = answer.header('content-type') === 'application/xml'
    const content = xml ? Buffer.from(without(answer.text, ignore)) : answer.body
    const length = message.method === 'HEAD' ? {} : { 'content-length': String(content.length) }
    response.writeHead(answer.status, { ...Object.fromEntries(answered), ...length }).end(content)
  }

  const server = createServer((message, response) => {
    serve(message, response).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    client.close()
    server.closeAllConnections()
    await new Promise<void>(resolve => server.close(() => resolve()))
  })
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** XML without the elements of headers that are looked past. */
function without(xml: string, ignore: RegExp): string {
  return ignore.test('x-amz-checksum-crc64nvme') ? xml.replace(/<(Checksum\w+)>[^<]*<\/\1>/g, '') : xml
}
