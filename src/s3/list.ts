import type { S3Client } from './client.js'
import { S3Error } from './errors.js'
import type { XmlNode } from './xml-node.js'
import { children, text } from './xml.js'

/** An object as LIST shows it. */
export interface ListedObject {
  readonly key: string
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** ms since 1970; S3 gives whole seconds. */
  readonly lastModified: number
  /** The storage class, if the server tells it; undefined for STANDARD. */
  readonly storageClass?: string
}

/** The result of one LIST. */
export interface ListPage {
  readonly objects: ListedObject[]
  /** Key prefixes up to and with the delimiter. */
  readonly prefixes: string[]
}

/** The start of a LIST, and how it is cut into pages. */
export interface ListOptions {
  readonly prefix: string
  readonly delimiter?: string
  /** Keys after this one only. */
  readonly startAfter?: string
  /** Keys in one answer, at most 1,000. */
  readonly maxKeys?: number
  readonly signal?: AbortSignal | undefined
}

/** Pages without a key in a row after which a server is taken for one that never comes to an end. */
const MOST_EMPTY = 10_000

/** Clients of servers that encode continuation tokens, and want them decoded. */
const encodesTokens = new WeakSet<S3Client>()

/**
 * ListObjectsV2, page by page, keys in byte order. A page may be empty although others follow.
 * @throws S3Error; `ListTruncated` when the server says that there is more and does not go on
 */
export async function* listPages(client: S3Client, options: ListOptions): AsyncGenerator<ListPage> {
  const tokens = new Set<string>()
  let empty = 0
  let isEncoding = encodesTokens.has(client)
  let token: string | undefined
  for (;;) {
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
    const next =
      text(node, 'IsTruncated') === 'true' ? (text(node, 'NextContinuationToken') ?? '') : undefined
    // Some servers go round in a circle, with a delimiter that they do not know.
    if (next !== undefined && next !== '' && tokens.has(next)) {
      if (isEncoding || !/%[0-9a-f]{2}/i.test(next)) throw noMore('and repeats a continuation token')
      // This page is the one before: S3Proxy encodes its tokens as it does keys, and does not know them again.
      isEncoding = true
      token = decode(next)
      continue
    }
    if (isEncoding) encodesTokens.add(client)
    const contents = children(node, 'Contents')
    const common = children(node, 'CommonPrefixes')
    const plainOf = decoderOf(node, [...contents, ...common])
    empty = contents.length + common.length > 0 ? 0 : empty + 1
    if (empty > MOST_EMPTY) throw noMore(`and has sent ${empty} pages without a key in a row`)
    yield {
      objects: contents.map(entry => ({
        key: plainOf(text(entry, 'Key') ?? ''),
        size: Number(text(entry, 'Size')),
        etag: (text(entry, 'ETag') ?? '').replace(/^"|"$/g, ''),
        lastModified: Date.parse(text(entry, 'LastModified') ?? ''),
        ...storageClassOf(text(entry, 'StorageClass')),
      })),
      prefixes: common.map(entry => plainOf(text(entry, 'Prefix') ?? '')),
    }
    if (next === undefined) return
    if (next === '') throw noMore('and not how to get it: it has no ListObjectsV2')
    tokens.add(next)
    token = isEncoding ? decode(next) : next
  }
}

function storageClassOf(storageClass = 'STANDARD'): Pick<ListedObject, 'storageClass'> {
  return storageClass === 'STANDARD' ? {} : { storageClass }
}

/** ListObjectsV2, object by object. @throws S3Error */
export async function* listObjects(client: S3Client, options: ListOptions): AsyncGenerator<ListedObject> {
  for await (const page of listPages(client, options)) yield* page.objects
}

/**
 * Objects in key order, without those that share a beginning with the last key of a page: for asking which beginnings there are.
 * @param rootOf the beginning of a key after which LIST goes on behind all keys with that beginning; undefined: behind that key
 * @throws S3Error; `ListTruncated` when the server does not go on where it is told to
 */
export async function* listLeaping(
  client: S3Client,
  options: Omit<ListOptions, 'startAfter' | 'delimiter'>,
  rootOf: (key: string) => string | undefined,
): AsyncGenerator<ListedObject> {
  let startAfter: string | undefined
  for (;;) {
    const from: string | undefined = startAfter
    const objects = await firstKeys(client, from === undefined ? options : { ...options, startAfter: from })
    yield* objects
    const last = objects.at(-1)?.key
    if (last === undefined) return
    startAfter = largest(last, behind(rootOf(last)))
    if (from !== undefined && largest(from, startAfter) === from) throw noMore('and ignores start-after')
  }
}

/** The first page of a LIST that has a key. */
async function firstKeys(client: S3Client, options: ListOptions): Promise<readonly ListedObject[]> {
  for await (const { objects } of listPages(client, options)) if (objects.length > 0) return objects
  return []
}

/** A key behind all that have a beginning: its last character is the next one. */
function behind(root = ''): string {
  return root === '' ? '' : root.slice(0, -1) + String.fromCharCode(root.charCodeAt(root.length - 1) + 1)
}

/** The later one in the order of keys, that of their bytes. */
function largest(one: string, other: string): string {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) >= 0 ? one : other
}

/** The first object of a LIST that asks for no more; undefined when there is none. @throws S3Error */
export async function firstObject(
  client: S3Client,
  options: Omit<ListOptions, 'maxKeys'>,
): Promise<ListedObject | undefined> {
  for await (const page of listPages(client, { ...options, maxKeys: 1 }))
    if (page.objects[0] !== undefined) return page.objects[0]
  return undefined
}

/** Half a listing would pass for a whole one. */
function noMore(how: string): S3Error {
  return new S3Error({
    asked: { operation: 'ListObjectsV2' },
    answer: { status: 200, s3Code: 'ListTruncated' },
    message: `ListObjectsV2: the server says that there is more, ${how}`,
    follows: { retry: false },
  })
}

/**
 * Undoes `encoding-type=url` where the server says it did it, and has: some only say so. A space comes as `+` or `%20`.
 * @param entries whose keys or prefixes are to be decoded
 */
export function decoderOf(node: XmlNode, entries: readonly XmlNode[]): (value: string) => string {
  const raw = entries.map(entry => text(entry, 'Key') ?? text(entry, 'Prefix') ?? '')
  const encoded = text(node, 'EncodingType') === 'url' && raw.every(value => ENCODED.test(value))
  return encoded ? decode : value => value
}

/** The value itself where it only looks encoded: `%ff` is no UTF-8. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value.replace(/\+/g, ' '))
  } catch {
    return value
  }
}

/** The characters that an encoded key may have: servers differ in what they escape, but none leaves a space or a bare percent sign. */
const ENCODED = /^(?:[!-$&-~]|%[0-9a-f]{2})*$/i
