import { connect, type Socket } from 'node:net'
import { readdirSync } from 'node:fs'
import type { Test } from 'tap'
import { LocalS3, type LocalS3Options } from '../../dev/local-s3/index.js'
import { BucketClient } from '../contract/bucket-client.js'
import { RawClient, type RawRequest } from '../contract/raw-client.js'

export const IDENTITY = { accessKeyId: 'testkey', secretAccessKey: 'testsecret', region: 'us-east-1' }

export interface Running {
  readonly server: LocalS3
  readonly s3: BucketClient
}

/** Starts a server with one bucket; both are closed when the test ends. */
export async function start(t: Test, options: Partial<LocalS3Options> = {}): Promise<Running> {
  const server = await LocalS3.start({ directory: t.testdir(), ...options })
  const client = new RawClient(server.endpoint, { ...IDENTITY, region: options.region ?? IDENTITY.region })
  const s3 = new BucketClient(client, 'bucket-1')
  t.teardown(async () => {
    client.close()
    await server.close()
  })
  await s3.send('PUT', undefined)
  server.requests.length = 0
  return { server, s3 }
}

/** Every file below a directory, by path relative to it. */
export function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => `${entry.parentPath.slice(directory.length + 1)}/${entry.name}`)
}

/** A connection of its own, over which a request can be sent in pieces. */
export class Wire {
  readonly socket: Socket
  received = ''
  closed = false
  #waiting: (() => void) | undefined

  constructor(server: LocalS3) {
    this.socket = connect(server.port, '127.0.0.1')
    this.socket.on('data', data => {
      this.received += data.toString('latin1')
      this.#waiting?.()
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
      this.#waiting?.()
    })
  }

  /** Sends the head of a signed request with the Content-Length of its body, without the body. */
  head(client: RawClient, request: RawRequest, extra: Readonly<Record<string, string>> = {}): Buffer {
    const { path, headers, body } = client.prepare(request)
    const lines = Object.entries({ ...headers, ...extra }).map(([name, value]) => `${name}: ${value}`)
    this.socket.write(`${request.method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    return body
  }

  /** Waits until what came matches, or the connection is closed. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received) && !this.closed) {
      await new Promise<void>(resolve => {
        this.#waiting = resolve
      })
    }
    return this.received
  }

  /** Waits until the server closes the connection. */
  async end(): Promise<string> {
    return this.until(/(?!)/)
  }
}
