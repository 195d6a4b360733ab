import { dirname, join } from 'node:path'

import { LISTING_SUFFIX, OWN_FOLDER } from '../../bucket-names.js'
import { parseComponent } from '../../cassandra/names.js'
import { parseKeyPath, type KeyPath, type Refusal } from '../../manifest/key-path.js'
import { KeyLayout, pathOfVersion } from '../../manifest/keys.js'
import type { Logger } from '../../report/logger.js'
import type { S3Client } from '../../s3/client.js'
import { listObjects } from '../../s3/list.js'

/** An object that may be restored. */
export interface Entry {
  readonly key: string
  readonly size: number
  /** ms since 1970. */
  readonly lastModified: number
  /** Undefined for STANDARD. */
  readonly storageClass?: string | undefined
}

/** An object with the name of its file. */
export interface NamedEntry extends Entry {
  readonly name: string
}

/** The objects of one directory in the bucket. */
export interface CatalogDirectory {
  /** Absolute, as on the node the objects came from. */
  readonly path: string
  /** By name, in key order. */
  readonly files: ReadonlyMap<string, Entry>
  /** Objects beside those: other contents of a file, and other spellings of its path; by key. */
  readonly others: ReadonlyMap<string, NamedEntry>
  /** Its listings, by the name of the file that each is named after. */
  readonly listings: ReadonlyMap<string, Entry>
  /** The newest listing that is not later than asked for. */
  readonly listing: Entry | undefined
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
  /** The object of a key; undefined where there is none in what was listed. */
  readonly find: (key: string) => Entry | undefined
}

/** The place of a node's objects. */
export interface CatalogSource {
  readonly client: S3Client
  /** Before the name. */
  readonly prefix: string
  readonly name: string
  readonly separator: string
  /** The directory that is listed, with all below; undefined: everything. */
  readonly origin?: string | undefined
  /** Whether other contents of files under one name are asked for. */
  readonly versions: boolean
  /** The latest time of a listing that counts, ms since 1970; undefined: any. */
  readonly until: number | undefined
  readonly log: Logger
  readonly signal?: AbortSignal | undefined
}

/**
 * Lists a node's objects, ordered by directory.
 * @throws S3Error
 */
export async function readCatalog(source: CatalogSource): Promise<Catalog> {
  const { client, signal, origin } = source
  const root = rootOf(source)
  const below = origin === undefined ? '' : join(origin, '/')
  const directories = new Map<string, Gathered>()
  const refused: Refusal[] = []
  for await (const object of listObjects(client, { prefix: `${root}${below}`, signal })) {
    if (isOwn(object.key, source.prefix)) continue
    const { key, size, lastModified, storageClass } = object
    // Consoles keep an empty object where they show a folder.
    if (key.endsWith('/') && size === 0) continue
    const place = parseKeyPath(key.slice(root.length))
    if (typeof place === 'string') refused.push({ key, reason: place })
    else
      add(
        gathered(directories, place.directory),
        place.name,
        { key, size, lastModified, storageClass },
        source,
      )
  }
  const versions = versionsOf(source)
  if (source.versions) {
    for await (const object of listObjects(client, { prefix: `${versions}${below.slice(1)}`, signal })) {
      const { key, size, lastModified, storageClass } = object
      const place = versionPath(key.slice(versions.length))
      if (place === undefined) continue
      gathered(directories, place.directory).others.set(key, {
        key,
        size,
        lastModified,
        storageClass,
        name: place.name,
      })
    }
  }
  const find = (key: string): Entry | undefined => {
    const version = key.startsWith(versions) ? versionPath(key.slice(versions.length)) : undefined
    const place = version ?? (key.startsWith(root) ? parseKeyPath(key.slice(root.length)) : '')
    if (typeof place === 'string') return undefined
    const directory = directories.get(place.directory)
    const file = directory?.files.get(place.name)
    return file?.key === key ? file : directory?.others.get(key)
  }
  return { directories, parents: parentsOf(directories), unlisted: [], refused, find }
}

/** A directory while it is listed. */
interface Gathered extends CatalogDirectory {
  readonly files: Map<string, Entry>
  readonly others: Map<string, NamedEntry>
  readonly listings: Map<string, Entry>
  listing: Entry | undefined
}

function gathered(directories: Map<string, Gathered>, path: string): Gathered {
  let directory = directories.get(path)
  if (directory === undefined) {
    directory = { ...emptyDirectory(path), files: new Map(), others: new Map(), listings: new Map() }
    directories.set(path, directory)
  }
  return directory
}

/** A directory of which the bucket has nothing. */
export function emptyDirectory(path: string): CatalogDirectory {
  return { path, files: new Map(), others: new Map(), listings: new Map(), listing: undefined }
}

/**
 * A directory with the newest content of those files that are no SSTable's, where it came after the first and has a key of
 * its own. Which content an SSTable's listing means is not asked here: the plain key, as the original's.
 */
export function withNewest(directory: CatalogDirectory, source: CatalogSource): CatalogDirectory {
  const files = new Map(directory.files)
  for (const [key, { name, ...entry }] of directory.others) {
    if (!key.startsWith(versionsOf(source)) || parseComponent(name) !== undefined) continue
    const first = files.get(name)
    if (first !== undefined && entry.lastModified >= first.lastModified) files.set(name, entry)
  }
  return { ...directory, files }
}

function versionsOf({ prefix, name, separator }: CatalogSource): string {
  return new KeyLayout(prefix, name, separator).versions
}

/** The path in a key of other content, less what all of them begin with. */
function versionPath(rest: string): KeyPath | undefined {
  const path = pathOfVersion(rest)
  const place = path === undefined ? '' : parseKeyPath(path)
  return typeof place === 'string' ? undefined : place
}

/** The prefix of the keys of all of a node's files. */
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
  return key.startsWith(`${prefix}${OWN_FOLDER}`)
}

function add(directory: Gathered, name: string, entry: Entry, { until, log }: CatalogSource): void {
  if (name.endsWith(LISTING_SUFFIX)) {
    directory.listings.set(name.slice(0, -LISTING_SUFFIX.length), entry)
    const counts = until === undefined || entry.lastModified <= until
    if (counts && (directory.listing === undefined || entry.lastModified >= directory.listing.lastModified))
      directory.listing = entry
    return
  }
  const other = directory.files.get(name)
  if (other === undefined) {
    directory.files.set(name, entry)
    return
  }
  const [newer, older] = entry.lastModified >= other.lastModified ? [entry, other] : [other, entry]
  directory.files.set(name, newer)
  directory.others.set(older.key, { ...older, name })
  log.warn(`${entry.key} and ${other.key} have the same path; the newer one counts: ${newer.key}`, {
    key: newer.key,
  })
}
