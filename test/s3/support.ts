import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

import type { Test } from 'tap'

import { S3Client, type ClientOptions } from '../../src/s3/client.js'
import { S3Error } from '../../src/s3/errors.js'
import type { RetryPolicy } from '../../src/s3/retry.js'
import type { S3Settings } from '../../src/s3/settings.js'

export const CREDENTIALS = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }

/** Pauses too short to wait for. */
export const FAST: RetryPolicy = { retries: 4, base: 1, cap: 2 }

/** Timeouts that a test can wait for. */
export const SHORT = { connect: 500, stall: 400 }

export function settingsOf(endpoint: string, more: Partial<S3Settings> = {}): S3Settings {
  return { endpoint, region: 'us-east-1', pathStyle: true, bucket: 'bucket', ...more }
}

/** A client that ends with the test. */
export function clientOf(t: Test, settings: S3Settings, more: Partial<ClientOptions> = {}): S3Client {
  const client = new S3Client({
    settings,
    credentials: () => CREDENTIALS,
    connections: 2,
    retry: FAST,
    ...more,
  })
  t.teardown(() => client.close())
  return client
}

/** The {@link S3Error} that a call fails with. */
export async function failure(call: Promise<unknown>): Promise<S3Error> {
  const error: unknown = await call.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  )
  if (error instanceof S3Error) return error
  throw error
}

/** A server of a test's own making, below HTTP. */
export interface Wire {
  readonly endpoint: string
  readonly server: Server
  /** Connections so far. */
  readonly sockets: Socket[]
}

/** Listens on a free port of 127.0.0.1 until the test ends. */
export async function wire(t: Test, onConnection: (socket: Socket) => void): Promise<Wire> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>(resolve => server.close(() => resolve()))
  })
  const { port } = server.address() as AddressInfo
  return { endpoint: `http://127.0.0.1:${port}`, server, sockets }
}

/** A whole answer as it goes over the wire. */
export function answer(status: number, body = '', headers: Readonly<Record<string, string>> = {}): string {
  const all = { 'Content-Length': String(Buffer.byteLength(body)), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n${body}`
}
