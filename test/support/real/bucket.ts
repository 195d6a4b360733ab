import { createHash, createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface BucketOptions {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly ca: string | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
}

/** What the tests see of a bucket with a signer of their own: nothing here comes from the program under test. */
export class Bucket {
  readonly #options: BucketOptions

  constructor(options: BucketOptions) {
    this.#options = options
  }

  /** All keys below a prefix with their sizes. */
  async list(prefix = ''): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    let token: string | undefined
    do {
      const query: Record<string, string> = { 'list-type': '2', 'encoding-type': 'url', prefix }
      if (token !== undefined) query['continuation-token'] = token
      const xml = (await this.#expect(200, 'GET', undefined, query)).body.toString()
      const encoded = element(xml, 'EncodingType') === 'url'
      for (const [, entry = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        found.set(keyOf(entry, encoded), Number(element(entry, 'Size')))
      }
      token = element(xml, 'NextContinuationToken')
    } while (token !== undefined)
    return found
  }

  /** Whether the bucket exists. */
  async exists(): Promise<boolean> {
    return (await this.#send('HEAD', undefined, {})).status === 200
  }

  /** Creates the bucket. */
  async create(): Promise<void> {
    await this.#expect(200, 'PUT', undefined, {})
  }

  /** An object's bytes. */
  async get(key: string): Promise<Buffer> {
    return (await this.#expect(200, 'GET', key, {})).body
  }

  /** An object's headers, its checksums among them. */
  async head(key: string): Promise<Answer['headers']> {
    return (await this.#expect(200, 'HEAD', key, {}, { 'x-amz-checksum-mode': 'ENABLED' })).headers
  }

  /** Writes an object. */
  async put(key: string, body: Buffer): Promise<void> {
    await this.#expect(200, 'PUT', key, {}, {}, body)
  }

  /** Deletes an object; in a versioned bucket a delete marker hides it. */
  async delete(key: string): Promise<void> {
    await this.#expect(204, 'DELETE', key, {})
  }

  /** Keeps the former versions of objects from now on. */
  async keepVersions(): Promise<void> {
    const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
    await this.#expect(200, 'PUT', undefined, { versioning: '' }, {}, Buffer.from(body))
  }

  /** How many versions of an object there are, and whether a delete marker is among them. */
  async versions(key: string): Promise<{ count: number; isMarked: boolean }> {
    const xml = (await this.#expect(200, 'GET', undefined, { versions: '', prefix: key })).body.toString()
    return { count: xml.split('<Version>').length - 1, isMarked: xml.includes('<DeleteMarker>') }
  }

  async #expect(
    status: number,
    method: string,
    key: string | undefined,
    query: Record<string, string>,
    headers: Record<string, string> = {},
    body: Buffer = Buffer.alloc(0),
  ): Promise<Answer> {
    const answer = await this.#send(method, key, query, headers, body)
    if (answer.status === status) return answer
    throw new Error(`${method} ${key ?? ''}: ${answer.status} ${answer.body.toString().slice(0, 500)}`)
  }

  async #send(
    method: string,
    key: string | undefined,
    query: Record<string, string>,
    extra: Record<string, string> = {},
    body: Buffer = Buffer.alloc(0),
  ): Promise<Answer> {
    const url = new URL(this.#options.endpoint)
    const path = [this.#options.bucket, ...(key ?? '').split('/')].map(encode).join('/')
    const search = Object.keys(query)
      .sort()
      .map(name => `${encode(name)}=${encode(query[name] ?? '')}`)
      .join('&')
    const target = `/${key === undefined ? encode(this.#options.bucket) : path}`
    const headers = this.#sign(method, target, search, { ...extra, host: url.host }, body)
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const outgoing = send(
        {
          host: url.hostname,
          port: url.port,
          method,
          path: search === '' ? target : `${target}?${search}`,
          headers: { ...headers, 'content-length': body.length },
          ...(this.#options.ca === undefined ? {} : { ca: this.#options.ca }),
        },
        answer => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.once('error', reject)
          answer.once('end', () =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
          )
        },
      )
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  }

  #sign(
    method: string,
    path: string,
    search: string,
    extra: Record<string, string>,
    body: Buffer,
  ): Record<string, string> {
    const { accessKeyId, secretAccessKey, region } = this.#options
    const moment = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
    const payload = sha256(body)
    const headers: Record<string, string> = {
      ...extra,
      'x-amz-content-sha256': payload,
      'x-amz-date': moment,
    }
    const names = Object.keys(headers).sort()
    const lines = names.map(name => `${name}:${headers[name] ?? ''}\n`).join('')
    const canonical = [method, path, search, lines, names.join(';'), payload].join('\n')
    const scope = [moment.slice(0, 8), region, 's3', 'aws4_request']
    const toSign = ['AWS4-HMAC-SHA256', moment, scope.join('/'), sha256(canonical)].join('\n')
    const key = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`)
    const signature = hmac(key, toSign).toString('hex')
    const credential = `Credential=${accessKeyId}/${scope.join('/')}`
    headers['authorization'] =
      `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
    return headers
  }
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
}

/** The key of a LIST entry. Some servers ignore encoding-type=url and escape the key as XML only. */
function keyOf(entry: string, encoded: boolean): string {
  const text = (element(entry, 'Key') ?? '').replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (_, name: string) =>
    unescape(name),
  )
  return encoded ? decodeURIComponent(text.replaceAll('+', ' ')) : text
}

function unescape(name: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  const hex = name.startsWith('#x')
  return named[name] ?? String.fromCodePoint(Number.parseInt(name.slice(hex ? 2 : 1), hex ? 16 : 10))
}
