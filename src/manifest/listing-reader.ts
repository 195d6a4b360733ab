import { TablesnapError, errorMessage } from '../errors.js'
import type { S3Client } from '../s3/client.js'
import type { ListedObject } from '../s3/list.js'
import { getObject, type ObjectInfo } from '../s3/object.js'

import { parseKeyPath } from './key-path.js'
import { isOwnListing } from './upstream-listing.js'

/** The object of a listing, as a LIST shows it. */
export type ListingObject = Pick<ListedObject, 'key' | 'size' | 'lastModified'>

/** A directory with its listings, by the name of the file that each is named after. */
interface ListedDirectory {
  readonly path: string
  readonly listings: ReadonlyMap<string, ListingObject>
}

/** A longer listing is none, bytes. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * The names in a listing of the original's: `{"<dir>": ["file", …]}`.
 * @param directory where the listing's key says that it is
 * @throws S3Error
 * @throws TablesnapError `LISTING_CORRUPT` when it is not that, or names what can be no file of the directory
 */
export async function readListing(
  client: S3Client,
  listing: ListingObject,
  directory: string,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  return (await readListingWithOwner(client, listing, directory, signal)).names
}

/** As {@link readListing}, and whether the listing is one of ours. @throws as {@link readListing} */
export async function readListingWithOwner(
  client: S3Client,
  listing: ListingObject,
  directory: string,
  signal?: AbortSignal,
): Promise<{ names: ReadonlySet<string>; own: boolean }> {
  const { body, info } = await fetchListing(client, listing, signal)
  return { names: namesInListing(body, listing.key, directory), own: isOwnListing(info.metadata) }
}

/**
 * The newest listing of a directory that the original wrote in a span of time, exclusive its beginning. Ours are passed
 * over: where one of them was written, there is a state that says more.
 * @param span ms since 1970; `to` undefined: without end
 * @returns undefined where there is none
 * @throws as {@link readListing}
 */
export async function readForeignListing(
  client: S3Client,
  { path, listings }: ListedDirectory,
  span: { readonly from: number; readonly to: number | undefined },
  signal?: AbortSignal,
): Promise<{ listing: ListingObject; names: ReadonlySet<string> } | undefined> {
  const { from, to = Infinity } = span
  const newer = [...listings.values()].filter(({ lastModified }) => lastModified > from && lastModified <= to)
  // The last key of one second counts, as ever.
  for (const listing of newer.reverse().sort((a, b) => b.lastModified - a.lastModified)) {
    const { body, info } = await fetchListing(client, listing, signal)
    if (!isOwnListing(info.metadata)) return { listing, names: namesInListing(body, listing.key, path) }
  }
  return undefined
}

async function fetchListing(
  client: S3Client,
  { key, size }: ListingObject,
  signal: AbortSignal | undefined,
): Promise<{ info: ObjectInfo; body: Buffer }> {
  if (size > MAX_BYTES) throw corrupt(key, `it has ${size} bytes`)
  return getObject(client, key, { signal })
}

/** The names in the body of a listing. @param directory where its key says that it is @throws TablesnapError `LISTING_CORRUPT` */
export function namesInListing(body: Buffer, key: string, directory: string): ReadonlySet<string> {
  const content = parse(key, body)
  const [path, names] = Object.entries(content)[0] ?? []
  if (path === undefined || !Array.isArray(names)) throw corrupt(key, 'it is no {"directory": ["file", …]}')
  // The original wrote paths as they were typed; a file's name makes the directory a path of one.
  const place = parseKeyPath(`${path}/x`)
  if (typeof place === 'string' || place.directory !== directory)
    throw corrupt(key, `it is of ${JSON.stringify(path.slice(0, 200))}, and not of ${directory}`)
  const found = new Set<string>()
  for (const name of names as unknown[]) {
    if (typeof name !== 'string') throw corrupt(key, 'it holds something that is no name')
    if (/^\.{0,2}$|[/\0]/.test(name))
      throw corrupt(key, `it names ${JSON.stringify(name.slice(0, 200))}, which is no file name`)
    found.add(name)
  }
  return found
}

function parse(key: string, body: Buffer): object {
  let content: unknown
  try {
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw corrupt(key, errorMessage(cause), cause)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw corrupt(key, 'it is no {"directory": ["file", …]}')
  }
  return content
}

function corrupt(key: string, why: string, cause?: unknown): TablesnapError {
  return new TablesnapError({
    code: 'LISTING_CORRUPT',
    message: `listing ${key} cannot be used: ${why}; delete it to use the one before, or restore every object with tablesnap -D --all`,
    step: { operation: 'restore', key },
    cause,
  })
}
