import { createHash, createHmac } from 'node:crypto'

/** Ways in which a request is signed otherwise than it should be; what is left out is right. */
export interface Distortion {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly region?: string
  /** Added to the clock, in ms. */
  readonly skewMs?: number
  readonly token?: string
  /** Headers that are sent and not signed. */
  readonly unsigned?: readonly string[]
  /** The date of the credential scope, `YYYYMMDD`. */
  readonly scopeDate?: string
  /** One digit of the signature is changed. */
  readonly flip?: boolean
  /** A parameter that is added after signing. */
  readonly lateQuery?: readonly [string, string]
  /** No signature at all. */
  readonly anonymous?: boolean
  /** In the query, valid for so many seconds, instead of in a header. */
  readonly presign?: number
}

export interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

export interface Unsigned {
  readonly method: string
  /** Encoded strictly. */
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: Readonly<Record<string, string>>
  /** The value of x-amz-content-sha256; undefined: none is sent. */
  readonly payload: string | undefined
}

/** What the signatures of chunks start from. */
export interface Seed {
  readonly key: Buffer
  readonly timestamp: string
  readonly scope: string
  readonly signature: string
}

export interface Signed {
  readonly query: string
  readonly headers: Record<string, string>
  readonly seed: Seed
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** RFC 3986, everything but unreserved characters escaped. */
export function strictEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    found => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function canonicalQuery(query: readonly (readonly [string, string])[]): string {
  return query
    .map(([name, value]) => `${strictEncode(name)}=${strictEncode(value)}`)
    .sort()
    .join('&')
}

/** Signs a request by Signature Version 4, as written in Amazon's documentation and independently of the project's client. */
export function sign(request: Unsigned, identity: Identity, distortion: Distortion = {}): Signed {
  const time = new Date(Date.now() + (distortion.skewMs ?? 0))
  const timestamp = time.toISOString().replace(/[-:]|\.\d+/g, '')
  const region = distortion.region ?? identity.region
  const scope = [distortion.scopeDate ?? timestamp.slice(0, 8), region, 's3', 'aws4_request'].join('/')
  const credential = `${distortion.accessKeyId ?? identity.accessKeyId}/${scope}`
  const headers: Record<string, string> = { ...request.headers }
  const query: (readonly [string, string])[] = [...request.query]
  const presigned = distortion.presign !== undefined
  if (request.payload !== undefined && !presigned) headers['x-amz-content-sha256'] = request.payload
  if (!presigned && distortion.anonymous !== true) headers['x-amz-date'] = timestamp
  if (distortion.token !== undefined) headers['x-amz-security-token'] = distortion.token
  const never = new Set(['content-length', 'expect', 'connection', ...(distortion.unsigned ?? [])])
  const names = Object.keys(headers)
    .filter(name => !never.has(name))
    .sort()
  if (presigned) {
    query.push(
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', credential],
      ['X-Amz-Date', timestamp],
      ['X-Amz-Expires', String(distortion.presign)],
      ['X-Amz-SignedHeaders', names.join(';')],
    )
  }
  const canonical = [
    request.method,
    request.path,
    canonicalQuery(query),
    ...names.map(name => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    presigned ? 'UNSIGNED-PAYLOAD' : (request.payload ?? ''),
  ].join('\n')
  const stringToSign = ['AWS4-HMAC-SHA256', timestamp, scope, sha256Hex(canonical)].join('\n')
  const key = scope
    .split('/')
    .reduce(hmac, Buffer.from(`AWS4${distortion.secretAccessKey ?? identity.secretAccessKey}`))
  const signature = hmac(key, stringToSign).toString('hex')
  const shown =
    distortion.flip === true ? signature.replace(/^./, first => (first === '0' ? '1' : '0')) : signature
  if (distortion.lateQuery !== undefined) query.push(distortion.lateQuery)
  if (presigned) query.push(['X-Amz-Signature', shown])
  else if (distortion.anonymous !== true) {
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${shown}`
  }
  return { query: canonicalQuery(query), headers, seed: { key, timestamp, scope, signature } }
}
