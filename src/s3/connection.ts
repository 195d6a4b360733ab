import type { Socket } from 'node:net'

import type { Dispatcher } from 'undici'
import Client from 'undici/lib/dispatcher/client.js'
import buildConnector from 'undici/lib/core/connect.js'

import { Outgoing, type BodyRate, type ChunkedBody } from './outgoing.js'
import { tunnel, type Proxy } from './proxy.js'
import { StallWatch, bytesMoved } from './stall-watch.js'

/** One HTTP request, already signed. */
export interface HttpRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Name, value, name, value, … */
  readonly headers: readonly string[]
  readonly body: Buffer | ChunkedBody | undefined
  /** The buffer for the body of a successful answer, instead of new memory. */
  readonly into: Buffer | undefined
  readonly signal: AbortSignal | undefined
}

/** A complete answer. */
export interface HttpResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The body; a view of `into` where that was given and the status is below 300. */
  readonly body: Buffer
}

/**
 * An answer longer than this is none that anybody asked for, bytes: the state of a table of a million files has less,
 * and a listing of 1,000 keys of 1,024 bytes, thrice encoded, much less.
 */
const MAX_ANSWER = 128 * 1024 * 1024

/** How long a connection waits. */
export interface Timeouts {
  /** Time to connect, TLS included, ms. */
  readonly connect: number
  /** Time without a byte in either direction after which a request ends, ms; see {@link StallWatch}. */
  readonly stall: number
}

/** Time to connect unless a request ends earlier, ms. */
const CONNECT_TIMEOUT = 10_000

/** Time without a byte after which a request ends unless `--request-timeout` says otherwise, ms. */
const STALL_TIMEOUT = 60_000

/** The timeouts for requests that end after so long without a byte, ms. */
export function timeoutsFor(stall = STALL_TIMEOUT): Timeouts {
  return { connect: Math.min(CONNECT_TIMEOUT, stall), stall }
}

/** How a connection is made; what is left out has no limit, no proxy and Node's certificates. */
export interface ConnectionOptions {
  readonly timeouts?: Timeouts | undefined
  /** Of the bodies of its requests. */
  readonly rate?: BodyRate | undefined
  /** Certificates to trust, PEM. */
  readonly ca?: readonly string[] | undefined
  readonly proxy?: Proxy | undefined
}

/**
 * One keep-alive connection that carries one request at a time. Its promise settles only when the kernel no longer
 * reads the request's buffer, so the caller may fill it again at once.
 */
export class Connection {
  readonly #client: Dispatcher
  readonly #secure: boolean
  readonly #timeouts: Timeouts
  readonly #rate: BodyRate | undefined
  /** The text before a path: a plain request through a proxy needs the whole address. */
  readonly #before: string
  /** For a proxy: name, value, … */
  readonly #headers: readonly string[]
  #socket: Socket | undefined

  /** @param origin scheme, host and port */
  constructor(origin: string, { timeouts = timeoutsFor(), rate, ca, proxy }: ConnectionOptions = {}) {
    this.#secure = origin.startsWith('https:')
    this.#timeouts = timeouts
    this.#rate = rate
    // Through TLS the proxy sees nothing of a request; else it is asked for it.
    const plainProxy = this.#secure ? undefined : proxy
    this.#before = plainProxy === undefined ? '' : origin
    this.#headers = Object.entries(plainProxy?.headers ?? {}).flat()
    const connect = buildConnector({
      timeout: timeouts.connect,
      keepAlive: true,
      ...(ca === undefined ? {} : { ca: [...ca] }),
    })
    this.#client = new Client(plainProxy?.url.origin ?? origin, {
      pipelining: 1,
      keepAliveTimeout: 4_000,
      // undici's own limits count the time since a chunk was handed over; a StallWatch counts bytes.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) => {
        const through = (more: { httpSocket?: Socket }): void => {
          connect({ ...options, ...more }, (...result) => {
            if (result[1] !== null) this.#socket = result[1]
            callback(...result)
          })
        }
        if (proxy === undefined || !this.#secure) {
          through({})
          return
        }
        const target = `${options.hostname}:${options.port || 443}`
        tunnel(proxy, target, timeouts.connect).then(
          httpSocket => through({ httpSocket }),
          (error: unknown) => callback(error as Error, null),
        )
      },
    })
  }

  /** Sends one request and reads its answer whole, whatever its status. Rejects with undici's or the system's error. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { body: bytes } = request
    const body = bytes === undefined ? undefined : new Outgoing(bytes, this.#secure, this.#rate)
    try {
      return await this.#dispatch(request, body)
    } finally {
      if (body !== undefined) await this.#quiesce(body)
    }
  }

  /** Ends the connection; a request under way fails. */
  async close(): Promise<void> {
    await this.#client.destroy()
  }

  #dispatch(request: HttpRequest, body: Outgoing | undefined): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const { signal } = request
      if (signal?.aborted === true) {
        reject(signal.reason as Error)
        return
      }
      const answer = new Answer(request.into)
      let abort = (): void => undefined
      let watch: StallWatch | undefined
      const done = (settle: () => void) => {
        watch?.stop()
        signal?.removeEventListener('abort', abort)
        settle()
      }
      this.#client.dispatch(
        {
          method: request.method,
          path: this.#before + request.path,
          headers: [...request.headers, ...this.#headers, ...lengthOf(body)],
          body: (body?.content ?? null) as Buffer,
          // undici closes after HEAD by default, for servers that send a body with it; S3 servers do not.
          reset: false,
        },
        {
          onRequestStart: controller => {
            abort = () => controller.abort(signal?.reason as Error)
            // It may have come while the connection was being made.
            if (signal?.aborted === true) {
              abort()
              return
            }
            signal?.addEventListener('abort', abort, { once: true })
            watch = new StallWatch(this.#timeouts.stall, {
              moved: () => bytesMoved(this.#socket),
              isSelfMade: () => body?.isMaking === true,
              onStall: error => controller.abort(error),
            })
          },
          onResponseStart: (_controller, status, headers) => answer.start(status, headers),
          onResponseData: (controller, chunk) => {
            const overflow = answer.data(chunk)
            if (overflow !== undefined) controller.abort(overflow)
          },
          onResponseEnd: () => done(() => resolve(answer.end())),
          onResponseError: (_controller, error) => done(() => reject(error)),
        },
      )
    })
  }

  /** When an answer came before all of the body was written, libuv still sends from the buffer: end the socket first. */
  async #quiesce(body: Outgoing): Promise<void> {
    await body.stop()
    const socket = this.#socket
    if (socket === undefined || socket.closed) return
    if (!socket.destroyed && socket.writableLength === 0) return
    await new Promise<void>(resolve => {
      socket.once('close', () => resolve())
      socket.destroy()
    })
  }
}

function lengthOf(body: Outgoing | undefined): string[] {
  return body === undefined ? [] : ['Content-Length', String(body.bytes)]
}

/** Collects one answer. */
class Answer {
  #status = 0
  #headers: Record<string, string> = {}
  #chunks: Buffer[] = []
  #length = 0

  constructor(readonly into: Buffer | undefined) {}

  start(status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status
    this.#headers = {}
    this.#chunks = []
    this.#length = 0
    for (const [name, value] of Object.entries(headers)) {
      // undici has them in lower case.
      if (value !== undefined) this.#headers[name] = Array.isArray(value) ? value.join(', ') : value
    }
  }

  /** Takes a piece; returns an error when the answer is longer than it may be. */
  data(chunk: Buffer): Error | undefined {
    const into = this.#status < 300 ? this.into : undefined
    if (this.#length + chunk.length > (into?.length ?? MAX_ANSWER)) {
      return Object.assign(new Error('the answer is longer than asked for'), { code: 'ANSWER_TOO_LONG' })
    }
    if (into === undefined) this.#chunks.push(chunk)
    else chunk.copy(into, this.#length)
    this.#length += chunk.length
    return undefined
  }

  end(): HttpResponse {
    const direct = this.into !== undefined && this.#status < 300
    const body = direct ? this.into.subarray(0, this.#length) : Buffer.concat(this.#chunks)
    return { status: this.#status, headers: this.#headers, body }
  }
}
