import { attributesOf, encryptionHeaders, hasMd5Etag, refuseArchived } from './attributes.js'
import type { Bucket } from './bucket.js'
import type { Call } from './call.js'
import { checksumAlgorithm, type ChecksumAlgorithm } from './checksum.js'
import { checkWrite } from './conditions.js'
import { addPart, findUpload, partDigests, partNumber } from './multipart.js'
import { checkKey } from './object-write.js'
import { receive, receivedChecksum, type Received } from './receive.js'
import type { Attributes, ObjectRecord } from './record.js'
import { xmlReply, type Reply } from './reply.js'
import { S3Error } from './s3-error.js'
import { percentDecode, utf8 } from './uri.js'
import { element, isoTime, xmlDocument } from './xml.js'

interface Source {
  readonly bucket: Bucket
  readonly record: ObjectRecord
}

function sourceOf(call: Call): Source {
  const header = call.request.header('x-amz-copy-source') ?? ''
  const path = utf8(percentDecode(header.replace(/\?versionId=null$/, ''), false)).replace(/^\//, '')
  const slash = path.indexOf('/')
  if (slash < 1)
    throw new S3Error('InvalidArgument', 'Invalid copy source bucket name', {
      ArgumentName: 'x-amz-copy-source',
    })
  const bucket = call.store.bucket(path.slice(0, slash))
  const key = path.slice(slash + 1)
  const record = bucket.objects.get(key)
  if (record === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
  refuseArchived(record.attributes)
  const tag = (name: string): string | undefined => call.request.header(name)?.replace(/^"|"$/g, '')
  const match = tag('x-amz-copy-source-if-match')
  const none = tag('x-amz-copy-source-if-none-match')
  if ((match !== undefined && match !== '*' && match !== record.etag) || none === record.etag) {
    throw new S3Error('PreconditionFailed', undefined, { Condition: 'x-amz-copy-source-If-Match' })
  }
  return { bucket, record }
}

async function copyBytes(
  target: Bucket,
  source: Source,
  digests: readonly ChecksumAlgorithm[],
  md5Etag: boolean,
): Promise<Received> {
  const extents = source.record.parts.map(({ file, size }) => ({ file, offset: 0, size }))
  const reading = source.bucket.files.read(extents)
  try {
    return await receive(target.files, { source: reading.chunks, digests, md5Etag, check: () => undefined })
  } finally {
    reading.close()
  }
}

function copyResult(root: string, etag: string, modified: number): string {
  return xmlDocument(root, element('LastModified', isoTime(modified)), element('ETag', `"${etag}"`))
}

function copiedAttributes(call: Call, source: Source): Attributes {
  const asked = attributesOf(call.request)
  const directive = call.request.header('x-amz-metadata-directive') ?? 'COPY'
  if (directive === 'REPLACE') return asked
  if (directive !== 'COPY') throw new S3Error('InvalidArgument', 'Unknown metadata directive.')
  const itself = source.bucket === call.bucket && source.record.key === call.request.key
  const changed = ['x-amz-storage-class', 'x-amz-server-side-encryption'].some(name =>
    call.request.headers.has(name),
  )
  if (itself && !changed) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    )
  }
  return { ...asked, headers: source.record.attributes.headers }
}

/** CopyObject */
export async function copyObject(call: Call): Promise<Reply> {
  const { request, bucket } = call
  checkKey(request.key)
  const source = sourceOf(call)
  const attributes = copiedAttributes(call, source)
  checkWrite(request, bucket.objects.get(request.key))
  const named = request.header('x-amz-checksum-algorithm')
  const algorithm =
    (named === undefined ? source.record.checksum?.algorithm : checksumAlgorithm(named)) ?? 'crc64nvme'
  const md5Etag = call.settings.md5Etags && hasMd5Etag(attributes)
  const received = await copyBytes(bucket, source, [algorithm], md5Etag)
  const { size, etag, file } = received
  const modified = call.time
  const checksum = receivedChecksum(received, algorithm)
  const part = { number: 1, size, etag, file, modified }
  bucket.put({ key: request.key, size, etag, modified, attributes, parts: [part], checksum })
  return xmlReply(copyResult('CopyObjectResult', etag, modified), encryptionHeaders(attributes))
}

/** UploadPartCopy, of whole objects. */
export async function uploadPartCopy(call: Call): Promise<Reply> {
  const { request, bucket } = call
  partNumber(request)
  const upload = findUpload(bucket, request)
  const source = sourceOf(call)
  if (request.header('x-amz-copy-source-range') !== undefined) throw new S3Error('NotImplemented')
  const algorithm = upload.checksum?.algorithm
  const md5Etag = call.settings.md5Etags && hasMd5Etag(upload.attributes)
  const received = await copyBytes(bucket, source, partDigests(upload, algorithm), md5Etag)
  const part = addPart(call, upload, received, algorithm)
  return xmlReply(copyResult('CopyPartResult', part.etag, part.modified))
}
