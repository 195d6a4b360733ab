import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'

import type { Test } from 'tap'

import type { BucketAccess } from '../../src/s3/access.js'
import type { ClientListener, ClientOptions, Lines } from '../../src/s3/client-options.js'
import { S3Client } from '../../src/s3/client.js'
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

/** Of the client of a test, beside its settings. */
export type More = Partial<Omit<BucketAccess, 'settings'> & Lines & Pick<ClientOptions, 'listener'>>

/** Keeps what a client says of the server. */
export class Heard implements ClientListener {
  readonly notes: string[] = []
  readonly errors: S3Error[] = []
  readonly pauses: number[] = []
  slowed = 0

  onRetry(error: S3Error, pause: number): void {
    this.errors.push(error)
    this.pauses.push(pause)
  }

  onNote(text: string): void {
    this.notes.push(text)
  }

  onSlowDown(): void {
    this.slowed++
  }

  onSilence(): void {}
  onReturn(): void {}
}

/** A client that ends with the test. */
export function clientOf(t: Test, settings: S3Settings, more: More = {}): S3Client {
  const { listener, ownPrefix = '', credentials = () => CREDENTIALS, retry = FAST, ...lines } = more
  const client = new S3Client({
    access: { settings, credentials, ownPrefix, retry },
    lines: { connections: 2, ...lines },
    ...(listener === undefined ? {} : { listener }),
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
