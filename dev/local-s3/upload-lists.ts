import type { Call } from './call.js'
import type { Upload } from './bucket.js'
import { pageSize } from './listing.js'
import { findUpload } from './multipart.js'
import { xmlReply, type Reply } from './reply.js'
import { S3Error } from './s3-error.js'
import { element, group, isoTime, keyWriter, optional, xmlDocument } from './xml.js'

/** ListParts */
export function listParts(call: Call): Reply {
  const { request, bucket } = call
  const size = pageSize(request, 'max-parts')
  const marker = request.parameter('part-number-marker') ?? '0'
  if (!/^\d{1,10}$/.test(marker)) {
    throw new S3Error(
      'InvalidArgument',
      'Provided part-number-marker not an integer or within integer range',
      {
        ArgumentName: 'part-number-marker',
        ArgumentValue: marker,
      },
    )
  }
  const encoding = request.parameter('encoding-type')
  const write = keyWriter(encoding)
  const upload = findUpload(bucket, request)
  const behind = [...upload.parts.values()]
    .filter(part => part.number > Number(marker))
    .sort((a, b) => a.number - b.number)
  const parts = behind.slice(0, size)
  const truncated = behind.length > parts.length && size > 0
  return xmlReply(
    xmlDocument(
      'ListPartsResult',
      element('Bucket', bucket.name),
      write('Key', upload.key),
      element('UploadId', upload.id),
      element('StorageClass', upload.attributes.storageClass),
      element('PartNumberMarker', marker),
      optional('NextPartNumberMarker', parts.at(-1)?.number ?? (truncated ? marker : undefined)),
      element('MaxParts', size),
      element('IsTruncated', truncated),
      optional('EncodingType', encoding),
      optional('ChecksumAlgorithm', upload.checksum?.algorithm.toUpperCase()),
      optional('ChecksumType', upload.checksum?.type),
      ...parts.map(part =>
        group(
          'Part',
          element('PartNumber', part.number),
          element('LastModified', isoTime(part.modified)),
          element('ETag', `"${part.etag}"`),
          element('Size', part.size),
          part.checksum === undefined
            ? ''
            : element(`Checksum${part.checksum.algorithm.toUpperCase()}`, part.checksum.value),
        ),
      ),
    ),
  )
}

/** Where a page begins: behind this upload; without an id behind all of the key. */
interface Marker {
  readonly key: string
  readonly id: string
}

/** Ids begin with the time, so that this is the order of initiation within a key. */
function byKeyThenId(a: Marker, b: Marker): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || (a.id < b.id ? -1 : Number(a.id > b.id))
}

/** ListMultipartUploads */
export function listMultipartUploads(call: Call): Reply {
  const { request, bucket } = call
  const size = pageSize(request, 'max-uploads')
  const prefix = request.parameter('prefix') ?? ''
  const delimiter = request.parameter('delimiter') ?? ''
  const keyMarker = request.parameter('key-marker') ?? ''
  const idMarker = request.parameter('upload-id-marker') ?? ''
  const encoding = request.parameter('encoding-type')
  const write = keyWriter(encoding)
  const marker: Marker = { key: keyMarker, id: idMarker === '' ? '\uffff' : idMarker }
  const behind = [...bucket.uploads.values()]
    .filter(upload => upload.key.startsWith(prefix) && (keyMarker === '' || byKeyThenId(upload, marker) > 0))
    .sort(byKeyThenId)
  const uploads: Upload[] = []
  const prefixes = new Set<string>()
  let truncated = false
  for (const upload of behind) {
    const cut = delimiter === '' ? -1 : upload.key.indexOf(delimiter, prefix.length)
    const rolled = cut < 0 ? undefined : upload.key.slice(0, cut + delimiter.length)
    if (rolled !== undefined && (prefixes.has(rolled) || rolled === keyMarker)) continue
    if (uploads.length + prefixes.size >= size) {
      truncated = size > 0
      break
    }
    if (rolled === undefined) uploads.push(upload)
    else prefixes.add(rolled)
  }
  const last = uploads.at(-1)
  const lastPrefix = [...prefixes].at(-1)
  const prefixIsLast = lastPrefix !== undefined && (last === undefined || lastPrefix > last.key)
  return xmlReply(
    xmlDocument(
      'ListMultipartUploadsResult',
      element('Bucket', bucket.name),
      write('KeyMarker', keyMarker),
      element('UploadIdMarker', idMarker),
      write('NextKeyMarker', truncated ? (prefixIsLast ? lastPrefix : last?.key) : undefined),
      optional('NextUploadIdMarker', truncated && !prefixIsLast ? last?.id : undefined),
      write('Prefix', prefix),
      write('Delimiter', delimiter === '' ? undefined : delimiter),
      element('MaxUploads', size),
      optional('EncodingType', encoding),
      element('IsTruncated', truncated),
      ...uploads.map(upload =>
        group(
          'Upload',
          write('Key', upload.key),
          element('UploadId', upload.id),
          element('StorageClass', upload.attributes.storageClass),
          element('Initiated', isoTime(upload.initiated)),
          optional('ChecksumAlgorithm', upload.checksum?.algorithm.toUpperCase()),
          optional('ChecksumType', upload.checksum?.type),
        ),
      ),
      ...[...prefixes].map(common => group('CommonPrefixes', write('Prefix', common))),
    ),
  )
}
