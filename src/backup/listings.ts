import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import type { Config } from '../config/config.js'
import { errorMessage } from '../errors.js'
import type { KnownObjects } from '../plan/known.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import { parseComponent } from '../sstable/names.js'
import type { KeyLayout } from '../state/keys.js'
import { listingOf, readNewestListing, writeListing } from '../state/listing.js'

import { deleteUnits } from './delete.js'
import type { Directory } from './directory.js'
import { identify } from './found.js'
import { Schedule } from './schedule.js'
import type { Unit } from './unit.js'

/** What the listings are made with. */
export interface ListingsDeps {
  readonly config: Config
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly log: Logger
  readonly onProblem: (path: string, message: string) => void
}

/** Least time between two listings of a directory, ms: LastModified, which orders them, has whole seconds. */
const GAP = 1_100

/** First pause before a listing that could not be written is tried again, and the longest, ms. */
const RETRY_BASE = 2_000
const RETRY_CAP = 300_000

/** One directory's listing: what is to be written, and what was. */
interface Pending {
  readonly directory: Directory
  /** Something became durable since the last listing. */
  dirty: boolean
  writing: boolean
  last: number
  /** Failed tries in a row. */
  failures: number
  /** Names that --delete-on-backup removed from the disk: they stay in the listing. */
  kept: Set<string> | undefined
}

/** Writes the original's listing of a directory once all that it names is durable, and unlinks what may then go. */
export class Listings {
  /** What a LIST at the start found; undefined where none was made. */
  known: KnownObjects | undefined
  /** Directories whose newest listing could not be written. */
  readonly failed = new Set<string>()
  readonly #deps: ListingsDeps
  readonly #pending = new Map<string, Pending>()
  readonly #schedule = new Schedule<Pending>()
  readonly #running = new Set<Promise<void>>()
  readonly #warned = new Set<string>()
  #flushing = false

  constructor(deps: ListingsDeps) {
    this.#deps = deps
  }

  /** A unit of the directory became durable: its listing is out of date. */
  changed(directory: Directory): void {
    this.#of(directory).dirty = true
  }

  /** What is durable of the directory is a moment that can be written down. */
  quiet(directory: Directory): void {
    const pending = this.#pending.get(directory.path)
    if (pending?.directory !== directory || directory.lost) return
    if (!pending.dirty || pending.writing || this.#schedule.has(pending)) return
    const wait = pending.last + GAP - performance.now()
    if (wait > 0) this.#later(pending, wait)
    else this.#run(pending)
  }

  /** Writes what is due, at once, and waits for all of it. */
  async flush(): Promise<void> {
    this.#flushing = true
    while (this.#running.size > 0 || this.#schedule.size > 0) {
      for (const pending of this.#schedule.keys) {
        await new Promise(resolve => setTimeout(resolve, pending.last + GAP - performance.now()))
        this.#schedule.cancel(pending)
        this.#due(pending)
      }
      await Promise.all(this.#running)
    }
  }

  #later(pending: Pending, delay: number): void {
    this.#schedule.set(pending, delay, () => this.#due(pending))
  }

  #due(pending: Pending): void {
    if (pending.dirty && !pending.writing && this.#isMoment(pending.directory)) this.#run(pending)
  }

  #isMoment(directory: Directory): boolean {
    return !directory.lost && directory.isMoment(this.#deps.config.settle)
  }

  #of(directory: Directory): Pending {
    let pending = this.#pending.get(directory.path)
    if (pending?.directory !== directory) {
      pending = { directory, dirty: false, writing: false, last: -Infinity, failures: 0, kept: undefined }
      this.#pending.set(directory.path, pending)
    }
    return pending
  }

  #run(pending: Pending): void {
    const { path } = pending.directory
    pending.writing = true
    pending.dirty = false
    const run = this.#write(pending)
      .then(
        written => {
          pending.failures = 0
          if (written) this.failed.delete(path)
          else pending.dirty = true
          return written
        },
        (error: unknown) => {
          pending.dirty = true
          if (pending.directory.lost) return false
          this.#failed(pending, error)
          return false
        },
      )
      .then(written => {
        pending.writing = false
        this.#running.delete(run)
        if (written) this.#again(pending)
      })
    this.#running.add(run)
  }

  #again(pending: Pending): void {
    if (pending.dirty && this.#isMoment(pending.directory)) this.quiet(pending.directory)
  }

  #failed(pending: Pending, error: unknown): void {
    const { path } = pending.directory
    this.failed.add(path)
    pending.failures++
    this.#deps.log.error(`Error writing the listing of ${path}: ${errorMessage(error)}`, { path })
    if (this.#flushing || this.#deps.config.mode === 'backup') return
    this.#later(pending, Math.min(RETRY_CAP, RETRY_BASE * 2 ** (pending.failures - 1)))
  }

  /** @returns false when the disk is ahead of what is known: nothing was written */
  async #write(pending: Pending): Promise<boolean> {
    const { config, log, onProblem } = this.#deps
    const { directory } = pending
    if (config.deleteOnBackup) {
      pending.kept ??= new Set(await readNewestListing(this.#deps.client, this.#deps.keys, directory.path))
      // Events came in while it was read.
      if (!this.#isMoment(directory)) return false
    }
    const units = liveUnits(directory)
    const live = this.#live(directory, units)
    if (live === undefined) {
      directory.stale = true
      return false
    }
    if (!this.#canSay(directory, units)) return true
    if (config.index) await this.#list(pending, live, units)
    if (!config.deleteOnBackup) return true
    for (const name of deleteUnits(directory, units, log, onProblem)) pending.kept?.add(name)
    return true
  }

  async #list(pending: Pending, live: readonly string[], units: readonly Unit[]): Promise<void> {
    const { config, client, keys, log } = this.#deps
    const { path } = pending.directory
    const names = [...new Set([...live, ...(pending.kept ?? [])])]
    const dataName =
      newestData(path, live) ??
      names
        .filter(name => name.endsWith('-Data.db'))
        .sort()
        .at(-1)
    if (dataName === undefined) return
    if (units.some(({ state }) => state === 'old')) {
      this.#warn(
        '',
        'Listings name files that were there before and are not uploaded now: if they never were, run tablesnap -B once',
      )
    }
    const listing = listingOf(keys, path, dataName, names)
    const first = pending.last === -Infinity
    if (first && this.known?.isNewestListing(listing.key, listing.md5.toString('hex')) === true) return
    pending.last = performance.now()
    await writeListing(client, listing, config.object)
    pending.last = performance.now()
    log.debug(`Wrote the listing of ${path}: ${names.length} files`)
  }

  /** The files of these units, if all of them are on the disk now; another program may be deleting them already. */
  #live(directory: Directory, units: readonly Unit[]): string[] | undefined {
    const there = new Set(readdirSync(directory.path))
    const named = units.flatMap(unit => [...unit.names])
    return named.every(name => there.has(name)) ? named : undefined
  }

  /** A listing can only name the plain keys. */
  #canSay(directory: Directory, units: readonly Unit[]): boolean {
    for (const unit of units) {
      for (const name of unit.versions) {
        if (!/^(Data|Index|Partitions|Rows)\.db$/.test(parseComponent(name)?.component ?? '')) continue
        const text = `${directory.path}: no listing is written while ${name} has another content under the same key`
        this.#warn(directory.path, text)
        return false
      }
    }
    this.#warned.delete(directory.path)
    return true
  }

  #warn(about: string, text: string): void {
    if (!this.#warned.has(about)) this.#deps.log.warn(text)
    this.#warned.add(about)
  }
}

/** The units that make up the directory's state: durable, or none of our business, and not about to be removed. */
function liveUnits(directory: Directory): Unit[] {
  return [...directory.units.values()].filter(
    ({ name, state }) => (state === 'done' || state === 'old') && !directory.isObsolete(name),
  )
}

/** The Data.db written last; with equal times the last by name. */
function newestData(directory: string, names: readonly string[]): string | undefined {
  let newest: { name: string; mtime: bigint } | undefined
  for (const name of names.filter(name => name.endsWith('-Data.db')).sort()) {
    const mtime = identify(join(directory, name))?.mtime ?? 0n
    if (newest === undefined || mtime >= newest.mtime) newest = { name, mtime }
  }
  return newest?.name
}
