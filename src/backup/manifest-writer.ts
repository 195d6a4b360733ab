import { pauseAfter } from '../back-off.js'
import { TablesnapError, errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'
import type { Table } from '../tables/table.js'
import { counted } from '../report/format.js'

import type { Published, Publisher } from './manifest-publisher.js'
import type { Clockwork } from './ports.js'

/** How manifests are written. */
export interface WriterSettings {
  /** Whether the run ends: a failed manifest is tried again so often only. */
  readonly isOneShot: boolean
  /** Further attempts of a one-shot run. */
  readonly retries: number
  /** Nothing is written. */
  readonly isDryRun: boolean
}

/** Who is told of manifests. */
export interface ManifestObserver {
  /** A restore point is in the bucket. */
  published(table: Table, published: Published): void
  /** A manifest could not be written, or its listings could not. @param error undefined: of the listings */
  failed(table: Table, error: unknown): void
  /** Another writer took the name over: nothing is written any more. */
  fenced(error: unknown): void
}

/** Least time between two manifests of a table, ms; it grows to so many times the CPU time of one, up to a cap. */
const INTERVAL = 5_000
const SHARE = 100
const INTERVAL_CAP = 30_000

/** Least time between two manifests at the end of a run, ms: LastModified, which orders listings, has whole seconds. */
const GAP = 1_100

/** Debounce: changes within this time share one manifest, ms. */
const DEBOUNCE = 50

/** Pauses before a manifest, or an upstream listing, that could not be written is tried again, ms. */
const RETRY = { base: 2_000, cap: 30_000 }
const LISTING_RETRY = { base: 2_000, cap: 300_000 }

/** Manifests written at once. */
const WIDTH = 16

/** When the next manifest of a table may be written, and how the last one went. */
interface Pace {
  /** A restore point may be there to write. */
  isDue: boolean
  isWriting: boolean
  /** Failed attempts in a row, of its manifests, and of its listings. */
  failures: number
  listingFailures: number
  /** When its last manifest was written, and the least time after it, ms of the monotonic clock. */
  last: number
  interval: number
  /** No attempt before that time. */
  notBefore: number
  cancel: (() => void) | undefined
  cancelListing: (() => void) | undefined
}

/**
 * Decides when manifests are written: soon after a table has something new to say, but at a bounded cost, and again after a
 * failure. One manifest of a table is written at a time.
 */
export class ManifestWriter {
  /** Tables whose newest restore point could not be written, and why. */
  readonly failed = new Map<string, string>()
  readonly #publisher: Publisher
  readonly #clockwork: Clockwork
  readonly #observer: ManifestObserver
  readonly #log: Logger
  readonly #settings: WriterSettings
  readonly #paces = new Map<Table, Pace>()
  readonly #queue: Table[] = []
  #running = 0
  #idle: (() => void)[] = []
  #isFlushing = false
  #isStopped = false

  constructor(
    publisher: Publisher,
    clockwork: Clockwork,
    observer: ManifestObserver,
    log: Logger,
    settings: WriterSettings,
  ) {
    this.#publisher = publisher
    this.#clockwork = clockwork
    this.#observer = observer
    this.#log = log
    this.#settings = settings
  }

  /** Whether a manifest is being written, or is to be. */
  get isBusy(): boolean {
    if (this.#running > 0 || this.#queue.length > 0) return true
    for (const { cancel } of this.#paces.values()) if (cancel !== undefined) return true
    return false
  }

  /** A table may have a restore point to write. */
  changed(table: Table): void {
    if (this.#isStopped || this.#settings.isDryRun) return
    const pace = this.#pace(table)
    pace.isDue = true
    if (!pace.isWriting && pace.cancel === undefined) this.#schedule(table, pace)
  }

  /** The newest manifest of a table, as it was found in the bucket, lacks its listings. */
  unlisted(table: Table): void {
    if (this.#isStopped || this.#settings.isDryRun) return
    this.#retryListing(table, this.#pace(table))
  }

  /** An outage is over: what waits for another attempt is tried now. */
  retry(): void {
    if (this.#isStopped) return
    for (const [table, pace] of this.#paces) {
      if (pace.failures > 0 && pace.cancel !== undefined) {
        pace.notBefore = 0
        this.#schedule(table, pace)
      }
      if (pace.cancelListing !== undefined) this.#retryListing(table, pace, DEBOUNCE)
    }
  }

  /** Writes what is due without its usual pause, and waits for all of it. */
  async flush(): Promise<void> {
    this.#isFlushing = true
    for (const [table, pace] of this.#paces) {
      if (pace.cancel === undefined) continue
      pace.notBefore = 0
      this.#schedule(table, pace)
    }
    while (this.isBusy) await new Promise<void>(resolve => this.#idle.push(resolve))
    this.#isFlushing = false
  }

  /** Begins no further manifest. */
  stop(): void {
    this.#isStopped = true
    for (const pace of this.#paces.values()) {
      pace.cancel?.()
      pace.cancel = undefined
      pace.cancelListing?.()
    }
    this.#queue.length = 0
    this.#checkIdle()
  }

  /** A table is no more. */
  forget(table: Table): void {
    const pace = this.#paces.get(table)
    if (pace?.isWriting === true) return
    pace?.cancel?.()
    pace?.cancelListing?.()
    this.#paces.delete(table)
    this.failed.delete(table.name)
  }

  #pace(table: Table): Pace {
    let pace = this.#paces.get(table)
    if (pace === undefined) {
      pace = {
        isDue: false,
        isWriting: false,
        failures: 0,
        listingFailures: 0,
        last: -Infinity,
        interval: INTERVAL,
        notBefore: 0,
        cancel: undefined,
        cancelListing: undefined,
      }
      this.#paces.set(table, pace)
    }
    return pace
  }

  #schedule(table: Table, pace: Pace): void {
    pace.cancel?.()
    const { last, interval, notBefore } = pace
    // At the end of a run whoever has nothing to say need not wait for that.
    const next = this.#isFlushing ? notBefore : Math.max(last + interval, notBefore)
    const wait = Math.max(this.#isFlushing ? 0 : DEBOUNCE, Math.ceil(next - this.#clockwork.now()))
    pace.cancel = this.#clockwork.after(wait, () => {
      pace.cancel = undefined
      pace.isWriting = true
      this.#queue.push(table)
      this.#pump()
    })
  }

  #pump(): void {
    while (this.#running < WIDTH) {
      const table = this.#queue.shift()
      if (table === undefined) return
      this.#running++
      void this.#run(table).finally(() => {
        this.#running--
        this.#pump()
        this.#checkIdle()
      })
    }
  }

  async #run(table: Table): Promise<void> {
    const pace = this.#pace(table)
    await this.#attempt(table, pace)
    pace.isWriting = false
    if (pace.isDue && !this.#isStopped) this.#schedule(table, pace)
    // Most of many tables never have anything to say.
    else if (pace.last === -Infinity && pace.failures === 0 && pace.cancelListing === undefined)
      this.#paces.delete(table)
  }

  async #attempt(table: Table, pace: Pace): Promise<void> {
    pace.isDue = false
    try {
      const published = await this.#publisher.publish(table, pace.last + GAP)
      pace.failures = 0
      this.failed.delete(table.name)
      if (published !== undefined) this.#published(table, pace, published)
    } catch (error) {
      this.#failed(table, pace, error)
    }
  }

  #published(table: Table, pace: Pace, published: Published): void {
    const { state, isListed, busy } = published
    pace.last = this.#clockwork.now()
    pace.interval = Math.min(INTERVAL_CAP, Math.max(INTERVAL, SHARE * busy))
    this.#log.debug(
      `Wrote a restore point of ${table.name}: ${counted(state.sets.size, 'SSTable')}, ${state.unprotected.length} not backed up`,
      { event: 'restore-point', table: table.name, moment: state.time, sstables: state.sets.size },
    )
    pace.cancelListing?.()
    pace.cancelListing = undefined
    pace.listingFailures = 0
    if (!isListed) {
      this.#observer.failed(table, undefined)
      this.#retryListing(table, pace)
    }
    this.#observer.published(table, published)
  }

  #failed(table: Table, pace: Pace, error: unknown): void {
    if (error instanceof TablesnapError && error.code === 'FENCED') {
      this.stop()
      this.#observer.fenced(error)
    }
    pace.failures++
    pace.notBefore = this.#clockwork.now() + pauseAfter(pace.failures, RETRY)
    const message = `Error writing the restore point of ${table.name}: ${errorMessage(error)}`
    const isKnown = this.failed.get(table.name) === message
    this.failed.set(table.name, message)
    if (!this.#isStopped) this.#log[isKnown ? 'debug' : 'error'](message, { table: table.name })
    this.#observer.failed(table, error)
    if (this.#isTriedAgain(pace, error)) pace.isDue = true
  }

  /** A run that ends tries again only what may succeed, and only so often; one that is being stopped does not. */
  #isTriedAgain({ failures }: Pace, error: unknown): boolean {
    const { isOneShot, retries } = this.#settings
    if (!isOneShot) return !this.#isFlushing
    return failures <= retries && error instanceof TablesnapError && error.retry
  }

  /** The listings are tried again alone: a manifest that only says so again is of no use. */
  #retryListing(table: Table, pace: Pace, pause?: number): void {
    pace.cancelListing?.()
    pace.cancelListing = undefined
    if (this.#isStopped || this.#settings.isOneShot) return
    const growing = pauseAfter(pace.listingFailures + 1, LISTING_RETRY)
    pace.cancelListing = this.#clockwork.after(pause ?? growing, () => {
      pace.cancelListing = undefined
      void this.#list(table, pace)
    })
  }

  async #list(table: Table, pace: Pace): Promise<void> {
    // The next manifest brings its listings with it.
    if (this.#isStopped || pace.isWriting) return
    const isListed = await this.#publisher.list(table).catch(() => false)
    if (isListed || pace.cancelListing !== undefined) pace.listingFailures = 0
    else {
      pace.listingFailures++
      this.#retryListing(table, pace)
    }
  }

  #checkIdle(): void {
    if (!this.isBusy) for (const resolve of this.#idle.splice(0)) resolve()
  }
}
