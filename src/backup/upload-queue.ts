import { statfsSync } from 'node:fs'

import { TablesnapError } from '../errors.js'
import type { Ready, UploadResult } from '../tables/ports.js'
import type { TableFiles } from '../tables/table-files.js'
import type { Table } from '../tables/table.js'

import { Lane } from './lane.js'
import type { Pinned, Timers, Uploads } from './ports.js'

/** Bounds of an {@link UploadQueue}. */
export interface QueueSettings {
  /** SSTables uploaded at once: so many urgent ones, and so many others. */
  readonly width: number
  /** Descriptors that SSTables may hold which wait for their upload. */
  readonly descriptors: number
  /** Whether the server cannot be reached: nothing is opened before its turn then. By default it can. */
  readonly isServerAway?: () => boolean
  /** The size of the file system of a directory, and what is free of it; by default as the kernel says. */
  readonly spaceOf?: (directory: string) => Space
}

/** Bytes of a file system. */
export interface Space {
  readonly total: number
  readonly free: number
}

/** Knows of which SSTables others are hardlinks. */
export interface Originals {
  /** The SSTable of the table of which files in its snapshots/ or backups/ are hardlinks, while it is to be uploaded. */
  comingOriginal(files: TableFiles): TableFiles | undefined
}

/** An SSTable on its way. */
interface Job<P> {
  readonly table: Table
  readonly ready: Ready
  readonly abort: AbortController
  /** Undefined while too many descriptors are held: it is opened when its turn comes. */
  pinned: P | undefined
  isRunning: boolean
  /** Cassandra has deleted it: its bytes are free only once it is closed. */
  isUnlinked: boolean
  /** It is not on the disk any more. */
  isGone: boolean
  /** Descriptors that are counted for it. */
  held: number
}

/** Share of a file system that deleted files may hold, and share of it that must be free while they hold any. */
const UNLINKED_SHARE = 0.05
const FREE_SHARE = 0.02

/** How long a hardlink waits for an original that is not in the queue yet, ms, before it looks for it again. */
const ORIGINAL = 1_000

const GONE: UploadResult = { durable: new Map(), names: [], next: 'gone' }
const FAILED: UploadResult = { durable: new Map(), names: [], next: 'failed' }

/**
 * The SSTables on their way into the bucket. Each is held open from the moment it is complete, as far as descriptors go, so
 * that it can be uploaded although Cassandra deletes it. Urgent SSTables (flushes, streams, imports) have a lane of their own
 * and never wait for the output of a large compaction. In each lane those that Cassandra has deleted come last: the newest
 * restore point needs what is on the disk. While the server is away the queue holds names, not files. A hardlink waits for its original, as the bytes need not be sent twice.
 */
export class UploadQueue<P extends Pinned = Pinned> {
  /** Files of SSTables that Cassandra deleted before they could be uploaded. */
  superseded = 0
  readonly #uploads: Uploads<P>
  readonly #originals: Originals
  readonly #timers: Timers
  readonly #settings: QueueSettings
  readonly #urgent = new Lane<Job<P>>()
  readonly #others = new Lane<Job<P>>()
  readonly #jobs = new Map<TableFiles, Job<P>>()
  /** Hardlinks that wait, by their original. */
  readonly #waiting = new Map<TableFiles, Set<Job<P>>>()
  readonly #running = { urgent: 0, others: 0 }
  #pinned = 0
  #idle: (() => void)[] = []
  #stopped: unknown

  constructor(uploads: Uploads<P>, originals: Originals, timers: Timers, settings: QueueSettings) {
    this.#uploads = uploads
    this.#originals = originals
    this.#timers = timers
    this.#settings = settings
  }

  /** SSTables in it. */
  get size(): number {
    return this.#jobs.size
  }

  /** Takes an SSTable in and opens it at once; {@link Table.uploaded} is called later, whatever happens. */
  add(table: Table, ready: Ready): void {
    const job: Job<P> = {
      table,
      ready,
      abort: new AbortController(),
      pinned: undefined,
      isRunning: false,
      isUnlinked: false,
      isGone: false,
      held: 0,
    }
    if (this.#stopped !== undefined) job.abort.abort(this.#stopped)
    else if (this.#mayPin(ready)) this.#pin(job)
    this.#jobs.set(ready.files, job)
    this.#enqueue(job)
  }

  /** Cassandra has deleted an SSTable: while it is held open, its disk space is not free. */
  unlinked(files: TableFiles): void {
    const job = this.#jobs.get(files)
    if (job === undefined) return
    job.isGone = true
    for (const lane of [this.#urgent, this.#others]) lane.putOff(job)
    if (job.pinned === undefined) return
    job.isUnlinked = true
    this.#spare(files.directory)
  }

  /**
   * The server cannot be reached, for who knows how long: closes what waits and is on the disk. What Cassandra has deleted stays open, as far as the
   * file system has room for it.
   */
  serverIsAway(): void {
    for (const job of this.#jobs.values()) if (!job.isRunning && !job.isUnlinked) this.#close(job)
  }

  /** Resolves when it is empty. */
  async whenEmpty(): Promise<void> {
    if (this.#jobs.size > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  /** Begins no further upload and ends those under way. @param reason why */
  abort(reason: TablesnapError): void {
    this.#stopped = reason
    for (const job of this.#jobs.values()) job.abort.abort(reason)
    for (const jobs of [this.#urgent.clear(), this.#others.clear(), ...this.#waiting.values()])
      for (const job of jobs) this.#end(job)
    this.#waiting.clear()
    this.#checkEmpty()
  }

  /** Puts an SSTable into its lane, unless it waits for its original. */
  #enqueue(job: Job<P>): void {
    const { files } = job.ready
    const original = this.#originals.comingOriginal(files)
    if (original === undefined || original === files || job.isUnlinked) {
      const lane = files.isUrgent ? this.#urgent : this.#others
      lane.add(job, job.isGone)
      // Never before the table that gave the order has its turn behind it.
      this.#timers.after(0, () => this.#pump())
      return
    }
    const waiting = this.#waiting.get(original)
    if (waiting !== undefined) waiting.add(job)
    else this.#waiting.set(original, new Set([job]))
    if (!this.#jobs.has(original)) this.#timers.after(ORIGINAL, () => this.#askAgain(original))
  }

  /** The upload of an original has ended, or has not begun: its hardlinks need not wait for it, or wait on. */
  #askAgain(original: TableFiles): void {
    if (this.#jobs.has(original)) return
    const waiting = this.#waiting.get(original) ?? []
    this.#waiting.delete(original)
    for (const job of waiting) this.#enqueue(job)
  }

  /** Lets go of SSTables that hold more disk space than they may: first what no restore point needs, then the largest. */
  #spare(directory: string): void {
    const held = [...this.#jobs.values()].filter(job => job.isUnlinked && job.pinned !== undefined)
    const size = (job: Job<P>) => job.pinned?.bytes ?? 0
    let bytes = held.reduce((sum, job) => sum + size(job), 0)
    const { total, free } = (this.#settings.spaceOf ?? spaceOf)(directory)
    const isOver = () => bytes > 0 && (bytes > total * UNLINKED_SHARE || free < total * FREE_SHARE)
    if (!isOver()) return
    const wanted = ({ table, ready }: Job<P>) => Number(table.isWanted(ready.files))
    held.sort((a, b) => wanted(a) - wanted(b) || size(b) - size(a))
    for (const job of held) {
      if (!isOver()) return
      bytes -= size(job)
      this.#release(job)
    }
  }

  #release(job: Job<P>): void {
    job.isUnlinked = false
    job.abort.abort(released(job.ready.files))
    for (const lane of [this.#urgent, this.#others, ...this.#waiting.values()]) {
      if (!lane.delete(job)) continue
      this.#close(job)
      this.#timers.after(0, () => this.#done(job, GONE))
    }
  }

  #mayPin({ names }: Ready): boolean {
    if (this.#settings.isServerAway?.() === true) return false
    return this.#pinned + names.length <= this.#settings.descriptors
  }

  /** Opens the files of an SSTable: from here on Cassandra may delete them. */
  #pin(job: Job<P>): TablesnapError | undefined {
    try {
      job.pinned = this.#uploads.pin(job.ready)
      job.held = job.pinned.descriptors
      this.#pinned += job.held
      return undefined
    } catch (error) {
      if (!(error instanceof TablesnapError)) throw error
      return error
    }
  }

  #pump(): void {
    const { width } = this.#settings
    while (this.#running.urgent < width && this.#start(this.#urgent, 'urgent'));
    while (this.#running.others < width && this.#start(this.#others, 'others'));
  }

  #start(lane: Lane<Job<P>>, kind: 'urgent' | 'others'): boolean {
    const job = lane.take()
    if (job === undefined) return false
    this.#running[kind]++
    job.isRunning = true
    void this.#upload(job).then(result => {
      this.#running[kind]--
      this.#close(job)
      this.#done(job, result)
      this.#pump()
    })
    return true
  }

  async #upload(job: Job<P>): Promise<UploadResult> {
    const error = job.pinned === undefined ? this.#pin(job) : undefined
    if (job.pinned === undefined) {
      if (error !== undefined) this.#uploads.unopened?.(job.ready, error)
      return FAILED
    }
    if (job.pinned.isGone || job.abort.signal.aborted) return GONE
    return await this.#uploads.upload(job.pinned, job.ready, job.abort.signal)
  }

  #done(job: Job<P>, result: UploadResult): void {
    const { table, ready } = job
    this.#end(job)
    if (result.next === 'gone') this.superseded += ready.names.length
    table.uploaded(ready.files, result)
    this.#uploads.ended?.(ready, job.isGone)
    this.#askAgain(ready.files)
    this.#checkEmpty()
  }

  #checkEmpty(): void {
    if (this.#jobs.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #end(job: Job<P>): void {
    this.#close(job)
    if (this.#jobs.get(job.ready.files) === job) this.#jobs.delete(job.ready.files)
  }

  #close(job: Job<P>): void {
    job.pinned?.close()
    job.pinned = undefined
    this.#pinned -= job.held
    job.held = 0
  }
}

/** The reason with which an upload ends whose disk space is needed. */
function released({ directory, name, path }: TableFiles): TablesnapError {
  return new TablesnapError({
    code: 'RELEASED',
    message: `${name} in ${directory} is not backed up: Cassandra has deleted it, and tablesnap closes it because its disk space is needed`,
    step: { operation: 'upload', path },
  })
}

function spaceOf(directory: string): Space {
  try {
    const { blocks, bavail, bsize } = statfsSync(directory)
    return { total: blocks * bsize, free: bavail * bsize }
  } catch {
    return { total: Infinity, free: Infinity }
  }
}
