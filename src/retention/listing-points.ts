import { join } from 'node:path'

import { isOptional, isTemporary, parseComponent } from '../cassandra/names.js'
import { TablesnapError } from '../errors.js'
import { KeySet } from '../manifest/key-set.js'
import { namesInListing } from '../manifest/listing-reader.js'
import type { ListedObject } from '../s3/list.js'

import type { DeletionRule, TablePoints } from './deletion-rule.js'
import type { IsNews } from './going.js'
import type { RetentionBucket } from './ports.js'

/** A directory of which the Python program's listings tell what it held. */
interface ListedDirectory {
  readonly listings: ListedObject[]
  /** Names of its files in the bucket. */
  readonly names: KeySet
  /** Of its table, where manifests tell of it since; undefined: none do. */
  readonly manifests: TablePoints | undefined
}

/** The restore points of a directory that listings tell of. */
interface DirectoryPoints extends TablePoints {
  readonly kept: ReadonlySet<string>
}

/**
 * The listings of the Python programs: each is a restore point of its directory. One is complete where the bucket has all that
 * Cassandra needs of every SSTable that it names.
 */
export class ListingPoints {
  /** Paths of files that listings name which stay. */
  readonly named = new KeySet()
  /** Paths that others name which came after the plan that is to be carried out. */
  readonly recent = new KeySet()
  readonly #bucket: RetentionBucket
  readonly #rule: DeletionRule
  readonly #isNews: IsNews
  readonly #directories = new Map<string, ListedDirectory>()
  readonly #points = new Map<string, DirectoryPoints>()

  /** @param isNews whether an object came after the plan that is to be carried out */
  constructor(bucket: RetentionBucket, rule: DeletionRule, isNews: IsNews) {
    this.#bucket = bucket
    this.#rule = rule
    this.#isNews = isNews
  }

  /** There is a file in a directory. @param manifests of its table, where there are any */
  add(directory: string, name: string, manifests: TablePoints | undefined): void {
    this.#at(directory, manifests).names.add(name)
  }

  /** There is a listing of a directory. */
  addListing(directory: string, listing: ListedObject, manifests: TablePoints | undefined): void {
    this.#at(directory, manifests).listings.push(listing)
  }

  /** Decides which listings stay, and reads those. @throws S3Error; TablesnapError `LISTING_CORRUPT`, `BUCKET_CHANGED` */
  async decide(): Promise<void> {
    for (const [path, directory] of this.#directories) {
      if (directory.listings.length > 0) this.#points.set(path, await this.#decide(path, directory))
      else if (directory.manifests !== undefined)
        this.#points.set(path, { ...directory.manifests, kept: new Set() })
    }
    this.#directories.clear()
  }

  /** A listing that was to go stays: what it names counts as {@link recent}. @throws S3Error */
  async protect(path: string, key: string): Promise<void> {
    const object = await this.#bucket.read(key)
    if (object === undefined) return
    for (const name of namesInListing(object.body, key, path)) this.recent.add(join(path, name))
  }

  /** The restore points of a directory, once that is decided; undefined: it has none, and loses nothing. */
  of(directory: string): DirectoryPoints | undefined {
    return this.#points.get(directory)
  }

  #at(path: string, manifests: TablePoints | undefined): ListedDirectory {
    let directory = this.#directories.get(path)
    if (directory === undefined) {
      directory = { listings: [], names: new KeySet(), manifests }
      this.#directories.set(path, directory)
    }
    return directory
  }

  async #decide(path: string, { listings, names, manifests }: ListedDirectory): Promise<DirectoryPoints> {
    const selection = this.#rule.selection()
    if (manifests !== undefined) selection.follow(manifests)
    // The last key of one second counts, as ever.
    listings.reverse().sort((a, b) => b.lastModified - a.lastModified)
    const kept = new Set<string>()
    let waiting: ListedObject[] = []
    for (const listing of listings) {
      const read = once(() => this.#read(path, listing))
      const why = await selection.reasons(listing.lastModified, async () => isComplete(await read(), names))
      if (why.length === 0) {
        waiting.push(listing)
        if (selection.hasComplete) waiting = []
        if (this.#isNews(listing)) for (const name of await read()) this.recent.add(join(path, name))
        continue
      }
      kept.add(listing.key)
      for (const name of await read()) this.named.add(join(path, name))
    }
    for (const listing of selection.hasComplete ? [] : waiting) {
      kept.add(listing.key)
      for (const name of await this.#read(path, listing)) this.named.add(join(path, name))
    }
    const newest = Math.max(manifests?.newest ?? -Infinity, listings[0]?.lastModified ?? -Infinity)
    return { kept, newest, hasComplete: selection.hasComplete }
  }

  async #read(path: string, { key }: ListedObject): Promise<ReadonlySet<string>> {
    const object = await this.#bucket.read(key)
    if (object !== undefined) return namesInListing(object.body, key, path)
    throw new TablesnapError({
      code: 'BUCKET_CHANGED',
      message: `listing ${key} was deleted by somebody else while tablechop ran: nothing was deleted; run it again`,
      step: { operation: 'retain', key },
    })
  }
}

/** Whether the bucket has all that Cassandra needs of the SSTables that a listing names; it names temporary files and directories, too, which never were there. */
export function isComplete(names: ReadonlySet<string>, there: KeySet): boolean {
  let hasSSTable = false
  for (const name of names) {
    const component = parseComponent(name)?.component
    if (component === undefined || isTemporary(name) || isOptional(component)) continue
    if (!there.has(name)) return false
    hasSSTable = true
  }
  return hasSSTable
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => (result ??= read())
}
