import { createHash, randomBytes } from 'node:crypto'
import { encryptionHeaders, hasMd5Etag } from './attributes.js'
import type { Upload } from './bucket.js'
import type { Call } from './call.js'
import { combineChecksums, compositeChecksum, type StoredChecksum } from './checksum.js'
import { checkWrite } from './conditions.js'
import { DEFAULT_CHECKSUM, findUpload } from './multipart.js'
import type { ObjectRecord, PartRecord, UploadChecksum } from './record.js'
import { xmlReply, type Reply } from './reply.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { signatureEncode } from './uri.js'
import { children, childText, element, parseXml, xmlDocument, type XmlNode } from './xml.js'

/** Amazon's most parts of an upload. */
const MAX_PARTS = 10_000

interface NamedPart {
  readonly number: number
  readonly etag: string
  readonly node: XmlNode
}

function namedParts(text: string): NamedPart[] {
  const nodes = children(parseXml(text, 'CompleteMultipartUpload'), 'Part')
  if (nodes.length === 0 || nodes.length > MAX_PARTS) throw new S3Error('MalformedXML')
  return nodes.map(node => {
    const number = childText(node, 'PartNumber')?.trim() ?? ''
    const etag = childText(node, 'ETag')?.trim()
    if (!/^\d{1,5}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML')
    return { number: Number(number), etag: etag.replace(/^"|"$/g, ''), node }
  })
}

function checkPartChecksum(
  named: NamedPart,
  part: PartRecord,
  prescribed: UploadChecksum | undefined,
): boolean {
  for (const [algorithm, sent] of sentChecksums(named.node)) {
    const known = algorithm === 'crc64nvme' && prescribed === undefined ? part.crc64nvme : undefined
    const value = part.checksum?.algorithm === algorithm ? part.checksum.value : known
    if (value !== sent) return false
  }
  return true
}

function sentChecksums(node: XmlNode): [string, string][] {
  if (typeof node === 'string') return []
  return Object.keys(node).flatMap(name => {
    const text = name.startsWith('Checksum') ? childText(node, name) : undefined
    return text === undefined
      ? []
      : [[name.slice('Checksum'.length).toLowerCase(), text.trim()] as [string, string]]
  })
}

function chooseParts(call: Call, upload: Upload, named: readonly NamedPart[]): PartRecord[] {
  const chosen: PartRecord[] = []
  for (const [position, name] of named.entries()) {
    const before = chosen.at(-1)
    if (before !== undefined && name.number <= before.number) throw new S3Error('InvalidPartOrder')
    const part = upload.parts.get(name.number)
    if (part?.etag !== name.etag || !checkPartChecksum(name, part, upload.checksum)) {
      throw new S3Error('InvalidPart', undefined, {
        UploadId: upload.id,
        PartNumber: String(name.number),
        ETag: name.etag,
      })
    }
    if (part.size < call.settings.minPartSize && position < named.length - 1) {
      throw new S3Error('EntityTooSmall', undefined, {
        ProposedSize: String(part.size),
        MinSizeAllowed: String(call.settings.minPartSize),
        PartNumber: String(name.number),
        ETag: part.etag,
      })
    }
    if (upload.checksum?.type === 'COMPOSITE' && sentChecksums(name.node).length === 0) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${upload.checksum.algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${name.number} in the request.`,
      )
    }
    chosen.push(part)
  }
  return chosen
}

function objectChecksum(upload: Upload, parts: readonly PartRecord[]): StoredChecksum | undefined {
  const { algorithm, type } = upload.checksum ?? DEFAULT_CHECKSUM
  const values = parts.map(part => ({
    value: (upload.checksum === undefined ? part.crc64nvme : part.checksum?.value) ?? '',
    size: part.size,
  }))
  const value =
    type === 'COMPOSITE' ? compositeChecksum(algorithm, values) : combineChecksums(algorithm, values)
  return value === undefined ? undefined : { algorithm, type, value }
}

function checkWhole(
  request: S3Request,
  upload: Upload,
  checksum: StoredChecksum | undefined,
  parts: readonly PartRecord[],
): void {
  const type = request.header('x-amz-checksum-type')?.toUpperCase()
  const expected = upload.checksum?.type
  if (type !== undefined && type !== (expected ?? DEFAULT_CHECKSUM.type)) {
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using the ${expected ?? 'null'} checksum mode. The complete request must use the same checksum mode.`,
    )
  }
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const declared = request.header('x-amz-mp-object-size')
  if (declared !== undefined && declared !== String(size)) {
    throw new S3Error(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${declared} does not match what was computed: ${size}`,
    )
  }
  for (const [name, sent] of request.headers) {
    const algorithm = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/.exec(name)?.[1]
    if (algorithm === undefined) continue
    if (algorithm !== (checksum?.algorithm ?? '')) {
      throw new S3Error(
        'InvalidRequest',
        `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum?.algorithm ?? 'null'}, actual checksum Type: ${algorithm}`,
      )
    }
    if (sent !== checksum?.value && `${sent}-${parts.length}` !== checksum?.value) {
      throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
    }
  }
}

function multipartEtag(parts: readonly PartRecord[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

function completed(call: Call, record: ObjectRecord): Reply {
  const { checksum } = record
  const path = signatureEncode(Buffer.from(`/${call.request.bucket}/${record.key}`), true)
  const document = xmlDocument(
    'CompleteMultipartUploadResult',
    element('Location', `${call.settings.endpoint}${path}`),
    element('Bucket', call.request.bucket),
    element('Key', record.key),
    element('ETag', `"${record.etag}"`),
    checksum === undefined ? '' : element(`Checksum${checksum.algorithm.toUpperCase()}`, checksum.value),
    checksum === undefined ? '' : element('ChecksumType', checksum.type),
  )
  return xmlReply(document, encryptionHeaders(record.attributes))
}

/** CompleteMultipartUpload */
export async function completeMultipartUpload(call: Call): Promise<Reply> {
  const { request, settings } = call
  const named = namedParts(await call.document())
  const { bucket } = call
  const existing = bucket.objects.get(request.key)
  // Said again after it was done, e.g. because the answer was lost.
  const repeated = existing?.uploadId !== undefined && existing.uploadId === request.parameter('uploadId')
  if (repeated && !settings.forgetUploads) return completed(call, existing)
  const upload = findUpload(bucket, request)
  checkWrite(request, existing)
  const parts = chooseParts(call, upload, named)
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const checksum = objectChecksum(upload, parts)
  checkWhole(request, upload, checksum, parts)
  const record: ObjectRecord = {
    key: upload.key,
    size,
    etag: hasMd5Etag(upload.attributes)
      ? multipartEtag(parts)
      : `${randomBytes(16).toString('hex')}-${parts.length}`,
    // Amazon's date of an object is that of the upload's initiation.
    modified: upload.initiated,
    attributes: upload.attributes,
    parts,
    uploadId: upload.id,
    ...(checksum === undefined ? {} : { checksum }),
  }
  bucket.endUpload(upload, record)
  return completed(call, record)
}
