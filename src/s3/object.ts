import { checkObject, checkStored } from './answer.js'
import { S3Error, isS3Error } from './errors.js'
import { writeIfAbsent } from './if-absent.js'
import { withChecksums } from './checksum-mode.js'
import { listObjects } from './list.js'
import { lengthOf, sizeOf } from './object-size.js'
import { readChecksums, type Checksums } from './checksum.js'
import type { S3Client } from './client.js'
import type { HttpResponse } from './connection.js'
import type { ChunkedBody } from './outgoing.js'
import type { ObjectSettings } from './settings.js'

/** The facts that HEAD or GET returns about an object. */
export interface ObjectInfo {
  /** Bytes of the whole object. */
  readonly size: number
  /** Without quotes; the MD5 in hex where `md5` is set. */
  readonly etag: string
  /** MD5 of the whole object in hex, where the ETag is one (not of multipart, not under KMS). */
  readonly md5: string | undefined
  /** Whether the server says that its ETag is made of no MD5s (KMS, keys of the customer). */
  readonly opaque: boolean
  readonly lastModified: number
  /** User metadata, names in lower case without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  readonly checksums: Checksums
  /** The tier in which Intelligent-Tiering has archived it; undefined: it can be read. */
  readonly archive?: string
}

/** A body with everything that guards it; see {@link putObject} and `uploadPart`. */
export interface GuardedBody {
  readonly body: Buffer | ChunkedBody
  /** Checksum headers (`x-amz-checksum-…`, `Content-MD5`). */
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 in hex when the payload itself is signed. */
  readonly payloadHash?: string | undefined
}

/**
 * Metadata of our objects that says so: where nothing else tells what such an object holds, its size does not either. An
 * object without it is the Python program's, which is trusted by its size.
 */
export const OURS_METADATA = { tablesnap: '2' } as const

/** Metadata with the CRC-64/NVME of an object that went up whole, 16 hex digits, for servers that tell no checksums. */
export const CRC64_METADATA = 'crc64nvme'

/** Whether this program wrote an object. */
export function isOurs({ metadata }: ObjectInfo): boolean {
  return metadata['tablesnap'] !== undefined
}

/** The headers that say how an object is stored, for PutObject and CreateMultipartUpload. */
export function storageHeaders(settings: ObjectSettings): Record<string, string> {
  return {
    ...(settings.storageClass === undefined ? {} : { 'X-Amz-Storage-Class': settings.storageClass }),
    ...(settings.sse === undefined ? {} : { 'X-Amz-Server-Side-Encryption': settings.sse }),
    ...(settings.kmsKeyId === undefined
      ? {}
      : { 'X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id': settings.kmsKeyId }),
  }
}

/** Metadata as headers. Values must be printable ASCII: undici refuses others. */
export function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of Object.keys(metadata)) headers[`X-Amz-Meta-${name}`] = metadata[name] ?? ''
  return headers
}

/** How an object is put. */
export interface PutOptions {
  readonly headers: Readonly<Record<string, string>>
  /** Whether an object that is there must stay. */
  readonly ifAbsent: boolean
  /** With `ifAbsent`: what the caller has just seen of the key. */
  readonly seen?: 'free' | 'taken' | undefined
  readonly signal?: AbortSignal | undefined
  /** Runs before each attempt. */
  readonly guard?: (() => Promise<void>) | undefined
}

/**
 * PutObject in one request; every object that this program writes whole goes through here. An answer without proof that
 * the object was stored is a failure.
 * @throws S3Error; 412 `PreconditionFailed` when `ifAbsent` and the key exists
 */
export async function putObject(
  client: S3Client,
  key: string,
  content: GuardedBody,
  options: PutOptions,
): Promise<{ etag: string; checksums: Checksums }> {
  const { signal, seen } = options
  const operation = 'PutObject'
  const send = (condition: Readonly<Record<string, string>>): Promise<HttpResponse> =>
    client.call(
      {
        operation,
        method: 'PUT',
        key,
        headers: {
          'Content-Type': 'application/octet-stream',
          ...options.headers,
          ...content.headers,
          ...condition,
        },
        body: content.body,
        payloadHash: content.payloadHash,
        check: checkStored,
        guard: options.guard,
      },
      signal,
    )
  const isTaken = async (): Promise<boolean> =>
    seen !== 'free' && (await headObject(client, key, signal)) !== undefined
  const isBelieved = async (): Promise<boolean> => seen === 'taken' || (await isThere(client, key, signal))
  const target = { operation, key, isTaken, isThere: isBelieved }
  const response = await (options.ifAbsent ? writeIfAbsent(client, target, send) : send({}))
  return { etag: etagOf(response), checksums: checksumsOf(response) }
}

/** HeadObject with checksums; undefined when there is no such object. @throws S3Error */
export async function headObject(
  client: S3Client,
  key: string,
  signal?: AbortSignal,
): Promise<ObjectInfo | undefined> {
  try {
    const request = { operation: 'HeadObject', method: 'HEAD', key, check: checkObject } as const
    const response = await withChecksums(client, request, signal)
    const size = lengthOf(response) ?? (await sizeOf(client, key, signal))
    return infoOf(response, size)
  } catch (error) {
    if (isS3Error(error, 404)) return undefined
    throw error
  }
}

/**
 * Whether an object is under a key after the server has refused to write there on condition that none is. HEAD decides, and
 * where it shows none, so does LIST: a cache between us and the server may repeat a 404 that was true once. Some servers
 * refuse the write although both show nothing: versitygw 1.8 takes a delete marker for an object.
 * @throws S3Error
 */
export async function isThere(client: S3Client, key: string, signal?: AbortSignal): Promise<boolean> {
  if ((await headObject(client, key, signal)) !== undefined) return true
  // The key itself comes before all that begin with it.
  for await (const listed of listObjects(client, { prefix: key, maxKeys: 1, signal }))
    return listed.key === key
  return false
}

/**
 * Bytes of one part of a multipart object.
 * @returns undefined where the server does not tell the parts of this version of the object
 * @throws S3Error
 */
export async function headPart(
  client: S3Client,
  key: string,
  part: { number: number; etag: string },
  signal?: AbortSignal,
): Promise<number | undefined> {
  const query = { partNumber: String(part.number) }
  const headers = { 'If-Match': `"${part.etag}"` }
  try {
    const response = await client.call(
      { operation: 'HeadObject', method: 'HEAD', key, query, headers },
      signal,
    )
    return response.status === 206 ? lengthOf(response) : undefined
  } catch (error) {
    // 412: of a server that compares the ETag with the part's, or the object is another now.
    if (isS3Error(error, 400, 405, 412, 416, 501)) return undefined
    throw error
  }
}

/** GetObject of a whole small object. @throws S3Error 404 `NoSuchKey`, or `ANSWER_TOO_LONG` beyond `into` or 128 MiB */
export async function getObject(
  client: S3Client,
  key: string,
  options: { into?: Buffer; signal?: AbortSignal | undefined } = {},
): Promise<{ info: ObjectInfo; body: Buffer }> {
  const request = {
    operation: 'GetObject',
    method: 'GET',
    key,
    ...into(options.into),
    check: checkObject,
  } as const
  const response = await withChecksums(client, request, options.signal)
  const info = infoOf(response, response.body.length)
  checkLength(response, 'GetObject', key, Number(response.headers['content-length'] ?? response.body.length))
  return { info, body: response.body }
}

/**
 * GetObject of the bytes `start` to `start + into.length - 1`, into `into`.
 * @param etag the answer must be of this version of the object; empty: the server tells none, and the caller compares a checksum
 * @throws S3Error 412 when the object changed meanwhile
 */
export async function getRange(
  client: S3Client,
  key: string,
  range: { start: number; etag: string; into: Buffer },
  signal?: AbortSignal,
): Promise<void> {
  const last = range.start + range.into.length - 1
  const headers = {
    Range: `bytes=${range.start}-${last}`,
    ...(range.etag === '' ? {} : { 'If-Match': `"${range.etag}"` }),
  }
  const request = {
    operation: 'GetObject',
    method: 'GET',
    key,
    headers,
    into: range.into,
    check: checkObject,
  } as const
  const response = await client.call(request, signal)
  checkLength(response, 'GetObject', key, range.into.length)
}

function into(buffer: Buffer | undefined): { into?: Buffer } {
  return buffer === undefined ? {} : { into: buffer }
}

function checkLength(response: HttpResponse, operation: string, key: string, expected: number): void {
  if (response.body.length === expected) return
  const message = `${operation}: ${response.body.length} bytes came instead of ${expected}`
  throw new S3Error({
    asked: { operation, key },
    answer: { status: response.status, s3Code: 'WrongLength' },
    message,
    follows: { retry: true },
  })
}

/** The ETag of an answer without quotes. */
export function etagOf(response: HttpResponse): string {
  return (response.headers['etag'] ?? '').replace(/^W\//, '').replace(/^"|"$/g, '')
}

/** The checksums in an answer's headers. */
export function checksumsOf(response: HttpResponse): Checksums {
  return readChecksums(kind => response.headers[`x-amz-checksum-${kind}`])
}

function infoOf(response: HttpResponse, size: number): ObjectInfo {
  const { headers } = response
  const etag = etagOf(response)
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html, ETag
  const opaque =
    (headers['x-amz-server-side-encryption'] ?? '').startsWith('aws:kms') ||
    headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-amz-meta-')) metadata[name.slice('x-amz-meta-'.length)] = value
  }
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, x-amz-archive-status
  const archive = headers['x-amz-archive-status']
  return {
    ...(archive === undefined ? {} : { archive }),
    size,
    etag,
    md5: !opaque && /^[0-9a-f]{32}$/i.test(etag) ? etag.toLowerCase() : undefined,
    opaque,
    lastModified: Date.parse(headers['last-modified'] ?? ''),
    metadata,
    checksums: checksumsOf(response),
  }
}
