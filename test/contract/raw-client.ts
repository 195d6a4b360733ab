import { Agent, request as send, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { sha256Hex, sign, strictEncode, type Distortion, type Identity, type Seed } from './signer.js'

export interface RawRequest {
  readonly method: string
  readonly bucket?: string
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
  /** A function gets what the signatures of chunks start from; `length` must be given then. */
  readonly body?: string | Buffer | ((seed: Seed) => Buffer)
  readonly length?: number
  /** x-amz-content-sha256; default the right hash, `null` sends none. */
  readonly payload?: string | null
  readonly distortion?: Distortion
}

export class RawAnswer {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string | string[] | undefined>>,
    readonly body: Buffer,
  ) {}

  get text(): string {
    return this.body.toString()
  }

  /** `200`, or `404 NoSuchKey`. */
  get outcome(): string {
    return `${this.status} ${this.element('Code') ?? ''}`.trim()
  }

  header(name: string): string | undefined {
    const value = this.headers[name]
    return Array.isArray(value) ? value.join(',') : value
  }

  /** The text of every element of that name, unescaped. */
  elements(name: string): string[] {
    const found = this.text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))
    return [...found].map(match => unescape(match[1] ?? ''))
  }

  element(name: string): string | undefined {
    return this.elements(name)[0]
  }
}

function unescape(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
}

/** An S3 client that does nothing on its own: no retry, no checksum, and wrong on demand. */
export class RawClient {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #url: URL

  constructor(
    readonly endpoint: string,
    readonly identity: Identity,
  ) {
    this.#url = new URL(endpoint)
  }

  close(): void {
    this.#agent.destroy()
  }

  /** The request as it would be sent: path with query, and headers. */
  prepare(request: RawRequest): { path: string; headers: Record<string, string>; body: Buffer } {
    const { method, bucket, key, body = '', distortion = {} } = request
    const slashed = key?.split('/').map(strictEncode).join('/')
    const path = `/${[bucket, slashed].filter(part => part !== undefined).join('/')}`
    const fixed = typeof body === 'function' ? undefined : Buffer.from(body)
    const payload = request.payload === null ? undefined : (request.payload ?? sha256Hex(fixed ?? ''))
    const headers: Record<string, string> = { host: this.#url.host, ...request.headers }
    const query = Object.entries(request.query ?? {})
    const signed = sign({ method, path, query, headers, payload }, this.identity, distortion)
    const bytes = typeof body === 'function' ? body(signed.seed) : Buffer.from(body)
    if (method === 'PUT' || method === 'POST' || bytes.length > 0) {
      signed.headers['content-length'] ??= String(request.length ?? bytes.length)
    }
    return {
      path: signed.query === '' ? path : `${path}?${signed.query}`,
      headers: signed.headers,
      body: bytes,
    }
  }

  /** Sends a request; a kept connection that the server had just closed is tried once more. */
  async send(request: RawRequest): Promise<RawAnswer> {
    try {
      return await this.#once(request)
    } catch {
      await sleep(20)
      return this.#once(request)
    }
  }

  async #once(request: RawRequest): Promise<RawAnswer> {
    const { path, headers, body } = this.prepare(request)
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = send({
        host: this.#url.hostname.replace(/^\[|\]$/g, ''),
        port: this.#url.port,
        method: request.method,
        path,
        headers,
        setHost: false,
        agent: this.#agent,
      })
      outgoing.on('response', resolve)
      outgoing.on('error', reject)
      outgoing.end(body)
    })
    const pieces: Buffer[] = []
    for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece)
    return new RawAnswer(message.statusCode ?? 0, message.headers, Buffer.concat(pieces))
  }
}
