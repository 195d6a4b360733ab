import { existsSync } from 'node:fs'
import { join } from 'node:path'

import type { Config } from '../config/config.js'
import { TablesnapError, errorMessage } from '../errors.js'
import { Filter } from '../plan/filter.js'
import { KnownObjects } from '../plan/known.js'
import type { Engine } from '../pool/engine.js'
import type { Logger } from '../report/logger.js'
import { ensureBucket } from '../s3/bucket.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import type { KeyLayout } from '../state/keys.js'
import { Watcher } from '../watch/watcher.js'

import type { Ended } from './agenda.js'
import type { Found, Identity } from './found.js'
import { Jobs } from './jobs.js'
import { Listings } from './listings.js'
import type { OpenSet } from './open-set.js'
import { checkPath, descriptorLimit } from './preflight.js'
import { scan } from './scan.js'
import { emptySummary } from './summary.js'
import { Tracker } from './tracker.js'
import { Uploader, type FileOutcome } from './uploader.js'

export type { BackupSummary } from './summary.js'

/** What a backup runs with. */
export interface BackupDeps {
  readonly config: Config
  readonly client: S3Client
  readonly engine: Engine
  readonly keys: KeyLayout
  readonly log: Logger
}

/** Share of the process's descriptors that files waiting for their upload may hold. */
const PINNED_SHARE = 0.5

/** Scans of a one-shot backup after the first, while Cassandra replaces what the last one found. */
const RESCANS = 5

/** Backs up the paths of a configuration: what exists, what comes, or both. */
export class Backup {
  readonly summary = emptySummary()
  readonly #deps: BackupDeps
  readonly #filter: Filter
  readonly #listings: Listings
  readonly #tracker: Tracker
  readonly #jobs: Jobs
  readonly #abort = new AbortController()
  #uploader: Uploader
  #watcher: Watcher | undefined

  constructor(deps: BackupDeps) {
    const { config, log, engine } = deps
    this.#deps = deps
    this.#filter = new Filter(config.filter, config.paths)
    const onProblem = (path: string, message: string) => this.#problem(path, message)
    this.#listings = new Listings({ ...deps, onProblem })
    this.#uploader = new Uploader({ ...deps, known: undefined, signal: this.#abort.signal })
    this.#jobs = new Jobs({
      width: engine.width,
      descriptors: Math.floor(descriptorLimit() * PINNED_SHARE),
      work: (found, open) => this.#upload(found, open),
    })
    this.#tracker = new Tracker({
      existing: config.mode !== 'watch',
      settle: config.settle,
      retry: config.mode !== 'backup',
      listenEvents: config.listenEvents,
      filter: this.#filter,
      log,
      onComplete: found => this.#jobs.add(found),
      onProblem,
      onQuiet: directory => this.#listings.quiet(directory),
    })
  }

  /** Prepares the bucket and begins; in a watching mode returns once the watches are set. @throws TablesnapError */
  async start(): Promise<void> {
    const { config, keys, log } = this.#deps
    for (const path of config.paths) checkPath(path)
    const { signal } = this.#abort
    if (await this.#prepareBucket()) await this.#loadKnown()
    signal.throwIfAborted()
    if (config.mode === 'backup') {
      this.#scan('start')
      return
    }
    const { paths, recursive, autoAdd } = config
    const options = { paths, recursive, autoAdd, skip: (path: string) => this.#filter.skips(path) }
    this.#watcher = new Watcher(options, this.#tracker)
    this.#watcher.start()
    log.info(
      `Watching ${this.#watcher.size} directories; files go to ${keys.files}… in bucket ${config.s3.bucket}`,
    )
  }

  /** Resolves when all that a one-shot backup found is durable or has failed. */
  async finish(): Promise<void> {
    await this.#settled()
    for (let round = 0; round < RESCANS && this.#isUnsure(round); round++) {
      // A flush may have been under way, or a compaction taken away what was to be read.
      await new Promise(resolve => setTimeout(resolve, this.#deps.config.settle))
      this.#scan('rescan')
      await this.#settled()
    }
    for (const { path, stale } of this.#tracker.directories.values()) {
      if (stale)
        this.#problem(
          path,
          `${path}: Cassandra replaces its SSTables faster than they are read; run -B again`,
        )
    }
    const pathOf = ({ directory, unit }: { directory: { path: string }; unit: { name: string } }) =>
      join(directory.path, unit.name)
    this.summary.unfinished.push(...[...this.#tracker.in('waiting')].map(pathOf))
    this.summary.written.push(...[...this.#tracker.in('written')].map(pathOf))
  }

  /** Takes nothing new, lets what is under way end, at most `timeout` ms; returns whether all of it did. */
  async drain(timeout: number): Promise<boolean> {
    this.#watcher?.close()
    this.#tracker.stop()
    const drained = this.#settled()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>(resolve => {
      timer = setTimeout(() => resolve(false), timeout)
    })
    const ended = await Promise.race([drained.then(() => true), late])
    clearTimeout(timer)
    return ended
  }

  /** Ends what is under way at once; unfinished multipart uploads stay and are taken up by the next -B. */
  abort(): void {
    this.#watcher?.close()
    this.#abort.abort(new TablesnapError({ code: 'ABORTED', message: 'stopped' }))
    this.#tracker.stop()
  }

  /** Files and listings that are not in the bucket as they should be. */
  get failures(): number {
    return this.summary.failed.size + this.#listings.failed.size
  }

  /** Sets and files that came too late, or failed for now: the next -B brings them. */
  get pending(): number {
    return [...this.#tracker.in('dirty', 'settling', 'busy', 'failed')].length
  }

  /** @returns whether the bucket may hold something */
  async #prepareBucket(): Promise<boolean> {
    const { config, client, log } = this.#deps
    const where = `bucket ${config.s3.bucket} in ${config.s3.region}`
    try {
      const created = await ensureBucket(client, !config.dryRun, this.#abort.signal)
      if (created) log.info(`Created ${where}`)
      return !created
    } catch (error) {
      if (!config.dryRun || !isS3Error(error, 'NoSuchBucket')) throw error
      log.info(`Would create ${where}`)
      return false
    }
  }

  async #settled(): Promise<void> {
    await this.#tracker.idle()
    await this.#listings.flush()
  }

  #isUnsure(round: number): boolean {
    if ([...this.#tracker.directories.values()].some(({ stale }) => stale)) return true
    return round === 0 && !this.#tracker.in('waiting', 'written').next().done
  }

  #scan(reason: 'start' | 'rescan'): void {
    const { paths, recursive } = this.#deps.config
    for (const path of [...this.#tracker.directories.keys()]) if (!existsSync(path)) this.#tracker.lost(path)
    for (const path of paths) scan(path, { recursive, reason }, this.#filter, this.#tracker)
  }

  async #loadKnown(): Promise<void> {
    const { config, client, keys } = this.#deps
    const { signal } = this.#abort
    if (config.mode === 'watch') return
    const known = new KnownObjects()
    for (const path of config.paths) await known.load(client, keys, path, signal)
    this.#uploader = new Uploader({ ...this.#deps, known, signal })
    this.#listings.known = known
  }

  async #upload(found: Found, open: OpenSet | undefined): Promise<void> {
    if (open === undefined) {
      this.#problem(
        join(found.directory, found.unit),
        'no descriptors left to open its files (LimitNOFILE, ulimit -n)',
      )
      this.#tracker.ended(found, { durable: new Map(), versions: new Set(), next: 'failed' })
    } else if (open.vanished) this.#superseded(found)
    else this.#ended(found, open, await this.#uploader.upload(open, found.untouched))
  }

  #superseded(found: Found): void {
    this.summary.superseded += found.names.length
    for (const name of found.names) this.summary.failed.delete(join(found.directory, name))
    this.#deps.log.debug(`${join(found.directory, found.unit)} is gone: Cassandra has replaced it`)
    this.#tracker.ended(found, { durable: new Map(), versions: new Set(), next: 'gone' })
  }

  #ended(found: Found, open: OpenSet, outcomes: readonly FileOutcome[]): void {
    const durable = new Map<string, Identity>()
    const versions = new Set<string>()
    let next: Ended['next'] = open.errors.length > 0 ? 'failed' : 'done'
    for (const error of open.errors) this.#problem(error.path ?? found.directory, error.message)
    for (const outcome of outcomes) {
      const path = join(found.directory, outcome.name)
      if (outcome.outcome === 'failed') {
        if (outcome.error?.code === 'FILE_CHANGED') next = next === 'done' ? 'again' : next
        else next = 'failed'
        this.#failed(path, outcome.error)
        continue
      }
      durable.set(outcome.name, outcome.identity)
      this.summary.failed.delete(path)
      if (outcome.elsewhere) versions.add(outcome.name)
      if (outcome.outcome === 'present' || outcome.outcome === 'trusted') this.summary.present++
      else {
        this.summary.uploaded++
        this.summary.bytes += outcome.bytes
      }
    }
    this.summary.present += open.unchanged.length
    const directory = this.#tracker.directories.get(found.directory)
    if (directory !== undefined && next === 'done' && !this.#deps.config.dryRun)
      this.#listings.changed(directory)
    this.#tracker.ended(found, { durable, versions, next })
  }

  #failed(path: string, error: TablesnapError | undefined): void {
    if (error?.code === 'FILE_CHANGED') {
      this.#deps.log.info(error.message)
      return
    }
    this.#problem(path, `Error uploading ${error?.key ?? path}: ${errorMessage(error)}`)
  }

  #problem(path: string, message: string): void {
    if (this.#abort.signal.aborted) return
    this.summary.failed.set(path, message)
    this.#deps.log.error(message, { path })
  }
}
