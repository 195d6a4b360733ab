import { attributeHeaders, refuseArchived } from './attributes.js'
import type { Call } from './call.js'
import { checkRead } from './conditions.js'
import type { Extent } from './data-files.js'
import { checksumHeaders } from './receive.js'
import type { ObjectRecord } from './record.js'
import { emptyReply, xmlReply, type Reply } from './reply.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { element, group, optional, xmlDocument } from './xml.js'

/** A run of an object's bytes; `end` is exclusive. */
interface Slice {
  readonly start: number
  readonly end: number
  /** Whether it was asked for: answered with 206. */
  readonly partial: boolean
  /** The part it is, when it was asked for by number. */
  readonly part?: number
}

function find(call: Call): ObjectRecord {
  const version = call.request.parameter('versionId')
  if (version !== undefined && version !== 'null')
    throw new S3Error('InvalidArgument', 'Invalid version id specified')
  const record = call.bucket.objects.get(call.request.key)
  if (record === undefined) throw new S3Error('NoSuchKey', undefined, { Key: call.request.key })
  return record
}

function byRange(range: string, record: ObjectRecord): Slice | undefined {
  // Several ranges, or another unit, are ignored, as Amazon does.
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range.trim())
  const [, first = '', last = ''] = match ?? []
  if (match === null || (first === '' && last === '')) return undefined
  const { size } = record
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  if (first !== '' && last !== '' && Number(last) < start) return undefined
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (start >= size) {
    throw new S3Error('InvalidRange', undefined, { RangeRequested: range, ActualObjectSize: String(size) })
  }
  return { start, end, partial: true }
}

function byPart(text: string, record: ObjectRecord): Slice {
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive')
  }
  const part = record.parts[number - 1]
  if (part === undefined) {
    throw new S3Error('InvalidPartNumber', undefined, {
      PartNumberRequested: text,
      ActualPartCount: String(record.parts.length),
    })
  }
  const start = record.parts.slice(0, number - 1).reduce((sum, before) => sum + before.size, 0)
  return { start, end: start + part.size, partial: record.size > 0, part: number }
}

function sliceOf(request: S3Request, record: ObjectRecord): Slice {
  const range = request.header('range')
  const part = request.parameter('partNumber')
  if (range !== undefined && part !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter')
  }
  const whole = { start: 0, end: record.size, partial: false }
  if (part !== undefined) return byPart(part, record)
  return range === undefined ? whole : (byRange(range, record) ?? whole)
}

function extents(record: ObjectRecord, slice: Slice): Extent[] {
  const found: Extent[] = []
  let start = 0
  for (const { file, size } of record.parts) {
    const from = Math.max(slice.start, start)
    const to = Math.min(slice.end, start + size)
    if (from < to) found.push({ file, offset: from - start, size: to - from })
    start += size
  }
  return found
}

/** The headers that the query wants answered instead of the stored ones. */
function overridden(request: S3Request): Record<string, string> {
  const overrides: Record<string, string> = {}
  for (const [name, value] of request.parameters) {
    if (!name.startsWith('response-')) continue
    // eslint-disable-next-line no-control-regex -- control characters are what is refused here
    if (/[\u0000-\u001f\u007f]/.test(name + value)) throw new S3Error('InvalidArgument')
    overrides[name.slice('response-'.length)] = Buffer.from(value).toString('latin1')
  }
  return overrides
}

function headersOf(
  request: S3Request,
  record: ObjectRecord,
  slice: Slice,
): Record<string, string | undefined> {
  const { size, uploadId } = record
  // A slice has no checksum of its own, unless it is a part.
  const part = slice.part === undefined ? undefined : record.parts[slice.part - 1]
  const checksum = part === undefined || uploadId === undefined ? record.checksum : part.checksum
  const shown = request.header('x-amz-checksum-mode') === 'ENABLED' && (!slice.partial || part !== undefined)
  return {
    ...attributeHeaders(record.attributes),
    ...overridden(request),
    ETag: `"${record.etag}"`,
    'Last-Modified': new Date(record.modified).toUTCString(),
    'Accept-Ranges': 'bytes',
    'Content-Length': String(slice.end - slice.start),
    'Content-Range': slice.partial ? `bytes ${slice.start}-${slice.end - 1}/${size}` : undefined,
    'x-amz-mp-parts-count':
      part === undefined || uploadId === undefined ? undefined : String(record.parts.length),
    ...(shown ? checksumHeaders(checksum) : {}),
  }
}

/** HeadObject */
export function headObject(call: Call): Reply {
  const record = find(call)
  checkRead(call.request, record)
  const slice = sliceOf(call.request, record)
  return emptyReply(slice.partial ? 206 : 200, headersOf(call.request, record, slice))
}

/** GetObject */
export function getObject(call: Call): Reply {
  const { request, bucket } = call
  const record = find(call)
  checkRead(request, record)
  refuseArchived(record.attributes)
  const slice = sliceOf(request, record)
  const headers = headersOf(request, record, slice)
  const reading = bucket.files.read(extents(record, slice))
  return {
    status: slice.partial ? 206 : 200,
    headers,
    body: { length: slice.end - slice.start, chunks: reading.chunks, close: () => reading.close() },
  }
}

/** GetObjectAttributes; object parts are told by their number only. */
export function getObjectAttributes(call: Call): Reply {
  const record = find(call)
  const asked = new Set(
    (call.request.header('x-amz-object-attributes') ?? '').split(',').map(name => name.trim()),
  )
  const { checksum, uploadId, attributes } = record
  const parts = uploadId === undefined ? '' : group('ObjectParts', element('PartsCount', record.parts.length))
  const sums =
    checksum === undefined
      ? ''
      : group(
          'Checksum',
          element(`Checksum${checksum.algorithm.toUpperCase()}`, checksum.value),
          element('ChecksumType', checksum.type),
        )
  const document = xmlDocument(
    'GetObjectAttributesResponse',
    optional('ETag', asked.has('ETag') ? record.etag : undefined),
    asked.has('Checksum') ? sums : '',
    asked.has('ObjectParts') ? parts : '',
    optional('StorageClass', asked.has('StorageClass') ? attributes.storageClass : undefined),
    optional('ObjectSize', asked.has('ObjectSize') ? record.size : undefined),
  )
  return xmlReply(document, { 'Last-Modified': new Date(record.modified).toUTCString() })
}
