import { setMaxListeners } from 'node:events'

import { TablesnapError, errorMessage } from '../errors.js'
import { checkDescriptors, checkPath } from '../node/preflight.js'
import { ensureBucket } from '../s3/bucket.js'
import { isS3Error } from '../s3/errors.js'
import type { StatusSource } from '../status/source.js'
import { Watcher } from '../watch/watcher.js'
import { counted } from '../report/format.js'

import type { BackupDeps } from './backup-deps.js'
import { Filter } from './filter.js'
import { OneShotEnd } from './one-shot-end.js'
import type { Outcomes } from './outcomes.js'
import { assemble, type Parts } from './parts.js'
import { Rounds } from './rounds.js'
import { BackupStatus } from './status.js'
import { WatchStatus } from './watch-status.js'

export type { BackupSummary } from './summary.js'

/** How old the last look at whose the name is may be in a daemon that writes nothing, ms. */
const OWN = 25_000

/** Backs up the paths of a configuration: what exists, what comes, or both. */
export class Backup {
  /** Rejects when the run may not go on: another writer took the name over, or a file system went under a one-shot run. */
  readonly fatal: Promise<never>
  readonly #deps: BackupDeps
  readonly #filter: Filter
  readonly #parts: Parts
  readonly #rounds: Rounds
  readonly #status: WatchStatus
  readonly #abort = new AbortController()
  #fail: (error: unknown) => void = () => undefined
  #watcher: Watcher | undefined
  readonly #source: BackupStatus

  constructor(deps: BackupDeps) {
    const { config } = deps
    const { signal } = this.#abort
    // Every request under way listens, and every pause between two.
    setMaxListeners(0, signal)
    this.#deps = deps
    this.fatal = new Promise<never>((_, reject) => (this.#fail = reject))
    this.fatal.catch(() => undefined)
    this.#filter = new Filter(config.filter, config.paths)
    this.#parts = assemble(deps, this.#filter, signal, {
      rescan: paths => this.#watcher?.rescan(paths),
      include: path => this.#watcher?.include(path),
      isUnwatched: path => this.#watcher?.isUnwatched(path) === true,
      fail: error => this.#fail(error),
    })
    const { tables, clockwork } = this.#parts
    this.#status = new WatchStatus(deps.log)
    this.#source = new BackupStatus(this.#parts, () => this.#watcher)
    this.#rounds = new Rounds(
      {
        directories: () => tables.directories,
        unwatched: () => this.#status.report(this.#watcher),
        rescan: paths => this.#watcher?.rescan(paths),
        check: () => void this.#check(),
        tidy: () => this.#tidy(),
      },
      clockwork,
    )
  }

  get summary(): Outcomes['summary'] {
    const { outcomes } = this.#parts
    const { queue } = this.#parts.uploads
    outcomes.summary.noteSuperseded(queue.superseded)
    return outcomes.summary
  }

  /** Files, listings and restore points that are not in the bucket as they should be. */
  get failures(): number {
    const { listings, writer } = this.#parts.uploads
    const { failed, corrupt, lost } = this.summary
    return failed.size + corrupt.size + lost.size + listings.failed.size + writer.failed.size
  }

  /** SSTables and files that came too late, or failed for now: the next -B uploads them. */
  get pending(): number {
    let pending = 0
    for (const table of this.#parts.tables) {
      for (const { status, remote } of table.files()) {
        const isOpen =
          status === 'dirty' || status === 'settling' || status === 'uploading' || status === 'failed'
        if (isOpen && remote.isOutdated) pending++
      }
    }
    return pending
  }

  /** How the backup stands, for the status that is made of it. */
  get source(): StatusSource {
    return this.#source
  }

  /** Prepares the bucket and begins; returns once the watches are set. @throws TablesnapError */
  async start(): Promise<void> {
    const { config, log } = this.#deps
    const { keys } = this.#deps.node
    const { paths, recursive, autoAdd, mode } = config
    const isOneShot = mode === 'backup'
    checkDescriptors(config.engine.threads)
    for (const path of paths) checkPath(path, config)
    if ((await this.#prepareBucket()) && !config.dryRun) await this.#claim()
    this.#abort.signal.throwIfAborted()
    const options = {
      paths,
      recursive,
      autoAdd: autoAdd || (isOneShot && recursive),
      patient: !isOneShot,
      waitsForPaths: config.waitForPaths,
      skip: (path: string) => this.#filter.skips(path),
    }
    const { tables, outcomes } = this.#parts
    const { sensor, news, turns, unprotected } = this.#parts.disk
    const { loader, audits, emptyPaths, leftUploads } = this.#parts.bucket
    this.#watcher = new Watcher(options, sensor, news)
    turns.attach(this.#watcher)
    try {
      this.#watcher.start()
    } catch (error) {
      this.abort()
      throw error
    }
    this.#status.report(this.#watcher)
    if (isOneShot) {
      if (!recursive) await unprotected.reportBelow(paths, outcomes)
      return
    }
    log.info(
      `Watching ${counted(this.#watcher.size, 'directory', 'directories')}; files go to ${keys.files}… in bucket ${config.s3.bucket}`,
      { event: 'watching', directories: this.#watcher.size, bucket: config.s3.bucket, prefix: keys.files },
    )
    this.#rounds.start()
    void loader.whenLoaded().then(() => {
      audits.startRounds()
      void emptyPaths.check(paths)
      if (!config.dryRun) void leftUploads.startRounds()
      return unprotected.report(tables, config)
    })
  }

  /** Resolves when all that a one-shot backup found is in the bucket and named by a restore point, or has failed. */
  async finish(): Promise<void> {
    const { config } = this.#deps
    if (this.#watcher === undefined) return
    await new OneShotEnd(this.#parts, this.#watcher, config).run()
    this.#close()
  }

  /** Takes nothing new in, lets what is under way end, at most `timeout` ms; returns whether all of it did. */
  async drain(timeout: number): Promise<boolean> {
    const { audits } = this.#parts.bucket
    const { queue, writer } = this.#parts.uploads
    this.#stop()
    const uploaded = Promise.all([queue.whenEmpty(), audits.whenIdle()])
    const drained = uploaded.then(() => this.#rest()).then(() => writer.flush())
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>(resolve => {
      timer = setTimeout(() => resolve(false), timeout)
    })
    const hasEnded = await Promise.race([drained.then(() => true), late])
    clearTimeout(timer)
    if (hasEnded) this.#close()
    return hasEnded
  }

  /** Ends what is under way at once; unfinished multipart uploads stay and are taken up by the next -B. */
  abort(): void {
    const { outcomes } = this.#parts
    const { queue, writer } = this.#parts.uploads
    const reason = new TablesnapError({ code: 'ABORTED', message: 'stopped' })
    outcomes.silence()
    this.#abort.abort(reason)
    queue.abort(reason)
    writer.stop()
    this.#stop()
    this.#close()
  }

  /** Takes the name, and shows this run to the others on the machine before it begins an upload. */
  async #claim(): Promise<void> {
    const { fence, runs } = this.#parts.bucket
    await runs.announce()
    await fence.claim()
  }

  /** Takes no more in. */
  #stop(): void {
    const { tables } = this.#parts
    const { turns, rescans } = this.#parts.disk
    const { loader, audits, leftUploads } = this.#parts.bucket
    this.#rounds.stop()
    leftUploads.stop()
    audits.stop()
    rescans.stop()
    loader.stop()
    // Events that have happened until now still count.
    turns.finish()
    for (const table of tables) table.stop()
  }

  /** Waits until what was uploaded last has been at rest for the settle time, so that restore points can name it; then nothing changes any more. */
  async #rest(): Promise<void> {
    const { tables, clockwork } = this.#parts
    const { turns } = this.#parts.disk
    const waiting = [...tables].filter(({ restsAt }) => restsAt !== undefined)
    const last = Math.max(0, ...waiting.map(({ restsAt = 0 }) => restsAt))
    const pause = last - clockwork.now()
    if (pause > 0) await new Promise<void>(resolve => clockwork.after(Math.ceil(pause), resolve))
    for (const table of waiting) turns.touch(table)
    turns.finish()
    this.#watcher?.close()
    turns.stop()
  }

  #close(): void {
    const { sensor, turns, rescans } = this.#parts.disk
    const { fence, runs, loader, audits } = this.#parts.bucket
    const { writer } = this.#parts.uploads
    this.#watcher?.close()
    audits.stop()
    writer.stop()
    turns.stop()
    rescans.stop()
    loader.stop()
    sensor.close()
    fence.close()
    runs.close()
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
      this.#parts.bucket.loader.expectNothing()
      return false
    }
  }

  async #check(): Promise<void> {
    try {
      await this.#parts.bucket.fence.check(OWN)
    } catch (error) {
      if (error instanceof TablesnapError && error.code === 'FENCED') this.#fail(error)
      else this.#deps.log.debug(errorMessage(error))
    }
  }

  /** Has tables look that wait for something; forgets those without a directory of which nothing is left to be said. */
  #tidy(): void {
    const { tables } = this.#parts
    const { turns, rescans } = this.#parts.disk
    const { writer } = this.#parts.uploads
    for (const table of [...tables]) {
      if (!table.isIdle) turns.touch(table)
      if (!table.isFinished) continue
      table.stop()
      turns.forget(table)
      rescans.forget(table)
      writer.forget(table)
      tables.forget(table)
    }
  }
}
