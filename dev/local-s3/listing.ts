import type { Call } from './call.js'
import type { KeyIndex } from './key-index.js'
import type { ObjectRecord } from './record.js'
import { xmlReply, type Reply } from './reply.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import { element, group, isoTime, keyWriter, optional, xmlDocument } from './xml.js'

/** Amazon's most entries in one page. */
const MAX_PAGE = 1000

/** One page of a list: keys and rolled-up prefixes, in one order. */
interface Page {
  readonly records: readonly ObjectRecord[]
  readonly prefixes: readonly string[]
  /** The last entry, when there are more behind it. */
  readonly next: string | undefined
}

/**
 * A page size out of a request.
 * @throws S3Error `InvalidArgument`
 */
export function pageSize(request: S3Request, parameter: string): number {
  const text = request.parameter(parameter)
  if (text === undefined || text === '') return MAX_PAGE
  if (!/^\d{1,10}$/.test(text) || Number(text) > 2_147_483_647) {
    throw new S3Error('InvalidArgument', `Provided ${parameter} not an integer or within integer range`, {
      ArgumentName: parameter,
      ArgumentValue: text,
    })
  }
  return Math.min(Number(text), MAX_PAGE)
}

/**
 * @param after the entry that the page comes behind: a key, or a rolled-up prefix with all below it
 * @param size most entries of the page
 */
function page(
  index: KeyIndex<ObjectRecord>,
  prefix: string,
  delimiter: string,
  after: string,
  size: number,
): Page {
  const records: ObjectRecord[] = []
  const prefixes: string[] = []
  const common = (key: string): string | undefined => {
    const cut = delimiter === '' || !key.startsWith(prefix) ? -1 : key.indexOf(delimiter, prefix.length)
    return cut < 0 ? undefined : key.slice(0, cut + delimiter.length)
  }
  const behindAfter = common(after) === after ? index.behind(after) : index.at(after, after !== '')
  const first = index.at(prefix, false)
  let record =
    behindAfter !== undefined && first !== undefined && order(behindAfter, first) < 0 ? first : behindAfter
  if (first === undefined) record = undefined
  let last = ''
  while (record?.key.startsWith(prefix) === true) {
    if (records.length + prefixes.length >= size)
      return { records, prefixes, next: size === 0 ? undefined : last }
    const rolled = common(record.key)
    if (rolled === undefined) records.push(record)
    else prefixes.push(rolled)
    last = rolled ?? record.key
    record = rolled === undefined ? index.at(record.key, true) : index.behind(rolled)
  }
  return { records, prefixes, next: undefined }
}

function order(a: ObjectRecord, b: ObjectRecord): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
}

function contents(record: ObjectRecord, write: (name: string, key: string) => string): string {
  const { checksum } = record
  return group(
    'Contents',
    write('Key', record.key),
    element('LastModified', isoTime(record.modified)),
    element('ETag', `"${record.etag}"`),
    checksum === undefined ? '' : element('ChecksumAlgorithm', checksum.algorithm.toUpperCase()),
    checksum === undefined ? '' : element('ChecksumType', checksum.type),
    element('Size', record.size),
    element('StorageClass', record.attributes.storageClass),
  )
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  if (!text.startsWith('after:') || Buffer.from(text).toString('base64url') !== token) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      ArgumentName: 'continuation-token',
    })
  }
  return text.slice('after:'.length)
}

function writeToken(after: string | undefined): string | undefined {
  return after === undefined ? undefined : Buffer.from(`after:${after}`).toString('base64url')
}

/** ListObjectsV2 */
export function listObjectsV2(call: Call): Reply {
  const { request, bucket } = call
  const prefix = request.parameter('prefix') ?? ''
  const delimiter = request.parameter('delimiter') ?? ''
  const startAfter = request.parameter('start-after')
  const token = request.parameter('continuation-token')
  const encoding = request.parameter('encoding-type')
  const size = pageSize(request, 'max-keys')
  const write = keyWriter(encoding)
  const after = token === undefined ? (startAfter ?? '') : readToken(token)
  const { records, prefixes, next } = page(bucket.objects, prefix, delimiter, after, size)
  return xmlReply(
    xmlDocument(
      'ListBucketResult',
      element('Name', bucket.name),
      write('Prefix', prefix),
      write('Delimiter', delimiter === '' ? undefined : delimiter),
      write('StartAfter', startAfter),
      optional('ContinuationToken', token),
      optional('NextContinuationToken', writeToken(next)),
      element('KeyCount', records.length + prefixes.length),
      element('MaxKeys', size),
      optional('EncodingType', encoding),
      element('IsTruncated', next !== undefined),
      ...records.map(record => contents(record, write)),
      ...prefixes.map(common => group('CommonPrefixes', write('Prefix', common))),
    ),
    { 'x-amz-bucket-region': call.settings.region },
  )
}

/** ListObjects, the first version. */
export function listObjects(call: Call): Reply {
  const { request, bucket } = call
  const prefix = request.parameter('prefix') ?? ''
  const delimiter = request.parameter('delimiter') ?? ''
  const marker = request.parameter('marker') ?? ''
  const encoding = request.parameter('encoding-type')
  const size = pageSize(request, 'max-keys')
  const write = keyWriter(encoding)
  const { records, prefixes, next } = page(bucket.objects, prefix, delimiter, marker, size)
  return xmlReply(
    xmlDocument(
      'ListBucketResult',
      element('Name', bucket.name),
      write('Prefix', prefix),
      write('Marker', marker),
      write('NextMarker', delimiter === '' ? undefined : next),
      element('MaxKeys', size),
      write('Delimiter', delimiter === '' ? undefined : delimiter),
      optional('EncodingType', encoding),
      element('IsTruncated', next !== undefined),
      ...records.map(record => contents(record, write)),
      ...prefixes.map(common => group('CommonPrefixes', write('Prefix', common))),
    ),
  )
}
