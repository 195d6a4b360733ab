import { createHash, createHmac } from 'node:crypto'
import type { Policy } from './policy.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { signatureEncode } from './uri.js'

/** One key pair the server knows; with a session token, requests must carry exactly that token. */
export interface LocalCredential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** What it may do; by default everything. */
  readonly policy?: Policy
}

/** What the signature covered, and what chunk signatures start from. */
export interface Verified {
  /** The value of x-amz-content-sha256 (UNSIGNED-PAYLOAD for presigned requests). */
  readonly payload: string
  readonly signingKey: Buffer
  readonly timestamp: string
  readonly scope: string
  readonly signature: string
  readonly policy: Policy | undefined
}

interface Authorization {
  readonly accessKeyId: string
  readonly scope: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly timestamp: string
  readonly payload: string
  readonly token: string | undefined
  readonly presigned: boolean
}

/** Amazon's tolerance between the request's time and the server's, in ms. */
const MAX_SKEW_MS = 15 * 60 * 1000
const ALGORITHM = 'AWS4-HMAC-SHA256'

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'latin1').digest()
}

/** Milliseconds since the epoch of `YYYYMMDDTHHMMSSZ`, or NaN. */
function parseTimestamp(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return Number.NaN
  const [, year, month, day, hour, minute, second] = match
  return Date.parse(
    `${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`,
  )
}

function fromHeader(request: S3Request, header: string): Authorization {
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw new S3Error(
      'InvalidRequest',
      'The authorization mechanism that you provided is not supported. Use AWS4-HMAC-SHA256.',
    )
  }
  const parts = new Map<string, string>()
  for (const item of header.slice(ALGORITHM.length).split(',')) {
    const equals = item.indexOf('=')
    if (equals > 0) parts.set(item.slice(0, equals).trim(), item.slice(equals + 1).trim())
  }
  const credential = parts.get('Credential')
  const signedHeaders = parts.get('SignedHeaders')
  const signature = parts.get('Signature')
  const slash = credential?.indexOf('/') ?? -1
  if (credential === undefined || signedHeaders === undefined || signature === undefined || slash < 1) {
    throw new S3Error('AuthorizationHeaderMalformed')
  }
  const payload = request.header('x-amz-content-sha256')
  if (payload === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  let timestamp = request.header('x-amz-date')
  if (timestamp === undefined) {
    const date = Date.parse(request.header('date') ?? '')
    if (Number.isNaN(date)) {
      throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
    }
    timestamp = new Date(date).toISOString().replace(/[-:]|\.\d+/g, '')
  }
  return {
    accessKeyId: credential.slice(0, slash),
    scope: credential.slice(slash + 1),
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    payload,
    token: request.header('x-amz-security-token'),
    presigned: false,
  }
}

function fromQuery(request: S3Request): Authorization {
  const credential = request.parameter('X-Amz-Credential') ?? ''
  const slash = credential.indexOf('/')
  const signature = request.parameter('X-Amz-Signature')
  const signedHeaders = request.parameter('X-Amz-SignedHeaders')
  const timestamp = request.parameter('X-Amz-Date')
  if (slash < 1 || signature === undefined || signedHeaders === undefined || timestamp === undefined) {
    throw new S3Error('AuthorizationQueryParametersError')
  }
  return {
    accessKeyId: credential.slice(0, slash),
    scope: credential.slice(slash + 1),
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    payload: request.header('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
    token: request.parameter('X-Amz-Security-Token'),
    presigned: true,
  }
}

function canonicalRequest(request: S3Request, authorization: Authorization): string {
  const query = request.parameters
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(
      ([name, value]) =>
        `${signatureEncode(Buffer.from(name), false)}=${signatureEncode(Buffer.from(value), false)}`,
    )
    .sort()
    .join('&')
  const headers = authorization.signedHeaders
    .map(
      name =>
        `${name}:${(request.header(name) ?? '').replace(/^[ \t]+|[ \t]+$/g, '').replace(/[ \t]+/g, ' ')}\n`,
    )
    .join('')
  return [
    request.method,
    signatureEncode(request.path, true),
    query,
    headers,
    authorization.signedHeaders.join(';'),
    authorization.payload,
  ].join('\n')
}

/** Checks Signature Version 4, in the Authorization header or presigned, independently of any client code. */
export class SignatureVerifier {
  readonly #credentials: ReadonlyMap<string, LocalCredential>
  readonly #region: string
  readonly #now: () => number
  #cached: { readonly id: string; readonly key: Buffer } | undefined

  constructor(credentials: readonly LocalCredential[], region: string, now: () => number) {
    this.#credentials = new Map(credentials.map(credential => [credential.accessKeyId, credential]))
    this.#region = region
    this.#now = now
  }

  /** @throws S3Error as Amazon answers: see each check */
  verify(request: S3Request): Verified {
    const header = request.header('authorization')
    const presigned = request.has('X-Amz-Signature') || request.has('X-Amz-Credential')
    if (header === undefined && !presigned) throw new S3Error('AccessDenied')
    const authorization = header === undefined ? fromQuery(request) : fromHeader(request, header)
    const credential = this.#credentials.get(authorization.accessKeyId)
    if (credential === undefined) {
      throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: authorization.accessKeyId })
    }
    this.#checkScope(authorization)
    this.#checkTime(request, authorization)
    this.#checkToken(authorization, credential)
    this.#checkCoverage(request, authorization)
    return this.#checkSignature(request, authorization, credential)
  }

  #checkScope(authorization: Authorization): void {
    const [date, region, service, terminator, ...rest] = authorization.scope.split('/')
    const code = authorization.presigned
      ? 'AuthorizationQueryParametersError'
      : 'AuthorizationHeaderMalformed'
    if (service !== 's3' || terminator !== 'aws4_request' || rest.length > 0) throw new S3Error(code)
    if (date !== authorization.timestamp.slice(0, 8)) {
      throw new S3Error(code, 'The date in the credential scope does not match the date of the request.')
    }
    if (region !== this.#region) {
      throw new S3Error(code, `The region '${region ?? ''}' is wrong; expecting '${this.#region}'`, {
        Region: this.#region,
      })
    }
  }

  #checkTime(request: S3Request, authorization: Authorization): void {
    const sent = parseTimestamp(authorization.timestamp)
    if (Number.isNaN(sent)) throw new S3Error('AccessDenied', 'The date of the request is malformed')
    const now = this.#now()
    if (authorization.presigned) {
      const seconds = Number(request.parameter('X-Amz-Expires'))
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > 604_800) {
        throw new S3Error(
          'AuthorizationQueryParametersError',
          'X-Amz-Expires must be between 1 and 604800 seconds',
        )
      }
      if (now > sent + seconds * 1000) throw new S3Error('AccessDenied', 'Request has expired')
      if (sent > now + MAX_SKEW_MS) throw new S3Error('AccessDenied', 'Request is not valid yet')
      return
    }
    if (Math.abs(now - sent) > MAX_SKEW_MS) {
      throw new S3Error('RequestTimeTooSkewed', undefined, {
        RequestTime: authorization.timestamp,
        ServerTime: new Date(now).toISOString(),
        MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
      })
    }
  }

  #checkToken(authorization: Authorization, credential: LocalCredential): void {
    if (authorization.token === credential.sessionToken) return
    if (authorization.token === undefined) {
      throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: authorization.accessKeyId })
    }
    throw new S3Error('InvalidToken', undefined, { 'Token-0': authorization.token })
  }

  #checkCoverage(request: S3Request, authorization: Authorization): void {
    const signed = new Set(authorization.signedHeaders)
    const missing = [...request.headers.keys()].filter(name => name.startsWith('x-amz-') && !signed.has(name))
    if (!signed.has('host')) missing.unshift('host')
    if (missing.length === 0) return
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: missing.join(', '),
    })
  }

  #checkSignature(request: S3Request, authorization: Authorization, credential: LocalCredential): Verified {
    const canonical = canonicalRequest(request, authorization)
    const digest = createHash('sha256').update(canonical, 'latin1').digest('hex')
    const stringToSign = [ALGORITHM, authorization.timestamp, authorization.scope, digest].join('\n')
    const signingKey = this.#signingKey(credential, authorization.scope)
    const signature = hmac(signingKey, stringToSign).toString('hex')
    if (signature !== authorization.signature) {
      throw new S3Error('SignatureDoesNotMatch', undefined, {
        AWSAccessKeyId: credential.accessKeyId,
        StringToSign: stringToSign,
        SignatureProvided: authorization.signature,
        CanonicalRequest: canonical,
      })
    }
    const { payload, timestamp, scope } = authorization
    return { payload, signingKey, timestamp, scope, signature, policy: credential.policy }
  }

  #signingKey(credential: LocalCredential, scope: string): Buffer {
    const id = `${credential.accessKeyId}/${credential.secretAccessKey}/${scope}`
    if (this.#cached?.id === id) return this.#cached.key
    let key = Buffer.from(`AWS4${credential.secretAccessKey}`)
    for (const part of scope.split('/')) key = hmac(key, part) as Buffer<ArrayBuffer>
    this.#cached = { id, key }
    return key
  }
}
