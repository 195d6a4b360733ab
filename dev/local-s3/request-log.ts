import type { IncomingMessage } from 'node:http'
import type { S3Request } from './request.js'

/** One request as it was met; `status` is 0 until the answer begins, and stays 0 when there never is one. */
export interface RequestRecord {
  readonly method: string
  /** Amazon's API name, or `''` when the target could not be read. */
  readonly operation: string
  readonly bucket: string
  readonly key: string
  /** Decoded, without signature and token. */
  readonly query: Readonly<Record<string, string>>
  /** By lower-case name, without authorization and token. */
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds since the epoch at which it arrived, by the server's clock. */
  readonly time: number
  status: number
  /** The code of the `<Error>` answered. */
  error: string | undefined
  /** Bytes of the request's body that were read, framing included. */
  bytes: number
  /** Bytes of the answer's body that were written. */
  sent: number
  /** The kind of fault it met. */
  fault: string | undefined
}

/** Most records kept; the oldest go first. */
const MAX_RECORDS = 10_000
const SECRET = new Set(['authorization', 'x-amz-security-token', 'x-amz-signature', 'x-amz-credential'])

function plain(pairs: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries([...pairs].filter(([name]) => !SECRET.has(name.toLowerCase())))
}

/** Adds the record of a request to a bounded list, and returns it. */
export function logRequest(
  list: RequestRecord[],
  message: IncomingMessage,
  request: S3Request | undefined,
  time: number,
): RequestRecord {
  const record: RequestRecord = {
    method: message.method ?? '',
    operation: request?.operation ?? '',
    bucket: request?.bucket ?? '',
    key: request?.key ?? '',
    query: plain(request?.parameters ?? []),
    headers: plain(request?.headers ?? []),
    time,
    status: 0,
    error: undefined,
    bytes: 0,
    sent: 0,
    fault: undefined,
  }
  if (list.length >= MAX_RECORDS) list.splice(0, MAX_RECORDS / 10)
  list.push(record)
  return record
}
