import type { Verdict } from '../cassandra/complete.js'
import { SparseMap, SparseSet } from '../manifest/sparse.js'
import type { Entry } from '../manifest/state.js'

import type { Judge } from './judgement.js'
import { PATIENCE, REST_PATIENCE } from './patience.js'
import type { Clock, Ready, TableSettings, UploadResult } from './ports.js'
import type { TableFiles } from './table-files.js'

/** The files that were looked at, by what is to be done with them. */
export interface Looked {
  /** Complete, and to be uploaded. */
  readonly ready: Ready[]
  /** Complete, and in the bucket as they are. */
  readonly present: TableFiles[]
  /** None of their files, or their Data.db, is there any more. */
  readonly gone: TableFiles[]
  /** Their Data.db is another file than it was, or they are not whole although they were taken for that. */
  readonly replaced: TableFiles[]
  /** Files are missing of them that they must have, and the components that these are. */
  readonly broken: [TableFiles, string][]
}

/** First pause before a failed upload is tried again, and the longest, ms. */
const RETRY_BASE = 1_000
const RETRY_CAP = 30_000

/** The patience of a run that ends with files that do not come to rest: settle times, and uploads during which they changed. */
const SETTLES = 10
const RESTARTS = 3

const NONE: ReadonlyMap<string, Entry> = new Map()

/** The files of a table that are to be judged, waited for, uploaded or tried again, and when. */
export class Worklist {
  readonly #settings: TableSettings
  readonly #clock: Clock
  readonly #judge: Judge
  readonly #dirty = new SparseSet<TableFiles>()
  /** When files are to be judged again, ms of the monotonic clock. */
  readonly #due = new SparseMap<TableFiles, number>()
  readonly #uploading = new SparseSet<TableFiles>()
  /** Files that cannot be uploaded, are not complete, or do not come to rest. */
  readonly #hindered = new SparseSet<TableFiles>()
  /** Files that are to be judged, waited for, uploaded or tried again, and since when, ms of the monotonic clock. */
  readonly #open = new SparseMap<TableFiles, number>()
  #isStopped = false

  constructor(settings: TableSettings, clock: Clock, judge: Judge) {
    this.#settings = settings
    this.#clock = clock
    this.#judge = judge
  }

  /** Whether nothing is to be judged, waited for, uploaded or tried again. */
  get isIdle(): boolean {
    return this.#uploading.size === 0 && (this.#isStopped || (this.#dirty.size === 0 && this.#due.size === 0))
  }

  /**
   * When files are to be looked at next, ms of the monotonic clock; undefined: nothing waits.
   * @param isLoaded as of {@link look}
   */
  next(isLoaded: boolean): number | undefined {
    let next = Infinity
    for (const at of this.#due.values()) if (at < next) next = at
    const now = this.#clock.now()
    for (const { isUntouched } of this.#dirty) if (isLoaded || !isUntouched) next = Math.min(next, now)
    for (const { hinderedSince = now, restlessSince = now } of this.#hindered)
      for (const at of [hinderedSince + PATIENCE, restlessSince + REST_PATIENCE])
        if (at > now) next = Math.min(next, at)
    return next === Infinity ? undefined : next
  }

  /** Whether files cannot be uploaded, or do not come to rest. */
  get hasHindered(): boolean {
    return this.#hindered.size > 0
  }

  /** Files that are complete, of which nothing is in the bucket, and that have not come to rest for long. */
  get restless(): TableFiles[] {
    const now = this.#clock.now()
    return [...this.#hindered].filter(
      ({ status, stored, restlessSince = now }) =>
        status === 'settling' && stored === undefined && now - restlessSince >= REST_PATIENCE,
    )
  }

  /** The files that it holds and that are not in the bucket, and since when, ms of the monotonic clock. */
  get open(): ReadonlyMap<TableFiles, number> {
    return this.#open
  }

  /** Whether it takes no more in. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** How many files it holds. */
  get size(): number {
    return this.#dirty.size + this.#due.size + this.#uploading.size
  }

  /** Takes no more in. */
  stop(): void {
    this.#isStopped = true
    this.#dirty.clear()
    this.#due.clear()
  }

  /** The files are to be judged at the next look. Those that are being uploaded are when that has ended. */
  mark(files: TableFiles): void {
    if (!this.#open.has(files)) this.#open.set(files, this.#clock.now())
    if (files.status === 'uploading') {
      files.touch()
      return
    }
    this.#due.delete(files)
    files.mark('dirty')
    if (!this.#isStopped) this.#dirty.add(files)
  }

  /** The files are no more. */
  drop(files: TableFiles): void {
    this.#dirty.delete(files)
    this.#due.delete(files)
    this.#hindered.delete(files)
    this.#open.delete(files)
  }

  /**
   * Judges what is dirty or due.
   * @param drains how many drained points the table has had
   * @param isLoaded whether it is known what the bucket holds: files that were there before wait for that
   */
  look(drains: number, isLoaded: boolean): Looked {
    const looked: Looked = { ready: [], present: [], gone: [], replaced: [], broken: [] }
    const now = this.#clock.now()
    for (const [files, at] of this.#due) {
      if (at > now) continue
      this.#due.delete(files)
      this.#dirty.add(files)
    }
    for (const files of [...this.#dirty]) {
      if (files.isUntouched && !isLoaded) continue
      this.#dirty.delete(files)
      this.#one(files, drains, now, looked)
    }
    return looked
  }

  /** Failed uploads are tried again at the next look. @returns whether there are any */
  retry(): boolean {
    let any = false
    for (const files of this.#due.keys()) {
      if (files.status !== 'failed') continue
      this.mark(files)
      any = true
    }
    return any
  }

  /** The upload of files has ended. @returns whether manifests have something else to say of them */
  uploaded(files: TableFiles, result: UploadResult, isThere: boolean): boolean {
    this.#uploading.delete(files)
    const { isDisturbed } = files
    const isNews = files.endUpload(result)
    this.#hinder(files, result.next !== 'done' && isThere)
    if (!isThere || (files.status === 'done' && !isDisturbed)) this.#open.delete(files)
    if (!isThere) return isNews
    const { isOneShot } = this.#settings
    if (files.restarts > RESTARTS && isOneShot) files.mark('waiting')
    else if (isDisturbed || files.status === 'dirty') this.mark(files)
    else if (files.status === 'failed' && !isOneShot && !this.#isStopped)
      this.#due.set(files, this.#clock.now() + Math.min(RETRY_CAP, RETRY_BASE * 2 ** (files.failures - 1)))
    return isNews
  }

  /** Files are in the bucket as they are. @returns whether manifests have something else to say of them */
  present(files: TableFiles, isThere: boolean): boolean {
    const isCorrupt = files.stored?.corrupt === true
    files.beginUpload()
    return this.uploaded(files, { durable: NONE, names: [...files.names], next: 'done', isCorrupt }, isThere)
  }

  #one(files: TableFiles, drains: number, now: number, looked: Looked): void {
    const { verdict, look } = this.#judge.judge(files, drains)
    if (look.isReplaced || comesNow(files, verdict)) looked.replaced.push(files)
    else if (verdict.state === 'complete' && files.remote.isAsStored) looked.present.push(files)
    else if (verdict.state === 'complete') looked.ready.push(this.#give(files))
    else if (verdict.state === 'settling') this.#settling(files, verdict, now)
    else {
      files.mark(verdict.state)
      // Of what Cassandra still writes, or has taken out of the table, nothing is to be uploaded.
      if (verdict.state !== 'waiting' || files.isGone) this.#open.delete(files)
      if (verdict.state === 'waiting')
        for (const component of verdict.missing) looked.broken.push([files, component])
      if (files.isGone) looked.gone.push(files)
      else if (verdict.state === 'waiting' && files.isSSTable && files.has(files.main))
        this.#hinder(files, true)
    }
  }

  #settling(files: TableFiles, verdict: Verdict & { state: 'settling' }, now: number): void {
    const { isOneShot, settle } = this.#settings
    files.noteRestless(now)
    if (isOneShot && now - (files.restlessSince ?? now) > SETTLES * settle) {
      files.mark('waiting')
      this.#hinder(files, true)
      return
    }
    this.#hindered.add(files)
    files.mark('settling')
    this.#due.set(files, now + Math.ceil(verdict.wait))
  }

  #hinder(files: TableFiles, isHindered: boolean): void {
    files.hinder(isHindered ? this.#clock.now() : undefined)
    if (isHindered) this.#hindered.add(files)
    else this.#hindered.delete(files)
  }

  #give(files: TableFiles): Ready {
    const { isUntouched } = files
    files.beginUpload()
    this.#uploading.add(files)
    return { files, names: [...files.names], durable: new Map(files.durable), isUntouched }
  }
}

/**
 * Whether an SSTable is part of the table only from now on: it was there at the start and is not whole, so that it was being
 * written then; it was given up, and is whole; or a transaction removed it, and no log says so any more: Cassandra deletes the
 * files before the log, so that these are another SSTable of its name, or the log was lost and Cassandra would read them again.
 */
function comesNow(files: TableFiles, { state }: Verdict): boolean {
  if (files.isRemoved)
    return state !== 'obsolete' && files.isSSTable && !files.isGone && files.has(files.main)
  if (state === 'waiting') return files.isPresumed && !files.isGone
  return files.isGivenUp && (state === 'complete' || state === 'settling')
}
