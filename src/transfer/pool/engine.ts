import { Piscina } from 'piscina'

import { Slots } from '../../concurrency.js'
import { TablesnapError, errorMessage } from '../../errors.js'
import type { BucketAccess } from '../../s3/access.js'
import { hasSurelyExpired, mayBeExpired } from '../../s3/expired.js'
import type { ChecksumKind, Credentials } from '../../s3/settings.js'
import type { DownloadResult, DownloadTask } from '../download/download-task.js'
import type {
  DigestResult,
  DigestTask,
  FileResult,
  FilesTask,
  PartResult,
  PartTask,
} from '../upload/upload-task.js'
import type { RequestCount } from '../../s3/request-counts.js'

import {
  decodeError,
  type Outcome,
  type Request,
  type Response,
  type ServerNews,
  type Task,
  type WorkerSettings,
} from './messages.js'
import { SharedOverwriting } from './overwriting.js'
import { Heartbeats } from './heartbeats.js'
import { Pacing } from './pacing.js'
import { SharedRate } from './rate.js'

/** The limits of all worker threads together. */
export interface Budget {
  readonly threads: number
  /** Ceiling for all buffers, bytes. */
  readonly memory: number
  /** Bytes of bodies per second; undefined: no limit. */
  readonly maxRate?: number | undefined
}

/** The settings of the pool of workers. */
export interface EngineOptions {
  readonly access: BucketAccess
  readonly budget: Budget
  readonly checksum: ChecksumKind
  /** Knowledge of the server's conditional writes; shared with the client of the main thread. */
  readonly overwriting?: SharedOverwriting
  readonly listener?: ServerListener
}

/** Is told what threads see of the server, and what they send to it. */
export interface ServerListener {
  /** The operator should know this of the server; each text comes once. */
  onNote(text: string): void
  /** A thread has got no answer for so many ms. @param message of the error of its last request */
  onSilence(message: string, length: number): void
  /** It gets one again, after so many ms. */
  onReturn(length: number): void
  /** A request will be repeated after so many ms. */
  onRetry(pause: number): void
  /** Threads sent requests. */
  onRequests(counts: readonly RequestCount[]): void
  /** Bytes of a file, or of a part of one, are with the server. */
  onSent(bytes: number): void
}

/** Tasks at once in one worker: the second reads while the first sends. */
const TASKS_PER_WORKER = 2

/** Bytes of a buffer: usually, and at most unless --memory is above its default. With the defaults a file of any size takes the same. */
const USUAL_BUFFER = 8 * 1024 * 1024

/** Part of the memory that a buffer may have beyond that: files of more than 10,000 buffers are read twice. */
const LARGEST_SHARE = 1 / 8

/**
 * A worker keeps next to nothing between two requests: a small young generation is collected often at little cost, where V8
 * would let some 20 MiB of garbage pile up first.
 */
const RESOURCES = { maxYoungGenerationSizeMb: 2 }

/** How long a worker without work lives, ms. */
const IDLE_TIMEOUT = 30_000

/** Hands tasks to worker threads: at most as many at once as the server likes, the others wait their turn. */
export class Engine {
  /** Bytes that a task takes at once unless it needs more. */
  readonly usual: number
  /** Bytes of the largest buffer: what can be read and sent in one pass. */
  readonly buffer: number
  /** Tasks in flight while the server does not complain. */
  readonly width: number
  /** The server's time of day minus that of the monotonic clock at the last answer, ms. */
  serverOffset: number | undefined
  readonly #pool: Piscina<Request, Response>
  readonly #options: EngineOptions
  readonly #pacing: Pacing
  /** As many places as the server lets tasks be in flight. */
  readonly #slots: Slots
  readonly #heartbeats: Heartbeats
  readonly #noted = new Set<string>()
  #closed = false
  /** The error of a thread that died without a task, as at its start. */
  #lastError: unknown

  constructor(options: EngineOptions) {
    this.#options = options
    const { access, listener } = options
    const { threads, memory, maxRate } = options.budget
    const most = Math.max(1, Math.floor(memory / USUAL_BUFFER))
    const workers = Math.min(threads, most)
    const tasks = Math.min(TASKS_PER_WORKER, Math.floor(most / workers))
    this.width = workers * tasks
    const largest = Math.max(USUAL_BUFFER, Math.floor(memory * LARGEST_SHARE))
    this.buffer = Math.min(largest, Math.floor(memory / this.width))
    this.usual = Math.min(USUAL_BUFFER, this.buffer)
    this.#pacing = new Pacing(this.width)
    this.#slots = new Slots(() => this.#pacing.limit)
    // A thread that ends and the one that follows it may hold a cell each.
    this.#heartbeats = new Heartbeats(2 * workers)
    const workerData: WorkerSettings = {
      settings: access.settings,
      checksum: options.checksum,
      retry: access.retry,
      tasks,
      usual: this.usual,
      buffer: this.buffer,
      most: this.width,
      pacing: this.#pacing.shared,
      rate:
        maxRate === undefined
          ? undefined
          : { bytesPerSecond: maxRate, shared: new SharedRate(maxRate).shared },
      heartbeats: this.#heartbeats.shared,
      overwriting: (options.overwriting ?? new SharedOverwriting()).shared,
    }
    this.#pool = new Piscina<Request, Response>({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: workers,
      concurrentTasksPerWorker: tasks,
      maxQueue: this.width,
      idleTimeout: IDLE_TIMEOUT,
      // Workers wait on sockets, not on messages: blocking between tasks would starve them.
      atomics: 'disabled',
      // A loader that the process was started with would cost every thread its start-up.
      execArgv: [],
      resourceLimits: RESOURCES,
      workerData,
    })
    this.#pool.on('message', (news: ServerNews) => {
      listener?.onRequests(news.requests)
      if ('silence' in news) listener?.onSilence(news.silence, news.length)
      else if ('pause' in news) listener?.onRetry(news.pause)
      else listener?.onReturn(news.returned)
    })
    this.#pool.on('error', (error: unknown) => (this.#lastError = error))
    this.#pool.on('workerDestroy', () => setImmediate(() => this.#failQueued()))
  }

  /** Puts small files, one after the other; one file's failure does not stop the next. */
  async files(task: FilesTask): Promise<Outcome<FileResult>[]> {
    const results = (await this.#run(task)) as Outcome<FileResult>[]
    for (const [index, result] of results.entries())
      if (result.ok && result.value.outcome !== 'present')
        this.#options.listener?.onSent(task.files[index]?.size ?? 0)
    return results
  }

  /** Sends one part. @throws S3Error, TablesnapError */
  async part(task: PartTask, checksum: ChecksumKind): Promise<PartResult> {
    const result = (await this.#run({ ...task, checksum })) as PartResult
    this.#options.listener?.onSent(task.bytes)
    return result
  }

  /** Reads a file for its checksums. @throws TablesnapError */
  async digest(task: DigestTask): Promise<DigestResult> {
    return (await this.#run(task)) as DigestResult
  }

  /** Fetches a range or a whole object into a file. @throws S3Error, TablesnapError */
  async download(task: DownloadTask): Promise<DownloadResult> {
    return (await this.#run(task)) as DownloadResult
  }

  /** Tells the operator something about the server, once. */
  note(text: string): void {
    if (this.#noted.has(text)) return
    this.#noted.add(text)
    this.#options.listener?.onNote(text)
  }

  /** Ids of the worker threads whose event loop has stood still since the last call. */
  stuckThreads(): readonly number[] {
    return this.#heartbeats.stuck(this.#pool.threads.map(({ threadId }) => threadId))
  }

  /** The server asked for fewer requests in flight. */
  slowDown(): void {
    this.#pacing.slowDown()
  }

  /** Ends the workers at once; tasks under way and later ones fail with `ENGINE_CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#pool.destroy()
  }

  async #run(task: Task): Promise<unknown> {
    return this.#slots.use(async () => {
      const { credentials: source } = this.#options.access
      for (;;) {
        const credentials = await source()
        // A file that is in the bucket already is found there.
        const outcome = await this.#attempt(task, credentials)
        if (!isAny(outcome, mayBeExpired)) {
          if (outcome.ok) source.accepted?.()
          return valueOf(outcome)
        }
        const isWorthMore = await source.refused?.(credentials, isAny(outcome, hasSurelyExpired))
        if (isWorthMore !== true || this.#closed) return valueOf(outcome)
      }
    })
  }

  async #attempt(task: Task, credentials: Credentials): Promise<Outcome<unknown>> {
    const { outcome, notes, serverOffset, requests } = await this.#give({ task, credentials })
    this.#options.listener?.onRequests(requests)
    this.serverOffset = serverOffset ?? this.serverOffset
    for (const note of notes) this.note(note)
    return outcome
  }

  /** @throws TablesnapError `WORKER_DIED`, `ENGINE_CLOSED` */
  async #give(request: Request): Promise<Response> {
    try {
      if (this.#closed) throw new Error('closed')
      return await this.#pool.run(request)
    } catch (error) {
      const cause = this.#lastError ?? error
      throw new TablesnapError({
        code: this.#closed ? 'ENGINE_CLOSED' : 'WORKER_DIED',
        message: this.#closed
          ? 'stopped before it was done'
          : `a worker thread ended within its task: ${errorMessage(cause)}`,
        retry: true,
        cause,
      })
    }
  }

  /** The last thread died before it took a task: piscina would keep the tasks until somebody brings another. */
  #failQueued(): void {
    if (this.#pool.threads.length > 0 || this.#pool.queueSize === 0) return
    void this.#pool.destroy()
  }
}

function valueOf(outcome: Outcome<unknown>): unknown {
  if (!outcome.ok) throw decodeError(outcome.error)
  return outcome.value
}

/** Whether an error of the task, or of one of its files, is of a kind. */
function isAny(outcome: Outcome<unknown>, isOfKind: (error: unknown) => boolean): boolean {
  if (!outcome.ok) return isOfKind(decodeError(outcome.error))
  const { value } = outcome
  return Array.isArray(value) && (value as Outcome<unknown>[]).some(one => !one.ok && isAny(one, isOfKind))
}
