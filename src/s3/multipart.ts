import { checkPart } from './answer.js'
import { readChecksums, encode64, encode32, type Checksums } from './checksum.js'
import type { S3Client } from './client.js'
import { S3Error, isS3Error } from './errors.js'
import { writeIfAbsent } from './if-absent.js'
import { decoderOf } from './list.js'
import { checksumsOf, etagOf, headObject, isThere, type GuardedBody } from './object.js'
import type { XmlNode } from './xml-node.js'
import { children, escapeXml, text } from './xml.js'

/** A part the server holds. */
export interface PartInfo {
  /** 1 to 10,000. */
  readonly number: number
  readonly etag: string
  readonly checksums: Checksums
}

/** A part as ListParts shows it. */
export interface ListedPart extends PartInfo {
  readonly size: number
  /** When it came, ms since 1970. */
  readonly lastModified: number
}

/** CreateMultipartUpload. @returns the upload id @throws S3Error */
export async function createMultipartUpload(
  client: S3Client,
  key: string,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<string> {
  const node = await client.document(
    {
      operation: 'CreateMultipartUpload',
      method: 'POST',
      key,
      query: { uploads: '' },
      headers: { 'Content-Type': 'application/octet-stream', ...headers },
    },
    'InitiateMultipartUpload',
    signal,
  )
  const uploadId = text(node, 'UploadId') ?? ''
  if (uploadId !== '') return uploadId
  throw new S3Error({
    asked: { operation: 'CreateMultipartUpload', key },
    answer: { status: 200, s3Code: 'MalformedXML' },
    message: 'CreateMultipartUpload: the answer has no UploadId',
    follows: { retry: true },
  })
}

/** UploadPart. @throws S3Error; 404 `NoSuchUpload` when the upload was aborted or completed by another */
export async function uploadPart(
  client: S3Client,
  key: string,
  uploadId: string,
  number: number,
  content: GuardedBody,
  signal?: AbortSignal,
): Promise<PartInfo> {
  const response = await client.call(
    {
      operation: 'UploadPart',
      method: 'PUT',
      key,
      query: { partNumber: String(number), uploadId },
      headers: content.headers,
      body: content.body,
      payloadHash: content.payloadHash,
      check: checkPart,
    },
    signal,
  )
  return { number, etag: etagOf(response), checksums: checksumsOf(response) }
}

/** How an upload is completed. */
export interface CompleteOptions {
  /** The full object's checksum and its type. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether an object that is there must stay. */
  readonly ifAbsent: boolean
  readonly signal?: AbortSignal | undefined
}

/** CompleteMultipartUpload. @throws S3Error; 412 `PreconditionFailed` when `ifAbsent` and the key exists */
export async function completeMultipartUpload(
  client: S3Client,
  key: string,
  uploadId: string,
  parts: readonly PartInfo[],
  { headers, ifAbsent, signal }: CompleteOptions,
): Promise<{ etag: string; checksums: Checksums }> {
  const list = parts.map(
    part =>
      `<Part><PartNumber>${part.number}</PartNumber><ETag>${escapeXml(`"${part.etag}"`)}</ETag>${checksumXml(part.checksums)}</Part>`,
  )
  const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`
  const operation = 'CompleteMultipartUpload'
  const send = (condition: Readonly<Record<string, string>>): Promise<XmlNode> =>
    client.document(
      {
        operation,
        method: 'POST',
        key,
        query: { uploadId },
        headers: { 'Content-Type': 'application/xml', ...headers, ...condition },
        body: Buffer.from(xml),
      },
      operation,
      signal,
    )
  const isTaken = async (): Promise<boolean> => (await headObject(client, key, signal)) !== undefined
  const node = await (ifAbsent
    ? writeIfAbsent(client, { operation, key, isTaken, isThere: () => isThere(client, key, signal) }, send)
    : send({}))
  const etag = (text(node, 'ETag') ?? '').replace(/^"|"$/g, '')
  return { etag, checksums: readChecksums(kind => text(node, XML_NAME[kind] ?? '')) }
}

/** AbortMultipartUpload; an upload that is gone already is no error. @throws S3Error */
export async function abortMultipartUpload(client: S3Client, key: string, uploadId: string): Promise<void> {
  try {
    await client.call({ operation: 'AbortMultipartUpload', method: 'DELETE', key, query: { uploadId } })
  } catch (error) {
    if (!isS3Error(error, 404)) throw error
  }
}

/** The unfinished uploads of exactly this key, newest first (by exact key, as MinIO lists no other way). @throws S3Error */
export async function uploadsOf(client: S3Client, key: string, signal?: AbortSignal): Promise<string[]> {
  const found: { id: string; initiated: number }[] = []
  let marker: { 'key-marker': string; 'upload-id-marker': string } | undefined
  do {
    const node = await client.document(
      {
        operation: 'ListMultipartUploads',
        method: 'GET',
        query: { uploads: '', 'encoding-type': 'url', prefix: key, ...marker },
      },
      'ListMultipartUploads',
      signal,
    )
    const uploads = children(node, 'Upload')
    const decode = decoderOf(node, uploads)
    for (const upload of uploads) {
      if (decode(text(upload, 'Key') ?? '') !== key) continue
      found.push({
        id: text(upload, 'UploadId') ?? '',
        initiated: Date.parse(text(upload, 'Initiated') ?? ''),
      })
    }
    const next = decode(text(node, 'NextKeyMarker') ?? '')
    const last = marker?.['upload-id-marker']
    marker =
      text(node, 'IsTruncated') === 'true' && next === key
        ? { 'key-marker': next, 'upload-id-marker': text(node, 'NextUploadIdMarker') ?? '' }
        : undefined
    if (marker !== undefined && marker['upload-id-marker'] === last) throw noMore('ListMultipartUploads', key)
  } while (marker !== undefined)
  return found.sort((a, b) => b.initiated - a.initiated).map(upload => upload.id)
}

/** An upload that nobody has completed. */
export interface ListedUpload {
  readonly key: string
  readonly id: string
  /** ms since 1970. */
  readonly initiated: number
}

/** The unfinished uploads below a prefix; MinIO lists those of exactly this key alone. @throws S3Error */
export async function* listUploads(
  client: S3Client,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedUpload> {
  let marker: { 'key-marker': string; 'upload-id-marker': string } | undefined
  do {
    const node = await client.document(
      {
        operation: 'ListMultipartUploads',
        method: 'GET',
        query: { uploads: '', 'encoding-type': 'url', prefix, ...marker },
      },
      'ListMultipartUploads',
      signal,
    )
    const uploads = children(node, 'Upload')
    const decode = decoderOf(node, uploads)
    for (const upload of uploads)
      yield {
        key: decode(text(upload, 'Key') ?? ''),
        id: text(upload, 'UploadId') ?? '',
        initiated: Date.parse(text(upload, 'Initiated') ?? ''),
      }
    const before = marker
    const isCut = text(node, 'IsTruncated') === 'true'
    const next = decode(text(node, 'NextKeyMarker') ?? '')
    marker = isCut
      ? { 'key-marker': next, 'upload-id-marker': text(node, 'NextUploadIdMarker') ?? '' }
      : undefined
    const isSame =
      before?.['key-marker'] === marker?.['key-marker'] &&
      before?.['upload-id-marker'] === marker?.['upload-id-marker']
    if (marker !== undefined && isSame) throw noMore('ListMultipartUploads', prefix)
  } while (marker !== undefined)
}

/** ListParts, all pages. @throws S3Error */
export async function listParts(
  client: S3Client,
  key: string,
  uploadId: string,
  signal?: AbortSignal,
): Promise<ListedPart[]> {
  const parts: ListedPart[] = []
  let marker: string | undefined
  do {
    const query = { uploadId, ...(marker === undefined ? {} : { 'part-number-marker': marker }) }
    const request = { operation: 'ListParts', method: 'GET', key, query } as const
    const node = await client.document(request, 'ListParts', signal)
    for (const part of children(node, 'Part')) {
      parts.push({
        number: Number(text(part, 'PartNumber')),
        size: Number(text(part, 'Size')),
        lastModified: Date.parse(text(part, 'LastModified') ?? ''),
        etag: (text(part, 'ETag') ?? '').replace(/^"|"$/g, ''),
        checksums: readChecksums(kind => text(part, XML_NAME[kind] ?? '')),
      })
    }
    const last = marker
    marker = text(node, 'IsTruncated') === 'true' ? text(node, 'NextPartNumberMarker') : undefined
    if (marker !== undefined && marker === last) throw noMore('ListParts', key)
  } while (marker !== undefined && marker !== '')
  return parts
}

function noMore(operation: string, key: string): S3Error {
  return new S3Error({
    asked: { operation, key },
    answer: { status: 200, s3Code: 'ListTruncated' },
    message: `${operation}: the server announces more pages, but repeats a marker`,
    follows: { retry: false },
  })
}

/** Element names of the checksums in S3's XML. */
const XML_NAME: Record<string, string> = {
  crc64nvme: 'ChecksumCRC64NVME',
  crc32c: 'ChecksumCRC32C',
  crc32: 'ChecksumCRC32',
  sha256: 'ChecksumSHA256',
  sha1: 'ChecksumSHA1',
  type: 'ChecksumType',
}

function checksumXml(checksums: Checksums): string {
  if (checksums.crc64nvme !== undefined)
    return `<ChecksumCRC64NVME>${encode64(checksums.crc64nvme)}</ChecksumCRC64NVME>`
  if (checksums.crc32c !== undefined) return `<ChecksumCRC32C>${encode32(checksums.crc32c)}</ChecksumCRC32C>`
  if (checksums.sha256 !== undefined) return `<ChecksumSHA256>${checksums.sha256}</ChecksumSHA256>`
  return ''
}
