import { attributesOf, encryptionHeaders, hasMd5Etag } from './attributes.js'
import type { Call } from './call.js'
import { checkDelete, checkWrite } from './conditions.js'
import { checksumHeaders, receive, receivedChecksum } from './receive.js'
import type { ObjectRecord } from './record.js'
import { emptyReply, type Reply } from './reply.js'
import { S3Error } from './s3-error.js'

/** Amazon's limit on keys, in bytes of UTF-8. */
const MAX_KEY = 1024
/** Amazon's limit on one PUT or part, in bytes. */
export const MAX_UPLOAD = 5 * 1024 ** 3

/** @throws S3Error `KeyTooLongError` */
export function checkKey(key: string): void {
  const size = Buffer.byteLength(key)
  if (size <= MAX_KEY) return
  throw new S3Error('KeyTooLongError', undefined, { Size: String(size), MaxSizeAllowed: String(MAX_KEY) })
}

/** PutObject */
export async function putObject(call: Call): Promise<Reply> {
  const { request, payload, bucket } = call
  checkKey(request.key)
  const attributes = attributesOf(request)
  if (payload.length > MAX_UPLOAD) {
    throw new S3Error('EntityTooLarge', undefined, {
      ProposedSize: String(payload.length),
      MaxSizeAllowed: String(MAX_UPLOAD),
    })
  }
  checkWrite(request, bucket.objects.get(request.key))
  const algorithm = payload.checksum?.algorithm ?? 'crc64nvme'
  const received = await receive(bucket.files, {
    source: call.content(),
    digests: [...payload.needed, algorithm],
    md5Etag: call.settings.md5Etags && hasMd5Etag(attributes),
    check: (size, digests) => payload.check(size, digests),
  })
  try {
    // Again, for the time the body took; from here to the record nothing else runs.
    checkWrite(request, call.bucket.objects.get(request.key))
  } catch (error) {
    bucket.files.discard([received.file])
    throw error
  }
  const checksum = receivedChecksum(received, algorithm)
  const { size, etag, file } = received
  const part = { number: 1, size, etag, file, modified: call.time }
  const record: ObjectRecord = {
    key: request.key,
    size,
    etag,
    modified: call.time,
    attributes,
    parts: [part],
    checksum,
  }
  bucket.put(record)
  return emptyReply(200, {
    ETag: `"${record.etag}"`,
    ...checksumHeaders(checksum),
    ...encryptionHeaders(attributes),
  })
}

/** DeleteObject */
export function deleteObject(call: Call): Reply {
  const { request, bucket } = call
  const existing = bucket.objects.get(request.key)
  if (existing !== undefined) checkDelete(request, existing)
  bucket.delete(request.key)
  return emptyReply(204)
}
