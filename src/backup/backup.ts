import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Config } from '../config/config.js'
import type { Writer } from '../config/writer.js'
import { TablesnapError, errorMessage } from '../errors.js'
import { Filter } from '../plan/filter.js'
import type { Engine } from '../pool/engine.js'
import type { Logger } from '../report/logger.js'
import { ensureBucket } from '../s3/bucket.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import type { KeyLayout } from '../state/keys.js'
import { States } from '../state/states.js'
import { Watcher } from '../watch/watcher.js'

import { Fence } from './fence.js'
import { Gaps } from './gaps.js'
import type { Found } from './found.js'
import { Jobs } from './jobs.js'
import { Listings } from './listings.js'
import { Loader } from './loader.js'
import type { OpenSet } from './open-set.js'
import { isOriginalBusy, originalOf } from './original.js'
import { Outcomes } from './outcomes.js'
import { checkPath, descriptorLimit } from './preflight.js'
import { Recorder, isFenced } from './recorder.js'
import { Rounds } from './rounds.js'
import type { BackupStatus } from './status.js'
import { Tracker } from './tracker.js'
import { Unprotected } from './unprotected.js'
import type { Unit } from './unit.js'
import { Uploader } from './uploader.js'

export type { BackupSummary } from './summary.js'

/** What a backup runs with. */
export interface BackupDeps {
  readonly config: Config
  readonly client: S3Client
  readonly engine: Engine
  /** The node's name in the bucket. */
  readonly name: string
  readonly writer: Writer
  readonly keys: KeyLayout
  readonly log: Logger
}

/** Share of the process's descriptors that files waiting for their upload may hold. */
const PINNED_SHARE = 0.5

/** How old the last look at whose the name is may be in a daemon that writes nothing, ms. */
const OWN = 25_000

/** How often a one-shot backup looks whether it is done, ms. */
const LOOK = 50

/** First pause before the bucket is asked again for a unit's newest state, and the longest, ms. */
const ASK_AGAIN = 1_000
const ASK_AGAIN_CAP = 60_000

/** Backs up the paths of a configuration: what exists, what comes, or both. */
export class Backup {
  /** Rejects when the run may not go on: another writer took the name over. */
  readonly fatal: Promise<never>
  readonly #deps: BackupDeps
  readonly #filter: Filter
  readonly #tracker: Tracker
  readonly #jobs: Jobs
  readonly #uploader: Uploader
  readonly #recorder: Recorder
  readonly #listings: Listings
  readonly #loader: Loader
  readonly #fence: Fence
  readonly #gaps: Gaps
  readonly #outcomes: Outcomes
  readonly #rounds: Rounds
  readonly #unprotected: Unprotected
  readonly #abort = new AbortController()
  readonly #covered = new Set<Unit>()
  #fail: (error: unknown) => void = () => undefined
  #watcher: Watcher | undefined
  /** Time of the newest restore point of any table, ms since 1970. */
  #newest: number | undefined

  constructor(deps: BackupDeps) {
    const { config, log, engine, client } = deps
    const { signal } = this.#abort
    // Every request under way listens, and every pause between two.
    setMaxListeners(0, signal)
    this.#deps = deps
    this.fatal = new Promise<never>((_, reject) => (this.#fail = reject))
    this.fatal.catch(() => undefined)
    this.#filter = new Filter(config.filter, config.paths)
    const clock = () => Date.now() + Math.round(client.clockOffset ?? engine.clockOffset ?? 0)
    const onProblem = (path: string, message: string) => this.#problem(path, message)
    const states = new States(client, deps.keys, signal)
    this.#outcomes = new Outcomes(log, config.mode !== 'backup', onProblem)
    this.#unprotected = new Unprotected(this.#filter, log)
    const { takeOver, mode } = config
    this.#fence = new Fence({ ...deps, takeOver, alone: mode !== 'backup', clock })
    this.#listings = new Listings(deps)
    this.#uploader = new Uploader({
      ...deps,
      original: (found, { name, identity, stat }) =>
        originalOf(this.#tracker, found, { name, identity, device: stat.dev }),
      signal,
    })
    this.#jobs = new Jobs({
      width: engine.width,
      descriptors: Math.floor(descriptorLimit() * PINNED_SHARE),
      work: (found, open, released) => this.#upload(found, open, released),
      onReleased: found => this.#tracker.ended(found, this.#outcomes.superseded(found)),
      isWanted: group => group.directory.unit.history?.wants(group) === true,
    })
    this.#tracker = new Tracker({
      existing: config.mode !== 'watch',
      settle: config.settle,
      retry: config.mode !== 'backup',
      listenEvents: config.listenEvents,
      filter: this.#filter,
      log,
      clock,
      onUnit: unit => {
        if (config.mode === 'backup') unit.patience = 0
        this.#loader.add(unit)
      },
      onComplete: found => this.#enqueue(found),
      onScanned: unit => this.#recorder.scanned(unit),
      onChange: unit => this.#recorder.changed(unit),
      onUnlinked: group => this.#jobs.unlinked(group),
      onGap: unit => this.#gaps.missed(unit),
      onUnwatched: path => {
        if (config.mode !== 'backup') this.#unprotected.appeared(path)
      },
      onProblem,
    })
    this.#recorder = new Recorder({
      ...deps,
      states,
      fence: this.#fence,
      listings: this.#listings,
      clock,
      onProblem,
      onRecorded: unit => {
        this.#covered.add(unit)
        const { time = -Infinity } = unit.newest ?? {}
        if (time > (this.#newest ?? -Infinity)) this.#newest = time
      },
      onChange: unit => this.#recorder.changed(unit),
      onFenced: error => this.#fail(error),
    })
    this.#loader = new Loader({ ...deps, states, fence: this.#fence, signal }, (unit, error) =>
      this.#loaded(unit, error),
    )
    this.#gaps = new Gaps({
      begin: unit => this.#tracker.begin(unit),
      rescan: paths => this.#watcher?.rescan(paths),
      paced: mode !== 'backup',
    })
    this.#rounds = new Rounds({
      directories: () => [...this.#tracker.directories.keys()],
      rescan: paths => this.#watcher?.rescan(paths),
      expose: () => this.#tracker.expose(performance.now()),
      check: () => this.#check(),
    })
  }

  get summary(): Outcomes['summary'] {
    return this.#outcomes.summary
  }

  /** Prepares the bucket and begins; returns once the watches are set. @throws TablesnapError */
  async start(): Promise<void> {
    const { config, keys, log } = this.#deps
    const { signal } = this.#abort
    const { paths, recursive, autoAdd, mode } = config
    for (const path of paths) checkPath(path, mode !== 'backup')
    if (await this.#prepareBucket()) await this.#claim()
    signal.throwIfAborted()
    const once = mode === 'backup'
    const options = {
      paths,
      recursive,
      autoAdd: autoAdd || (once && recursive),
      unwatched: once,
      patient: !once,
      skip: (path: string) => this.#filter.skips(path),
    }
    this.#watcher = new Watcher(options, this.#tracker)
    try {
      this.#watcher.start()
    } catch (error) {
      this.abort()
      throw error
    }
    if (once) return
    log.info(
      `Watching ${this.#watcher.size} directories; files go to ${keys.files}… in bucket ${config.s3.bucket}`,
    )
    this.#rounds.start()
    void this.#unprotected.report(this.#tracker, config)
  }

  /** Resolves when all that a one-shot backup found is durable and named by a state, or has failed. */
  async finish(): Promise<void> {
    const idle = this.#tracker.idle().then(() => true)
    while (!this.#isCovered()) if ((await Promise.race([idle, sleep(LOOK)])) === true) break
    this.#watcher?.close()
    this.#tracker.stop()
    await this.#tracker.idle()
    this.#tracker.expose(performance.now())
    await this.#recorder.flush()
    for (const { path } of this.#tracker.in('waiting')) this.summary.unfinished.push(path)
    for (const { path } of this.#tracker.in('written')) this.summary.written.push(path)
    this.#close()
  }

  /** Takes nothing new, lets what is under way end, at most `timeout` ms; returns whether all of it did. */
  async drain(timeout: number): Promise<boolean> {
    this.#rounds.stop()
    this.#gaps.stop()
    this.#watcher?.close()
    this.#tracker.stop()
    const drained = this.#tracker.idle().then(() => this.#recorder.flush())
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>(resolve => {
      timer = setTimeout(() => resolve(false), timeout)
    })
    const ended = await Promise.race([drained.then(() => true), late])
    clearTimeout(timer)
    if (ended) this.#close()
    return ended
  }

  /** Ends what is under way at once; unfinished multipart uploads stay and are taken up by the next -B. */
  abort(): void {
    this.#rounds.stop()
    this.#gaps.stop()
    this.#watcher?.close()
    this.#abort.abort(new TablesnapError({ code: 'ABORTED', message: 'stopped' }))
    this.#tracker.stop()
    this.#recorder.stop()
    this.#close()
  }

  /** Files, listings and states that are not in the bucket as they should be. */
  get failures(): number {
    const { failed, corrupt } = this.summary
    return failed.size + corrupt.size + this.#listings.failed.size + this.#recorder.failed.size
  }

  /** How the backup stands now. */
  get status(): BackupStatus {
    const uploading = [...this.#tracker.in('busy')].length
    return { uploading, missing: this.pending, newest: this.#newest }
  }

  /** Sets and files that came too late, or failed for now: the next -B brings them. */
  get pending(): number {
    const open = [...this.#tracker.in('dirty', 'settling', 'busy', 'failed')]
    return open.filter(group => group.outdated()).length
  }

  #close(): void {
    this.#fence.close()
    this.#tracker.close()
  }

  /** Whether a state was written of every unit since its scan, and every file of no set is dealt with. */
  #isCovered(): boolean {
    for (const unit of this.#tracker.units.values()) {
      if (!this.#covered.has(unit)) return false
      for (const { sstable, state } of unit.groups()) {
        if (!sstable && (state === 'dirty' || state === 'settling' || state === 'busy')) return false
      }
    }
    return this.#tracker.units.size > 0
  }

  /** @returns whether the bucket is there */
  async #prepareBucket(): Promise<boolean> {
    const { config, client, log } = this.#deps
    const where = `bucket ${config.s3.bucket} in ${config.s3.region}`
    try {
      const created = await ensureBucket(client, !config.dryRun, this.#abort.signal)
      if (created) log.info(`Created ${where}`)
      return true
    } catch (error) {
      if (!config.dryRun || !isS3Error(error, 'NoSuchBucket')) throw error
      log.info(`Would create ${where}`)
      this.#loader.isEmpty = true
      return false
    }
  }

  async #claim(): Promise<void> {
    if (!this.#deps.config.dryRun) await this.#fence.claim()
  }

  #loaded(unit: Unit, error: unknown): void {
    const { signal } = this.#abort
    if (error === undefined) this.#tracker.loaded(unit)
    else if (signal.aborted) return
    else {
      this.#problem(
        unit.name,
        `Cannot find out what the bucket holds of ${unit.name}: ${errorMessage(error)}`,
      )
      if (this.#deps.config.mode === 'backup') this.#tracker.loaded(unit)
      else {
        const pause = Math.min(ASK_AGAIN_CAP, ASK_AGAIN * 2 ** unit.refusals++)
        setTimeout(() => this.#loader.add(unit), pause).unref()
      }
      return
    }
    this.summary.failed.delete(unit.name)
  }

  async #check(): Promise<void> {
    try {
      await this.#fence.check(OWN)
    } catch (error) {
      if (isFenced(error)) this.#fail(error)
      else this.#deps.log.debug(errorMessage(error))
    }
  }

  /** A link waits for the file that it is one of: it need not be sent twice. */
  #enqueue(found: Found): void {
    if (this.#abort.signal.aborted || !isOriginalBusy(this.#tracker, found)) this.#jobs.add(found)
    else setTimeout(() => this.#enqueue(found), LOOK)
  }

  async #upload(found: Found, open: OpenSet | undefined, released: AbortSignal): Promise<void> {
    const tell = this.#outcomes
    if (open === undefined) this.#tracker.ended(found, tell.unopened(found))
    else if (open.vanished) this.#tracker.ended(found, tell.superseded(found))
    else {
      const outcomes = await this.#uploader.upload(open, found, released)
      const ended = released.aborted ? tell.superseded(found) : tell.uploaded(found, open, outcomes)
      this.#tracker.ended(found, ended)
    }
  }

  #problem(path: string, message: string): void {
    if (this.#abort.signal.aborted) return
    this.summary.failed.set(path, message)
    this.#deps.log.error(message, { path })
  }
}
