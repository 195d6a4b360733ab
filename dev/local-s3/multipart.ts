import { attributesOf, encryptionHeaders, hasMd5Etag } from './attributes.js'
import type { Bucket, Upload } from './bucket.js'
import type { Call } from './call.js'
import { checksumAlgorithm, type ChecksumAlgorithm } from './checksum.js'
import { checkKey, MAX_UPLOAD } from './object-write.js'
import { receive, receivedChecksum, type Received } from './receive.js'
import type { PartRecord, UploadChecksum } from './record.js'
import { emptyReply, xmlReply, type Reply } from './reply.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { element, xmlDocument } from './xml.js'

/** The checksum of uploads that name none, as Amazon has it since December 2024. */
export const DEFAULT_CHECKSUM: UploadChecksum = { algorithm: 'crc64nvme', type: 'FULL_OBJECT' }

/** @throws S3Error `NoSuchUpload` when there is none of that id and key */
export function findUpload(bucket: Bucket, request: S3Request): Upload {
  const id = request.parameter('uploadId') ?? ''
  const upload = bucket.uploads.get(id)
  if (upload?.key !== request.key) throw new S3Error('NoSuchUpload', undefined, { UploadId: id })
  return upload
}

function uploadChecksum(request: S3Request): UploadChecksum | undefined {
  const name = request.header('x-amz-checksum-algorithm')
  const type = request.header('x-amz-checksum-type')?.toUpperCase()
  if (name === undefined) {
    if (type === undefined) return undefined
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    )
  }
  const algorithm = checksumAlgorithm(name)
  if (algorithm === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    )
  }
  const chosen = type ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE')
  if (chosen !== 'FULL_OBJECT' && chosen !== 'COMPOSITE') {
    throw new S3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.')
  }
  const impossible = chosen === 'COMPOSITE' ? algorithm === 'crc64nvme' : algorithm.startsWith('sha')
  if (impossible) {
    throw new S3Error(
      'InvalidRequest',
      `The ${chosen} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
    )
  }
  return { algorithm, type: chosen }
}

/** CreateMultipartUpload */
export function createMultipartUpload(call: Call): Reply {
  const { request, bucket } = call
  checkKey(request.key)
  const attributes = attributesOf(request)
  const checksum = uploadChecksum(request)
  const upload = bucket.createUpload({
    key: request.key,
    initiated: call.time,
    attributes,
    ...(checksum === undefined ? {} : { checksum }),
  })
  const document = xmlDocument(
    'InitiateMultipartUploadResult',
    element('Bucket', bucket.name),
    element('Key', request.key),
    element('UploadId', upload.id),
  )
  return xmlReply(document, {
    ...encryptionHeaders(attributes),
    'x-amz-checksum-algorithm': checksum?.algorithm.toUpperCase(),
    'x-amz-checksum-type': checksum?.type,
  })
}

/** @throws S3Error `InvalidArgument` */
export function partNumber(request: S3Request): number {
  const text = request.parameter('partNumber') ?? ''
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
      ArgumentName: 'partNumber',
      ArgumentValue: text,
    })
  }
  return number
}

/** Which checksum of a part counts: what the upload prescribes, else what was sent. */
function partAlgorithm(upload: Upload, sent: ChecksumAlgorithm | undefined): ChecksumAlgorithm | undefined {
  const { checksum } = upload
  if (checksum === undefined) return sent
  const missing = sent === undefined && checksum.type === 'COMPOSITE'
  if (missing || (sent !== undefined && sent !== checksum.algorithm)) {
    const [expected, actual] = [checksum.algorithm, sent ?? 'null']
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`,
    )
  }
  return checksum.algorithm
}

/** The digests that a part of the upload needs, when its checksum is of `algorithm`. */
export function partDigests(upload: Upload, algorithm: ChecksumAlgorithm | undefined): ChecksumAlgorithm[] {
  return [
    ...(algorithm === undefined ? [] : [algorithm]),
    ...(upload.checksum === undefined ? [DEFAULT_CHECKSUM.algorithm] : []),
  ]
}

/** Makes received bytes a part of an upload, unless it was completed or aborted while they came in. */
export function addPart(
  call: Call,
  upload: Upload,
  received: Received,
  algorithm: ChecksumAlgorithm | undefined,
): PartRecord {
  const { bucket } = call
  if (bucket.uploads.get(upload.id) !== upload) {
    bucket.files.discard([received.file])
    throw new S3Error('NoSuchUpload', undefined, { UploadId: upload.id })
  }
  const { size, etag, file } = received
  const part: PartRecord = {
    number: partNumber(call.request),
    size,
    etag,
    file,
    modified: call.time,
    ...(algorithm === undefined ? {} : { checksum: receivedChecksum(received, algorithm) }),
    ...(upload.checksum === undefined ? { crc64nvme: receivedChecksum(received, 'crc64nvme').value } : {}),
  }
  bucket.putPart(upload, part)
  return part
}

/** UploadPart */
export async function uploadPart(call: Call): Promise<Reply> {
  const { request, payload, bucket } = call
  partNumber(request)
  const upload = findUpload(bucket, request)
  const algorithm = partAlgorithm(upload, payload.checksum?.algorithm)
  if (payload.length > MAX_UPLOAD) {
    throw new S3Error('EntityTooLarge', undefined, {
      ProposedSize: String(payload.length),
      MaxSizeAllowed: String(MAX_UPLOAD),
    })
  }
  const received = await receive(bucket.files, {
    source: call.content(),
    digests: [...payload.needed, ...partDigests(upload, algorithm)],
    md5Etag: call.settings.md5Etags && hasMd5Etag(upload.attributes),
    check: (size, digests) => payload.check(size, digests),
  })
  const { checksum, etag } = addPart(call, upload, received, algorithm)
  return emptyReply(200, {
    ETag: `"${etag}"`,
    ...(checksum === undefined ? {} : { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value }),
    ...encryptionHeaders(upload.attributes),
  })
}

/** AbortMultipartUpload */
export function abortMultipartUpload(call: Call): Reply {
  const { request, bucket } = call
  bucket.endUpload(findUpload(bucket, request))
  return emptyReply(204)
}
