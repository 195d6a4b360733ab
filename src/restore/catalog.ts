import { dirname, join } from 'node:path'

import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import { listObjects, listPages } from '../s3/list.js'
import { TablesnapError } from '../errors.js'
import { parseComponent } from '../sstable/names.js'
import { KeyLayout } from '../state/keys.js'

import { parseKeyPath, type Refusal } from './key-path.js'

/** Suffix of the keys under which the originals keep a directory's listing. */
export const LISTING = '-listdir.json'

/** Names shown when nothing is found under the one asked for. */
const NAMES_SHOWN = 20

/** An object that may be restored. */
export interface Entry {
  readonly key: string
  readonly size: number
  /** ms since 1970. */
  readonly lastModified: number
}

/** What the bucket holds of one directory. */
export interface CatalogDirectory {
  /** Absolute, as on the node the objects came from. */
  readonly path: string
  /** By name, in key order. */
  readonly files: Map<string, Entry>
  /** Its listings, by the name of the file that each is named after. */
  readonly listings: Map<string, Entry>
  /** The newest listing. */
  listing: Entry | undefined
}

/** All objects of a node. */
export interface Catalog {
  readonly directories: ReadonlyMap<string, CatalogDirectory>
  /** Every directory that something lies in or below. */
  readonly parents: ReadonlySet<string>
  /** Directories below the origin with SSTables and without a listing, which are left out for that. */
  readonly unlisted: readonly string[]
  /** Keys that are no path below a target. */
  readonly refused: readonly Refusal[]
}

/** Where a node's objects are. */
export interface CatalogSource {
  readonly client: S3Client
  /** Before the name. */
  readonly prefix: string
  readonly name: string
  readonly separator: string
  /** The directory that is listed, with all below; undefined: everything. */
  readonly origin?: string | undefined
  readonly log: Logger
  readonly signal?: AbortSignal | undefined
}

/**
 * Lists a node's objects, ordered by directory.
 * @throws S3Error
 * @throws TablesnapError `NOTHING_FOUND`, which names the nodes that the bucket has
 */
export async function readCatalog(source: CatalogSource): Promise<Catalog> {
  const { client, signal, log, origin } = source
  const root = rootOf(source)
  const prefix = origin === undefined ? root : `${root}${join(origin, '/')}`
  const directories = new Map<string, CatalogDirectory>()
  const refused: Refusal[] = []
  let empty = true
  for await (const object of listObjects(client, { prefix, signal })) {
    if (isOwn(object.key, source.prefix)) continue
    const { key, size, lastModified } = object
    // Consoles keep an empty object where they show a folder.
    if (key.endsWith('/') && size === 0) continue
    empty = false
    const place = parseKeyPath(key.slice(root.length))
    if (typeof place === 'string') {
      refused.push({ key, reason: place })
      continue
    }
    let directory = directories.get(place.directory)
    if (directory === undefined) {
      directory = { path: place.directory, files: new Map(), listings: new Map(), listing: undefined }
      directories.set(place.directory, directory)
    }
    add(directory, place.name, { key, size, lastModified }, log)
  }
  if (empty && origin === undefined) throw await nothingFound(source)
  if (origin === undefined) await addVersions(directories, source)
  return { directories, parents: parentsOf(directories), unlisted: [], refused }
}

/**
 * Takes the newest content of files that are no SSTable's, where it came after the first and has a key of its own. Which
 * content an SSTable's listing means is not asked here: the plain key, as the original's.
 */
async function addVersions(
  directories: Map<string, CatalogDirectory>,
  { client, prefix, name, separator, signal }: CatalogSource,
): Promise<void> {
  const root = new KeyLayout(prefix, name, separator).versions
  for await (const { key, size, lastModified } of listObjects(client, { prefix: root, signal })) {
    const [, path] = /^(.+)~[0-9a-f]{16}$/s.exec(key.slice(root.length)) ?? []
    const place = path === undefined ? '' : parseKeyPath(path)
    if (typeof place === 'string' || parseComponent(place.name) !== undefined) continue
    const files = directories.get(place.directory)?.files
    const first = files?.get(place.name)
    if (first !== undefined && lastModified >= first.lastModified)
      files?.set(place.name, { key, size, lastModified })
  }
}

/** What the keys of all of a node's files begin with. */
export function rootOf({
  prefix,
  name,
  separator,
}: Pick<CatalogSource, 'prefix' | 'name' | 'separator'>): string {
  return `${prefix}${name}${separator}`
}

function parentsOf(directories: ReadonlyMap<string, CatalogDirectory>): ReadonlySet<string> {
  const parents = new Set<string>()
  for (let path of directories.keys()) {
    for (; !parents.has(path); path = dirname(path)) parents.add(path)
  }
  return parents
}

/** Our own objects are no data of the node's, whatever its name is. */
function isOwn(key: string, prefix: string): boolean {
  return key.startsWith(`${prefix}.tablesnap/`)
}

function add(directory: CatalogDirectory, name: string, entry: Entry, log: Logger): void {
  if (name.endsWith(LISTING)) {
    directory.listings.set(name.slice(0, -LISTING.length), entry)
    if (directory.listing === undefined || entry.lastModified >= directory.listing.lastModified)
      directory.listing = entry
    return
  }
  const other = directory.files.get(name)
  if (other === undefined) {
    directory.files.set(name, entry)
    return
  }
  const newer = entry.lastModified >= other.lastModified ? entry : other
  directory.files.set(name, newer)
  log.warn(`${entry.key} and ${other.key} are one file; the newer one counts: ${newer.key}`, {
    key: newer.key,
  })
}

/** The error of a node that has nothing in the bucket; it names those that have. */
export async function nothingFound({
  client,
  prefix,
  name,
  separator,
  signal,
}: CatalogSource): Promise<TablesnapError> {
  const names: string[] = []
  for await (const page of listPages(client, { prefix, delimiter: separator, signal })) {
    for (const found of page.prefixes) {
      if (!isOwn(found, prefix)) names.push(found.slice(prefix.length, -separator.length))
    }
    if (names.length > NAMES_SHOWN) break
  }
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  const hint =
    names.length === 0
      ? 'and under no other name either: check the bucket, --prefix and --keyname-separator'
      : `the bucket has ${shown}${names.length > NAMES_SHOWN ? ', …' : ''}: choose one with -n`
  return new TablesnapError({
    code: 'NOTHING_FOUND',
    message: `there is nothing of ${name} in bucket ${client.settings.bucket} (keys ${prefix}${name}${separator}…); ${hint}`,
    operation: 'restore',
  })
}
