import type { IncomingMessage } from 'node:http'
import { operationOf, type Operation } from './operation.js'
import { percentDecode, utf8 } from './uri.js'

function decoded(text: string): string {
  return utf8(percentDecode(text, true))
}

function parseQuery(text: string): [string, string][] {
  const pairs: [string, string][] = []
  for (const item of text.split('&')) {
    if (item === '') continue
    const equals = item.indexOf('=')
    pairs.push(
      equals < 0 ? [decoded(item), ''] : [decoded(item.slice(0, equals)), decoded(item.slice(equals + 1))],
    )
  }
  return pairs
}

function collectHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const value = raw[at + 1] ?? ''
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

/** The bucket that a virtual-host style Host header names, or undefined. */
function bucketOfHost(host: string, domain: string): string | undefined {
  const name = host.replace(/:\d+$/, '')
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : undefined
}

/** One request as S3 sees it: bucket, key, parameters and headers, everything decoded once. */
export class S3Request {
  readonly method: string
  /** The decoded path as bytes, the bucket included when it was part of it. */
  readonly path: Buffer
  readonly bucket: string
  readonly key: string
  readonly parameters: readonly (readonly [string, string])[]
  /** By lower-case name; one character is one byte. */
  readonly headers: ReadonlyMap<string, string>
  readonly operation: Operation

  /**
   * @param domain what follows the bucket in a virtual-host style Host header
   * @throws S3Error `InvalidURI` when the target is not percent-encoded UTF-8
   */
  constructor(message: IncomingMessage, domain: string) {
    this.method = message.method ?? ''
    this.headers = collectHeaders(message.rawHeaders)
    const target = (message.url ?? '/').replace(/^[a-z]+:\/\/[^/?]*/i, '')
    const mark = target.indexOf('?')
    this.parameters = mark < 0 ? [] : parseQuery(target.slice(mark + 1))
    this.path = percentDecode(mark < 0 ? target : target.slice(0, mark), false)
    const path = utf8(this.path)
    const hosted = bucketOfHost(this.headers.get('host') ?? '', domain)
    if (hosted !== undefined) {
      this.bucket = hosted
      this.key = path.slice(1)
    } else {
      const slash = path.indexOf('/', 1)
      this.bucket = slash < 0 ? path.slice(1) : path.slice(1, slash)
      this.key = slash < 0 ? '' : path.slice(slash + 1)
    }
    this.operation = operationOf(this)
  }

  header(name: string): string | undefined {
    return this.headers.get(name)
  }

  has(parameter: string): boolean {
    return this.parameters.some(([name]) => name === parameter)
  }

  parameter(name: string): string | undefined {
    return this.parameters.find(([parameter]) => parameter === name)?.[1]
  }

  /** What the `<Resource>` element of an error names. */
  get resource(): string {
    return this.path.toString()
  }
}
