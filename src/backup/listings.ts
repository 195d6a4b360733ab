import { basename, dirname } from 'node:path'

import type { Config } from '../config/config.js'
import { errorMessage } from '../errors.js'
import type { KeyLayout } from '../manifest/keys.js'
import type { Entry, State } from '../manifest/state.js'
import { listingOf, writeListing } from '../manifest/upstream-listing.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import type { Table } from '../tables/table.js'
import { counted } from '../report/format.js'

import type { UpstreamListings } from './ports.js'

/** The resources for writing upstream listings. */
export interface ListingsDeps {
  readonly config: Config
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly log: Logger
}

/** The contents of one directory's upstream listing. */
interface Contents {
  readonly names: string[]
  /** The Data.db written last; of two from one time the later by name. */
  newest: { readonly name: string; readonly mtime: bigint } | undefined
  /** A component that a listing cannot name: its key holds other content. */
  elsewhere: { readonly name: string; readonly key: string } | undefined
}

/** Components without which the rest of a set is nothing. */
const VITAL = /^(Data|Index|Partitions|Rows)\.db$/

/** Writes the original's listings of a table's directories, before each restore point of it. */
export class Listings implements UpstreamListings {
  /** Directories whose newest listing could not be written. */
  readonly failed = new Map<string, string>()
  readonly #deps: ListingsDeps
  /** MD5 of each directory's newest listing. */
  readonly #written = new Map<string, Buffer>()
  readonly #warned = new Set<string>()

  constructor(deps: ListingsDeps) {
    this.#deps = deps
  }

  /**
   * Writes the listings that a restore point changes. A failure is logged and kept.
   * @returns whether all of them are written
   */
  async write(table: Table, state: State): Promise<boolean> {
    // Whoever reads a listing takes it for the whole directory.
    const isPartial = state.unprotected.some(path => !mayLack(table, path))
    if (!this.#deps.config.index || isPartial) return true
    const directories = contentsOf(table, state)
    this.#warnOld(table)
    let isListed = true
    for (const [path, contents] of directories) {
      try {
        await this.#directory(path, contents)
        this.failed.delete(path)
      } catch (error) {
        isListed = false
        const message = `Error writing the listing of ${path}: ${errorMessage(error)}`
        const isKnown = this.failed.get(path) === message
        this.failed.set(path, message)
        this.#deps.log[isKnown ? 'debug' : 'error'](message, { path })
      }
    }
    return isListed
  }

  async #directory(path: string, { names, newest, elsewhere }: Contents): Promise<void> {
    const { client, keys, config, log } = this.#deps
    if (elsewhere !== undefined && !elsewhere.key.startsWith(keys.versions)) return
    if (elsewhere !== undefined) {
      this.#warn(
        path,
        `${path}: tablesnap writes no upstream listing while the bucket has other content under the key of ${elsewhere.name}`,
      )
      return
    }
    this.#warned.delete(path)
    if (newest === undefined) return
    const listing = listingOf(keys, path, newest.name, names)
    if (this.#written.get(path)?.equals(listing.md5) === true) return
    await writeListing(client, listing, config.object)
    this.#written.set(path, listing.md5)
    log.debug(`Wrote the upstream listing of ${path}: ${counted(names.length, 'file')}`, { path })
  }

  #warnOld(table: Table): void {
    for (const { status } of table.files()) {
      if (status !== 'old') continue
      const advice = 'if they never were, run tablesnap -B once'
      this.#warn(
        '',
        `Upstream listings name files that existed before the start and are not uploaded: ${advice}`,
      )
      return
    }
  }

  #warn(about: string, text: string): void {
    if (!this.#warned.has(about)) this.#deps.log.warn(text)
    this.#warned.add(about)
  }
}

/** Whether there may be a listing although a path is unprotected: it was there before; or Cassandra may never have read it. */
function mayLack(table: Table, path: string): boolean {
  const files = table.get(dirname(path), basename(path))
  if (files?.status === 'old') return true
  return files?.status === 'waiting' && !files.isCommitted
}

/** What a state names, by directory; with it, what was there before and is not uploaded, as the original lists it. */
function contentsOf(table: Table, state: State): Map<string, Contents> {
  const directories = new Map<string, Contents>()
  const add = (directory: string, name: string, entry: Entry | undefined, component: string): void => {
    let contents = directories.get(directory)
    if (contents === undefined) {
      contents = { names: [], newest: undefined, elsewhere: undefined }
      directories.set(directory, contents)
    }
    contents.names.push(name)
    const key = VITAL.test(component) ? entry?.key : undefined
    if (key !== undefined && (component === 'Data.db' || contents.elsewhere === undefined))
      contents.elsewhere = { name, key }
    if (component !== 'Data.db' || entry === undefined) return
    const { newest } = contents
    const later = newest === undefined || entry.mtime > newest.mtime
    if (later || (entry.mtime === newest.mtime && name > newest.name))
      contents.newest = { name, mtime: entry.mtime }
  }
  for (const [path, { components }] of state.sets) {
    const [directory, set] = [dirname(path), basename(path)]
    for (const [component, entry] of components) add(directory, `${set}-${component}`, entry, component)
  }
  for (const [path, entry] of state.files) add(dirname(path), basename(path), entry, '')
  for (const files of table.files()) {
    if (files.status !== 'old') continue
    for (const name of files.names) add(files.directory, name, undefined, '')
  }
  return directories
}
