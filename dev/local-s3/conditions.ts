import type { ObjectRecord } from './record.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'

function tagMatches(header: string, etag: string): boolean {
  return header.split(',').some(item => {
    const tag = item.trim().replace(/^W\//, '').replace(/^"|"$/g, '')
    return tag === '*' || tag === etag
  })
}

/** Seconds, since HTTP dates know no less. */
function headerSeconds(request: S3Request, name: string): number | undefined {
  const ms = Date.parse(request.header(name) ?? '')
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}

/**
 * The preconditions of PutObject, CopyObject and CompleteMultipartUpload.
 * @throws S3Error `PreconditionFailed`, `NoSuchKey` (If-Match without an object) or `NotImplemented`
 */
export function checkWrite(request: S3Request, existing: ObjectRecord | undefined): void {
  const none = request.header('if-none-match')
  if (none !== undefined) {
    if (none.trim() !== '*') throw new S3Error('NotImplemented')
    if (existing !== undefined)
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-None-Match' })
  }
  const match = request.header('if-match')
  if (match === undefined) return
  if (existing === undefined) throw new S3Error('NoSuchKey', undefined, { Key: request.key })
  if (!tagMatches(match, existing.etag))
    throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' })
}

/**
 * The precondition of DeleteObject; none holds nothing back when there is no object.
 * @throws S3Error `PreconditionFailed`
 */
export function checkDelete(request: S3Request, record: ObjectRecord): void {
  const match = request.header('if-match')
  if (match === undefined || tagMatches(match, record.etag)) return
  throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' })
}

/**
 * The preconditions of GetObject and HeadObject.
 * @throws S3Error `PreconditionFailed` or `NotModified`
 */
export function checkRead(request: S3Request, record: ObjectRecord): void {
  const seconds = Math.floor(record.modified / 1000)
  const match = request.header('if-match')
  if (match !== undefined) {
    if (!tagMatches(match, record.etag))
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' })
  } else {
    const since = headerSeconds(request, 'if-unmodified-since')
    if (since !== undefined && seconds > since) {
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Unmodified-Since' })
    }
  }
  const headers = { ETag: `"${record.etag}"`, 'Last-Modified': new Date(record.modified).toUTCString() }
  const none = request.header('if-none-match')
  if (none !== undefined) {
    if (tagMatches(none, record.etag)) throw new S3Error('NotModified', undefined, headers)
    return
  }
  const since = headerSeconds(request, 'if-modified-since')
  if (since !== undefined && seconds <= since) throw new S3Error('NotModified', undefined, headers)
}
