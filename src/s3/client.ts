import { TablesnapError } from '../errors.js'

import { KeyEncoder, addressOf, encodeStrict, type Address } from './address.js'
import { NO_S3, isPage } from './answer.js'
import type { ClientOptions, S3Request } from './client-options.js'
import { Connection, timeoutsFor, type HttpResponse, type Timeouts } from './connection.js'
import { S3Error, networkError } from './errors.js'
import { hasSurelyExpired, mayBeExpired } from './expired.js'
import { doubtOf, failureOf } from './failure.js'
import { skew } from './hints.js'
import { OwnOverwriting, type Overwriting } from './overwriting.js'
import { proxyFor } from './proxy.js'
import { redirectOf, type Redirect } from './redirect.js'
import { DEFAULT_RETRY, withRetry, type RetryPolicy } from './retry.js'
import { ServerTime, monotonic } from './server-time.js'
import type { Credentials, S3Settings } from './settings.js'
import { EMPTY_SHA256, UNSIGNED_PAYLOAD, sign } from './sign.js'
import { SigningTime } from './signing-time.js'
import { Silence } from './silence.js'
import { STALLED } from './stall-watch.js'
import type { XmlNode } from './xml-node.js'
import { parseXml } from './xml.js'

export type { ClientOptions, S3Request }

/** Where a request goes, and the time that it is signed with, ms since 1970. */
interface Target {
  readonly host: string
  /** Path and query, encoded. */
  readonly path: string
  readonly time: number
}

/** An answer, the error that it stands for, and the time that its request was signed with, ms since 1970. */
interface Answer {
  readonly response: HttpResponse
  readonly failure: S3Error | undefined
  readonly time: number
}

/** Signs, sends and repeats S3 requests for one bucket over a fixed number of connections. */
export class S3Client {
  readonly settings: S3Settings
  readonly retry: RetryPolicy
  readonly overwriting: Overwriting
  readonly ownPrefix: string
  /** Host and port of the proxy that the server is reached through. */
  readonly proxy: string | undefined
  /** The server's clock minus ours, as far as its last answer proves, ms; undefined before the first. */
  clockOffset: number | undefined
  readonly #time = new ServerTime()
  readonly #signingTime = new SigningTime(this.#time)
  /** The Date of the newest answer, and what it is in ms since 1970. */
  #said = ''
  #date = NaN
  readonly #address: Address
  readonly #keys = new KeyEncoder()
  readonly #options: ClientOptions
  readonly #timeouts: Timeouts
  readonly #silence: Silence
  readonly #idle: Connection[] = []
  readonly #all: Connection[] = []
  readonly #waiting: ((connection: Connection) => void)[] = []

  /** @throws UsageError for an endpoint that is no server address, or a proxy that is none */
  constructor(options: ClientOptions) {
    const { settings, retry = DEFAULT_RETRY, ownPrefix = '' } = options.access
    this.settings = settings
    this.retry = retry
    this.ownPrefix = ownPrefix
    this.overwriting = options.overwriting ?? new OwnOverwriting()
    this.#options = options
    this.#timeouts = options.lines.timeouts ?? timeoutsFor(settings.requestTimeout)
    this.#silence = new Silence(options.listener)
    this.#address = addressOf(settings)
    // A wrong address of a proxy is said at the start.
    this.proxy = proxyFor(this.#address.origin, settings.proxies)?.url.host
  }

  /** Whether requests go over TLS. */
  get secure(): boolean {
    return this.#address.secure
  }

  /** Tells the operator something about the server. */
  note(text: string): void {
    this.#options.listener?.onNote(text)
  }

  /**
   * Sends a request, repeating it by the retry policy.
   * @returns an answer with a status below 300
   * @throws S3Error
   */
  async call(
    request: S3Request,
    signal?: AbortSignal,
    retry: RetryPolicy = this.retry,
  ): Promise<HttpResponse> {
    return withRetry(() => this.once(request, signal), retry, signal, this.#options.listener, this.#silence)
  }

  /**
   * As {@link call}, for an answer that is an XML document.
   * @param root what the name of its root element begins with: servers differ in how it ends
   * @returns the root element
   */
  async document(request: S3Request, root: string, signal?: AbortSignal): Promise<XmlNode> {
    const { operation, method } = request
    const attempt = async () => resultOf((await this.once(request, signal)).body, operation, root, method)
    return withRetry(attempt, this.retry, signal, this.#options.listener, this.#silence)
  }

  /** Sends a request once, and again as long as there may be other credentials than those that the server refuses; otherwise as {@link call}. */
  async once(request: S3Request, signal?: AbortSignal): Promise<HttpResponse> {
    const { credentials: source } = this.#options.access
    for (;;) {
      await request.guard?.()
      const credentials = await source()
      try {
        const response = await this.#attempt(request, credentials, signal)
        source.accepted?.()
        return response
      } catch (error) {
        if (!mayBeExpired(error) || signal?.aborted === true) throw error
        if ((await source.refused?.(credentials, hasSurelyExpired(error))) !== true) throw error
      }
    }
  }

  async #attempt(
    request: S3Request,
    credentials: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const { response, failure, time } = await this.#ask(request, credentials, signal)
    if (failure === undefined) return response
    if (!this.#signingTime.refuses(request, failure, time)) throw failure
    const second = await this.#ask(request, credentials, signal)
    const { status } = second.response
    // Any other answer shows that the server takes the signature now.
    if (this.#signingTime.believesServer && status !== 400 && status !== 403)
      this.note(
        `${skew(this.clockOffset)}: tablesnap signs requests with the server's time; set the clock right (NTP)`,
      )
    if (second.failure !== undefined) throw second.failure
    return second.response
  }

  /** @throws S3Error when no answer comes */
  async #ask(request: S3Request, credentials: Credentials, signal: AbortSignal | undefined): Promise<Answer> {
    const connection = await this.#acquire()
    const time = this.#signingTime.now()
    let response: HttpResponse
    try {
      const target = { host: this.#address.host, path: this.#path(request), time }
      response = await this.#send(connection, target, request, credentials, signal)
    } finally {
      this.#release(connection)
    }
    const elsewhere = response.status === 307 ? redirectOf(response, this.secure) : undefined
    if (elsewhere !== undefined)
      response = await this.#follow({ ...elsewhere, time }, request, credentials, signal)
    this.#options.counts?.add(request.operation, response.status)
    const doubt = response.status < 300 ? doubtOf(request, response) : undefined
    const failure =
      response.status < 300 && doubt === undefined ? undefined : this.#failure(request, response, doubt)
    if (failure?.absent === true) this.#silence.missed(failure)
    else this.#silence.answered()
    return { response, failure, time }
  }

  /** Sends a request over a connection, whatever its answer. @throws S3Error when none comes */
  async #send(
    connection: Connection,
    target: Target,
    request: S3Request,
    credentials: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const sent = { wall: Date.now(), monotonic: monotonic() }
    try {
      const { method, body, into } = request
      const { path } = target
      const headers = this.#sign(request, target, credentials)
      const response = await connection.send({ method, path, headers, body, into, signal })
      this.#readClock(response, sent)
      return response
    } catch (error) {
      // Whoever makes the body, or aborts, says why.
      if (error instanceof TablesnapError) throw error
      const failure = networkError(request.operation, request.key, request.body !== undefined, error)
      this.#options.counts?.add(request.operation, 0)
      if (failure.slowDown) this.#options.listener?.onSlowDown()
      if (failure.retry) this.#silence.missed(failure, failure.s3Code === STALLED ? this.#timeouts.stall : 0)
      throw failure
    }
  }

  /** Sends a request once more to where the server says, with its method and body; over a connection of its own, as it is rare. */
  async #follow(
    target: Redirect & Target,
    request: S3Request,
    credentials: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const connection = this.#connect(target.origin)
    try {
      return await this.#send(connection, target, request, credentials, signal)
    } finally {
      await connection.close()
    }
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map(connection => connection.close()))
  }

  #path(request: S3Request): string {
    const root =
      request.key === undefined
        ? this.#address.root || '/'
        : `${this.#address.root}/${this.#keys.encode(request.key)}`
    const query = Object.entries(request.query ?? {}).map(([name, value]) => `${name}=${encodeStrict(value)}`)
    return query.length === 0 ? root : `${root}?${query.join('&')}`
  }

  #sign(
    { method, headers = {}, body, payloadHash }: S3Request,
    { host, path, time }: Target,
    credentials: Credentials,
  ): string[] {
    const hash = payloadHash ?? (body === undefined ? EMPTY_SHA256 : UNSIGNED_PAYLOAD)
    return sign({ method, host, path, headers, payloadHash: hash, time }, this.settings.region, credentials)
  }

  #connect(origin: string): Connection {
    const { rate } = this.#options.lines
    const timeouts = this.#timeouts
    const { ca, proxies } = this.settings
    return new Connection(origin, { timeouts, rate, ca, proxy: proxyFor(origin, proxies) })
  }

  async #acquire(): Promise<Connection> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#all.length < this.#options.lines.connections) {
      const connection = this.#connect(this.#address.origin)
      this.#all.push(connection)
      return connection
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #release(connection: Connection): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(connection)
    else next(connection)
  }

  /** The server's time of day minus that of the monotonic clock, ms; undefined before the first answer. */
  get serverOffset(): number | undefined {
    return this.#time.offset
  }

  /** Date has whole seconds, and was written at some time between request and answer: no difference that it does not prove. */
  #readClock(response: HttpResponse, sent: { readonly wall: number; readonly monotonic: number }): void {
    const said = response.headers['date'] ?? ''
    // It is the same for a second's answers.
    if (said !== this.#said) [this.#said, this.#date] = [said, Date.parse(said)]
    const date = this.#date
    if (Number.isNaN(date)) return
    const wall = Date.now()
    this.#time.answered({ date, sent: sent.monotonic, answered: monotonic(), wall })
    const least = date - wall
    const most = date + 999 - sent.wall
    this.clockOffset = least > 0 ? least : most < 0 ? most : 0
  }

  #failure(request: S3Request, response: HttpResponse, doubt: string | undefined): S3Error {
    const failure = failureOf(request, response, doubt, this.settings, this.clockOffset)
    if (failure.slowDown) this.#options.listener?.onSlowDown()
    return failure
  }
}

/** @throws S3Error `MalformedXML` when the answer is not what was asked for */
function resultOf(body: Buffer, operation: string, root: string, method: S3Request['method']): XmlNode {
  const xml = parseXml(body)
  if (xml?.root.startsWith(root) === true) return xml.node
  throw new S3Error({
    asked: { operation },
    answer: { status: 200, s3Code: 'MalformedXML' },
    message: `${operation}: ${isPage(body) ? NO_S3 : `the answer is no ${root}Result: is this an S3 server?`}`,
    // It may have been cut off; a page in place of the answer to a write may be that of a proxy's bad moment.
    follows: { retry: method === 'POST' || (xml === undefined && !isPage(body)) },
  })
}
