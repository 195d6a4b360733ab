import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { eachOf } from '../../concurrency.js'
import { errorMessage } from '../../errors.js'
import { counted, formatBytes } from '../../report/format.js'
import type { PlaceDeps } from '../deps.js'
import { removeStaged } from '../plan/partial.js'
import type { PlannedDirectory, PlannedSet, RestorePlan } from '../plan/restore-plan.js'
import { Target } from '../plan/target.js'
import type { MomentFile } from '../read/moment.js'
import type { RestoreSummary } from '../summary.js'

import { judge, type FailureOf } from './failure.js'
import { Owners } from './owner.js'
import { Placer } from './place.js'
import { Staging } from './staging.js'
import { Transfer, type StagedFile } from './transfer.js'

/** Counts of the work that is done so far. */
export type Tally = Pick<RestoreSummary, 'sets' | 'files' | 'bytes' | 'unverified' | 'failed'>

/** Sets under way at once beyond the places of the pool: while one is synced and placed, others are fetched. */
const MORE_SETS = 2

/** How long tasks under way may go on after a signal before the staging is taken from under them, ms. */
const GRACE = 2_000

/** Carries a plan out. */
export class Run {
  readonly #plan: RestorePlan
  readonly #deps: PlaceDeps
  readonly #stagings = new Map<string, Staging>()
  readonly #owners: Owners
  readonly #transfer: Transfer
  readonly #directories: ReadonlyMap<string, PlannedDirectory>
  readonly #aside = new Map<string, Promise<void>>()
  readonly #failed = new Set<string>()
  readonly #tally: Tally
  readonly #began = Date.now()
  #fetched = 0
  #placer: Placer | undefined
  #fatal = false
  #diskFailed = false
  /** When the last byte came, by `performance.now()`. */
  #heard = 0

  /** @param force brings what only an ETag speaks against */
  constructor(plan: RestorePlan, deps: PlaceDeps, force: boolean) {
    this.#plan = plan
    this.#deps = deps
    this.#owners = new Owners(deps.log, { ownership: deps.ownership })
    this.#transfer = new Transfer({ ...deps, force }, this.#owners, bytes => this.#fetch(bytes))
    this.#directories = new Map(plan.directories.map(directory => [directory.path, directory]))
    this.#tally = { sets: 0, files: 0, bytes: 0, unverified: 0, failed: plan.refused.length }
  }

  /**
   * Fetches, verifies and places the sets, each as soon as it is whole; the staging is gone afterwards in any case.
   * @throws TablesnapError `RESTORE_RUNNING`, `STAGING_FAILED`; whatever befalls a set is logged and counted
   */
  async run(): Promise<Tally> {
    const { signal, engine, progress } = this.#deps
    const { files, bytes } = this.#plan
    try {
      await this.#open()
      progress?.begin({ verb: 'Restored', things: 'files' }, { count: files, bytes })
      const work = eachOf(this.#sets(), engine.width + MORE_SETS, set => this.#set(set))
      await settled(work, signal)
      if (!this.#stopped) await this.#moveRest()
      await this.#placer?.sync()
      if (this.#fatal) this.#tellRest()
    } finally {
      progress?.end()
      await this.#close()
    }
    return this.#tally
  }

  /** What there is of large files waits for the next run, unless this one brought all, or the disk is full. */
  async #close(): Promise<void> {
    const { log, signal } = this.#deps
    const keep = !this.#diskFailed && (signal?.aborted === true || this.#failed.size > 0)
    for (const staging of this.#stagings.values()) {
      const { path } = staging
      const kept = await staging.close(keep).catch((error: unknown) => {
        log.warn(`Cannot remove ${path}: ${errorMessage(error)}`)
        return false
      })
      if (kept)
        log.info(
          `${path} keeps the downloaded parts of large files: the next run continues with them. You may also remove it`,
          {
            path,
          },
        )
    }
  }

  get #stopped(): boolean {
    return this.#fatal || this.#deps.signal?.aborted === true
  }

  async #open(): Promise<void> {
    const { sets } = this.#plan
    for (const base of new Set(sets.map(set => set.base))) {
      const files = sets.flatMap(set => (set.base === base ? set.files : []))
      const large = files.filter(file => this.#transfer.isLarge(file))
      this.#stagings.set(base, await Staging.open(base, large))
    }
    this.#placer = new Placer(new Target(this.#plan.target), this.#owners, this.#deps.log)
  }

  *#sets(): Generator<PlannedSet> {
    for (const set of this.#plan.sets) {
      if (this.#deps.signal?.aborted === true) return
      if (this.#fatal) this.#fail(set)
      else yield set
    }
  }

  /** Brings one set, or nothing of it. */
  async #set(set: PlannedSet): Promise<void> {
    const { signal, log } = this.#deps
    const staging = this.#stagings.get(set.base)
    if (staging === undefined) return
    const began = performance.now()
    const results = await Promise.allSettled(set.files.map(file => this.#file(file, staging, set)))
    const staged = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    let placed = false
    try {
      if (signal?.aborted === true) return
      if (staged.length < set.files.length) {
        this.#fail(set)
        return
      }
      await this.#makeRoom(set.directory.path)
      await this.#placer?.place(set, staged)
      placed = true
      this.#count(set, staged, performance.now() - began)
    } catch (error) {
      const { directory, name } = set
      const isDisk = judge(error).of === 'disk'
      // One line of one cause: a disk that is full stops all, and is told once.
      if (isDisk) this.#stop(error, 'disk')
      else
        log.error(`Error restoring ${directory.path}/${name}: ${errorMessage(error)}`, {
          path: directory.path,
        })
      this.#fail(set)
    } finally {
      const useless = staged.filter(({ file }) => placed || !this.#transfer.isLarge(file))
      await Promise.all(useless.map(({ path }) => removeStaged(path)))
    }
  }

  async #file(file: MomentFile, staging: Staging, set: PlannedSet): Promise<StagedFile> {
    const { log, signal } = this.#deps
    const { key, size } = file
    const large = this.#transfer.isLarge(file)
    const path = large ? staging.partial(file) : staging.next()
    const began = performance.now()
    try {
      signal?.throwIfAborted()
      log.debug(`Downloading ${key}`, { key, bytes: size })
      const staged = await this.#transfer.fetch(file, path, set.directory.existing)
      log.debug(`Finished downloading ${key}`, { key, bytes: size })
      return staged
    } catch (error) {
      const { of, useless } = judge(error)
      // One cause is one line: what stops everything is told once, not for each file.
      if (of === 'disk' || of === 'rights' || (of === 'server' && this.#heard < began)) this.#stop(error, of)
      else if (signal?.aborted !== true)
        log.error(`Error downloading ${key}: ${errorMessage(error)}`, { key })
      if (!large || useless) await removeStaged(path)
      throw error
    }
  }

  /** Before the first set comes into a directory, what would mix with it goes. */
  async #makeRoom(path: string): Promise<void> {
    let moved = this.#aside.get(path)
    if (moved === undefined) {
      const directory = this.#directories.get(path)
      moved =
        directory === undefined
          ? Promise.resolve()
          : (this.#placer?.moveAside(directory, this.#began) ?? Promise.resolve())
      this.#aside.set(path, moved)
    }
    await moved
  }

  /** The same for directories in which all was there already. */
  async #moveRest(): Promise<void> {
    for (const { path } of this.#plan.directories) {
      if (!this.#failed.has(path)) await this.#makeRoom(path)
    }
  }

  #stop(error: unknown, of: FailureOf): void {
    if (!this.#fatal) this.#deps.log.error(`Nothing more is restored: ${errorMessage(error)}`)
    this.#fatal = true
    this.#diskFailed ||= of === 'disk'
  }

  #tellRest(): void {
    const { files, bytes } = this.#plan
    const left = { files: files - this.#tally.files, bytes: bytes - this.#tally.bytes }
    this.#deps.log.error(
      `${counted(left.files, 'file')} of ${formatBytes(left.bytes)} still missing; the next run restores only those`,
      left,
    )
  }

  #fail(set: PlannedSet): void {
    this.#tally.failed += set.files.length
    this.#failed.add(set.directory.path)
  }

  /** @param took ms */
  #count({ directory, name }: PlannedSet, staged: readonly StagedFile[], took: number): void {
    const path = join(directory.path, name)
    const bytes = staged.reduce((sum, { file }) => sum + file.size, 0)
    const seconds = took / 1000
    this.#tally.sets++
    this.#tally.files += staged.length
    this.#tally.bytes += bytes
    // The bar is drawn anew below the line.
    this.#fetch(0)
    this.#deps.log.info(
      `Restored ${path}: ${counted(staged.length, 'file')}, ${formatBytes(bytes)} in ${seconds.toFixed(1)} s`,
      { event: 'restored', path, files: staged.length, bytes, seconds },
    )
    for (const { file, verified } of staged) {
      if (verified) continue
      this.#tally.unverified++
      this.#deps.log.warn(
        `${file.key} is restored without verification: the server has no usable checksum of it`,
        {
          key: file.key,
        },
      )
    }
  }

  /** @param bytes that came; negative where they are to come again */
  #fetch(bytes: number): void {
    this.#fetched += bytes
    if (bytes > 0) this.#heard = performance.now()
    this.#deps.progress?.update({ count: this.#tally.files, bytes: this.#fetched })
  }
}

/** Waits for `work`; after a signal only so long as tasks under way may take. */
async function settled(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const over = new AbortController()
  const cut =
    signal === undefined
      ? new Promise<void>(() => undefined)
      : new Promise<void>(resolve => {
          const onAbort = (): void => {
            sleep(GRACE, undefined, { signal: over.signal }).then(resolve, resolve)
          }
          if (signal.aborted) onAbort()
          else signal.addEventListener('abort', onAbort, { once: true })
          over.signal.addEventListener('abort', () => signal.removeEventListener('abort', onAbort), {
            once: true,
          })
        })
  try {
    await Promise.race([work, cut])
  } finally {
    over.abort()
  }
}
