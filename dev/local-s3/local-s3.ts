import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { errorMessage, TablesnapError } from '../../src/errors.js'
import { Exchange, type Service } from './exchange.js'
import { FaultScript } from './fault.js'
import type { RequestRecord } from './request-log.js'
import { SignatureVerifier, type LocalCredential } from './signature.js'
import { Store } from './store.js'

/** Where and how the server runs; everything but the directory has a default. */
export interface LocalS3Options {
  /** Holds all buckets; a later server on the same directory finds them again. One server at a time. */
  readonly directory: string
  /** Default 0: any free one. */
  readonly port?: number
  /** The address listened on; default 127.0.0.1. */
  readonly host?: string
  /** Default us-east-1. */
  readonly region?: string
  /** Default one: testkey, testsecret. */
  readonly credentials?: readonly LocalCredential[]
  /** PEM; with it the server speaks https only. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** The server's clock, in ms since the epoch. */
  readonly now?: () => number
  /** Requests to `<bucket>.<domain>` are virtual-host style; default localhost. */
  readonly domain?: string
  /** Smallest size in bytes of a part that is not the last; default 5 MiB, as Amazon's. */
  readonly minPartSize?: number
  /** `opaque`: random entity tags, as under AWS KMS; saves the server an MD5 over all bytes. Default md5. */
  readonly etags?: 'md5' | 'opaque'
  /** Answer a repeated CompleteMultipartUpload with 404 NoSuchUpload instead of 200; both are seen in the wild. */
  readonly forgetUploads?: boolean
}

const MIN_PART_SIZE = 5 * 1024 * 1024
const KEEP_ALIVE_MS = 60_000

function failure(code: string, message: string, cause: unknown): TablesnapError {
  return new TablesnapError({
    code,
    message: `${message}: ${errorMessage(cause)}`,
    step: { operation: 'local-s3' },
    cause,
  })
}

function openStore(directory: string): Store {
  try {
    return new Store(directory)
  } catch (cause) {
    throw failure('LOCAL_S3_DIRECTORY', `The S3 server cannot use the directory ${directory}`, cause)
  }
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (cause) {
    throw failure('LOCAL_S3_LISTEN', `The S3 server cannot listen on ${host} port ${port}`, cause)
  }
  return (server.address() as AddressInfo).port
}

function refuseMalformed(error: Error, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const status =
    'code' in error && error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/** An S3 server within the process: strict about what it verifies, and made to go wrong on demand. */
export class LocalS3 {
  /** `http://host:port`, or https. */
  readonly endpoint: string
  readonly port: number
  /** The latest requests, oldest first; bounded, and may be emptied by setting its length to 0. */
  readonly requests: RequestRecord[]
  /** What is to go wrong. */
  readonly faults: FaultScript
  readonly #server: Server
  readonly #service: Service
  readonly #closing: AbortController
  readonly #running = new Set<Promise<void>>()

  private constructor(server: Server, service: Service, closing: AbortController, port: number) {
    this.#server = server
    this.#service = service
    this.#closing = closing
    this.endpoint = service.settings.endpoint
    this.port = port
    this.requests = service.requests
    this.faults = service.faults
    server.on('request', (message, response) => this.#serve(message, response, false))
    server.on('checkContinue', (message, response) => this.#serve(message, response, true))
    server.on('clientError', refuseMalformed)
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
  }

  /**
   * Starts a server.
   * @throws TablesnapError `LOCAL_S3_DIRECTORY` or `LOCAL_S3_LISTEN`
   */
  static async start(options: LocalS3Options): Promise<LocalS3> {
    const { host = '127.0.0.1', region = 'us-east-1', now = Date.now, tls } = options
    const store = openStore(options.directory)
    const server: Server = tls === undefined ? createServer() : createTlsServer(tls)
    server.keepAliveTimeout = KEEP_ALIVE_MS
    // A slow upload is no attack here.
    server.requestTimeout = 0
    const port = await listen(server, options.port ?? 0, host)
    const closing = new AbortController()
    const scheme = tls === undefined ? 'http' : 'https'
    const service: Service = {
      store,
      verifier: new SignatureVerifier(
        options.credentials ?? [{ accessKeyId: 'testkey', secretAccessKey: 'testsecret' }],
        region,
        now,
      ),
      settings: {
        region,
        now,
        endpoint: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
        minPartSize: options.minPartSize ?? MIN_PART_SIZE,
        md5Etags: options.etags !== 'opaque',
        forgetUploads: options.forgetUploads ?? false,
      },
      faults: new FaultScript(),
      requests: [],
      domain: options.domain ?? 'localhost',
      signal: closing.signal,
    }
    return new LocalS3(server, service, closing, port)
  }

  /** Cuts every connection and waits until nothing is written any more; the directory stays. */
  async close(): Promise<void> {
    this.#closing.abort()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
    await Promise.all(this.#running)
    await this.#service.store.close()
  }

  #serve(message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    response.on('error', () => undefined)
    const run = new Exchange(this.#service, message, response, expectsContinue).run()
    this.#running.add(run)
    void run.then(() => this.#running.delete(run))
  }
}
