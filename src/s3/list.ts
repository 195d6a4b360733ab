import { S3Error } from './errors.js'
import type { S3Client } from './client.js'
import { children, text, type XmlNode } from './xml.js'

/** An object as LIST shows it. */
export interface ListedObject {
  readonly key: string
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** ms since 1970; S3 gives whole seconds. */
  readonly lastModified: number
  /** Where the server tells it; undefined for STANDARD. */
  readonly storageClass?: string
}

/** What one LIST found. */
export interface ListPage {
  readonly objects: ListedObject[]
  /** Key prefixes up to and with the delimiter. */
  readonly prefixes: string[]
}

/** Where a LIST begins and how it is cut up. */
export interface ListOptions {
  readonly prefix: string
  readonly delimiter?: string
  /** Keys after this one only. */
  readonly startAfter?: string
  /** Keys in one answer, at most 1,000. */
  readonly maxKeys?: number
  readonly signal?: AbortSignal | undefined
}

/** ListObjectsV2, page by page, keys in byte order. @throws S3Error */
export async function* listPages(client: S3Client, options: ListOptions): AsyncGenerator<ListPage> {
  let token: string | undefined
  do {
    const node = await client.document(
      {
        operation: 'ListObjectsV2',
        method: 'GET',
        query: {
          'list-type': '2',
          'encoding-type': 'url',
          prefix: options.prefix,
          ...(options.delimiter === undefined ? {} : { delimiter: options.delimiter }),
          ...(options.startAfter === undefined ? {} : { 'start-after': options.startAfter }),
          ...(options.maxKeys === undefined ? {} : { 'max-keys': String(options.maxKeys) }),
          ...(token === undefined ? {} : { 'continuation-token': token }),
        },
      },
      'ListBucket',
      options.signal,
    )
    const contents = children(node, 'Contents')
    const common = children(node, 'CommonPrefixes')
    const decode = decoderOf(node, [...contents, ...common])
    yield {
      objects: contents.map(entry => ({
        key: decode(text(entry, 'Key') ?? ''),
        size: Number(text(entry, 'Size')),
        etag: (text(entry, 'ETag') ?? '').replace(/^"|"$/g, ''),
        lastModified: Date.parse(text(entry, 'LastModified') ?? ''),
        ...storageClassOf(text(entry, 'StorageClass')),
      })),
      prefixes: common.map(entry => decode(text(entry, 'Prefix') ?? '')),
    }
    const last = token
    token = text(node, 'IsTruncated') === 'true' ? (text(node, 'NextContinuationToken') ?? '') : undefined
    if (token !== undefined && (token === '' || token === last)) throw noMore()
  } while (token !== undefined)
}

function storageClassOf(storageClass = 'STANDARD'): Pick<ListedObject, 'storageClass'> {
  return storageClass === 'STANDARD' ? {} : { storageClass }
}

/** ListObjectsV2, object by object. @throws S3Error */
export async function* listObjects(client: S3Client, options: ListOptions): AsyncGenerator<ListedObject> {
  for await (const page of listPages(client, options)) yield* page.objects
}

/** The first object of a LIST that asks for no more; undefined when there is none. @throws S3Error */
export async function firstObject(
  client: S3Client,
  options: Omit<ListOptions, 'maxKeys'>,
): Promise<ListedObject | undefined> {
  for await (const page of listPages(client, { ...options, maxKeys: 1 })) return page.objects[0]
  return undefined
}

/** Half a listing would pass for a whole one. */
function noMore(): S3Error {
  return new S3Error({
    operation: 'ListObjectsV2',
    status: 200,
    s3Code: 'ListTruncated',
    message:
      'ListObjectsV2: the server says that there is more, and not how to get it: it has no ListObjectsV2',
    retry: false,
    slowDown: false,
  })
}

/**
 * Undoes `encoding-type=url` where the server says it did it, and has: some only say so. A space comes as `+` or `%20`.
 * @param entries whose keys or prefixes are to be decoded
 */
export function decoderOf(node: XmlNode, entries: readonly XmlNode[]): (value: string) => string {
  const raw = entries.map(entry => text(entry, 'Key') ?? text(entry, 'Prefix') ?? '')
  const encoded = text(node, 'EncodingType') === 'url' && raw.every(value => ENCODED.test(value))
  return encoded ? value => decodeURIComponent(value.replace(/\+/g, ' ')) : value => value
}

/** What an encoding leaves: servers differ in what they escape, but none leaves a space or a bare percent sign. */
const ENCODED = /^(?:[!-$&-~]|%[0-9a-f]{2})*$/i
