import aws4 from 'aws4'

import type { Credentials } from './settings.js'

/** The payload hash that leaves the body out of the signature; the checksum header guards it instead. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** SHA-256 of nothing, hex: the payload hash of a request without a body. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The parts of a request that a signature covers. */
export interface Signable {
  readonly method: string
  readonly host: string
  /** Path and query, strictly encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body in hex, or {@link UNSIGNED_PAYLOAD}. */
  readonly payloadHash: string
  /** ms since 1970; undefined: this machine's time. */
  readonly time?: number
}

/** The headers to send: the given ones with Host, date, payload hash and a SigV4 Authorization. */
export function sign(request: Signable, region: string, credentials: Credentials): Record<string, string> {
  const headers: Record<string, string> = {
    ...request.headers,
    Host: request.host,
    'X-Amz-Content-Sha256': request.payloadHash,
    ...(request.time === undefined ? {} : { 'X-Amz-Date': compact(request.time) }),
  }
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  return aws4.sign(
    { service: 's3', region, method: request.method, host: request.host, path: request.path, headers },
    sessionToken === undefined
      ? { accessKeyId, secretAccessKey }
      : { accessKeyId, secretAccessKey, sessionToken },
  ).headers
}

/** ms since 1970 as `20261123T041233Z`. */
function compact(time: number): string {
  return new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, '')
}
