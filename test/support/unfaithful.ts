import { createServer, request as send, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Test } from 'tap'

/** A request on its way to the server. */
export interface Passing {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** An answer on its way back; without a length it goes in chunks. */
export interface Given {
  status: number
  headers: OutgoingHttpHeaders
  body: Buffer
}

/** What becomes of the requests and answers that pass. */
export interface Unfaithful {
  /** Answers in place of the server, which then hears nothing of it; `drop` cuts the connection. */
  readonly request?: (passing: Passing) => Given | 'drop' | undefined | Promise<undefined>
  /** Changes the server's answer; after this no length is added. */
  readonly response?: (passing: Passing, given: Given) => void
}

/** A proxy that keeps signatures valid, between a client and a server over http. @returns its address */
export async function unfaithful(t: Test, target: string, change: Unfaithful): Promise<string> {
  const { hostname, port } = new URL(target)
  const proxy = createServer((message, response) => {
    void (async () => {
      const pieces: Buffer[] = []
      for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece)
      const { method = 'GET', headers } = message
      const url = new URL(message.url ?? '/', target)
      const passing: Passing = { method, url, headers, body: Buffer.concat(pieces) }
      const instead = await change.request?.(passing)
      if (instead === 'drop') {
        message.socket.destroy()
        return
      }
      const given = instead ?? (await forward(hostname, port, message.url ?? '/', passing))
      if (instead === undefined) change.response?.(passing, given)
      response.writeHead(given.status, given.headers).end(method === 'HEAD' ? undefined : given.body)
    })().catch(() => message.socket.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

async function forward(
  hostname: string,
  port: string,
  path: string,
  { method, headers, body }: Passing,
): Promise<Given> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    send({ hostname, port, path, method, headers, agent: false }, resolve).on('error', reject).end(body)
  })
  const pieces: Buffer[] = []
  for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece)
  const ofTheConnection = /^(connection|keep-alive|transfer-encoding)$/
  const kept = Object.fromEntries(
    Object.entries(answer.headers).filter(([name]) => !ofTheConnection.test(name)),
  )
  return { status: answer.statusCode ?? 500, headers: kept, body: Buffer.concat(pieces) }
}

/** A page for people under status 200. */
export function page(): Given {
  return {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: Buffer.from('<html><body>Down for maintenance</body></html>'),
  }
}

/** An `<Error>` under a status. */
export function errorAnswer(status: number, code: string): Given {
  const body = Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`)
  return { status, headers: { 'content-type': 'application/xml', 'content-length': body.length }, body }
}
