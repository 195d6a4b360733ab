import { SparseSet } from '../manifest/sparse.js'

import type { Changes } from './changes.js'
import { LOG_PATIENCE } from './gap.js'
import type { IndexWait } from './index-wait.js'
import type { Judge } from './judgement.js'
import type { Logs } from './logs.js'
import type { Instant, TableNews, TableSettings } from './ports.js'
import type { TableFiles } from './table-files.js'
import type { UnwatchedTimes } from './unwatched-times.js'

/** How long an SSTable may stay incomplete before restore points name it as not backed up, ms. */
const STRANDED = 60_000

/**
 * SSTables that no transaction wrote (import, refresh, cp) are one change when they come within the settle time of each other:
 * Cassandra renames them one after the other, and reads all or none. So many settle times they wait for each other at most.
 */
const ARRIVAL_SETTLES = 10

/** The rules that unplaced SSTables are placed by. */
export interface UnplacedRules {
  readonly settings: TableSettings
  readonly logs: Logs
  readonly judge: Judge
  readonly unwatched: UnwatchedTimes
}

/**
 * The SSTables that were seen and are in no commit. Each becomes a change once it is complete and at rest, or does not become
 * so for long; a transaction's log takes out those that it names.
 */
export class Unplaced {
  readonly #settings: TableSettings
  readonly #logs: Logs
  readonly #judge: Judge
  readonly #unwatched: UnwatchedTimes
  readonly #changes: Changes
  readonly #indexes: IndexWait
  readonly #all = new SparseSet<TableFiles>()
  /** Incomplete SSTables that the operator was told of. */
  readonly #told = new SparseSet<TableFiles>()
  readonly #news: TableNews[] = []
  #isExposed = false

  constructor({ settings, logs, judge, unwatched }: UnplacedRules, changes: Changes, indexes: IndexWait) {
    this.#settings = settings
    this.#logs = logs
    this.#judge = judge
    this.#unwatched = unwatched
    this.#changes = changes
    this.#indexes = indexes
  }

  get size(): number {
    return this.#all.size
  }

  [Symbol.iterator](): IterableIterator<TableFiles> {
    return this.#all.values()
  }

  add(files: TableFiles): void {
    this.#all.add(files)
  }

  /** Takes an SSTable out. @returns whether it was there */
  delete(files: TableFiles): boolean {
    return this.#all.delete(files)
  }

  /** Its Data.db is gone: the operator is told anew if another one of its name is incomplete. */
  forget(files: TableFiles): void {
    this.#told.delete(files)
  }

  /** The run ends: nothing waits any more. */
  expose(): void {
    this.#isExposed = true
  }

  /** Takes out the news for the operator that were not told yet. */
  takeNews(): TableNews[] {
    return this.#news.splice(0)
  }

  /** When the SSTables that are uploaded have been at rest long enough, ms of the monotonic clock; undefined: none waits for that. */
  get restsAt(): number | undefined {
    let last: number | undefined
    for (const { status, whole } of this.#all)
      if (status === 'done' && whole.until !== undefined)
        last = Math.max(last ?? -Infinity, whole.at + this.#settings.settle)
    return last
  }

  /** Whether nothing waits for a decision: transaction logs say what becomes of each. */
  get isSettled(): boolean {
    for (const files of this.#all) if (!this.isClaimed(files)) return false
    return true
  }

  /** Whether one is whole, and only waits for its quiet time. */
  get isComing(): boolean {
    for (const files of this.#all) if (files.whole.until !== undefined && !this.isClaimed(files)) return true
    return false
  }

  /** Whether a transaction log says what becomes of it. */
  isClaimed(files: TableFiles): boolean {
    const { status } = files
    return status === 'obsolete' || status === 'written' || this.#logs.isWritten(files)
  }

  /** When something is to be decided, ms of the monotonic clock. */
  *times(): Generator<number> {
    const { settle } = this.#settings
    for (const files of this.#all) {
      const { at, until } = files.whole
      if (this.isClaimed(files)) continue
      if (until !== undefined) yield at + settle
      else if (files.hinderedSince !== undefined) yield files.hinderedSince + this.#stranded()
    }
  }

  /**
   * The number of the drained point after which all of them have come that have.
   * @param until changes are known until that point; one that is incomplete now is later than all that is known
   */
  floor(until: number, drains: number): number {
    let floor = Infinity
    for (const files of this.#all) {
      if (this.isClaimed(files)) continue
      if (files.whole.until === undefined && files.whole.after < until) this.#judge.judge(files, drains)
      floor = Math.min(floor, files.whole.after)
    }
    return floor
  }

  /**
   * Gives those that are complete, and those that do not become so, their commits.
   * @param looked when the table was looked at @param scannedAt when the first scan ended, ms by the server's clock
   */
  place(drains: number, { now, time: seen }: Instant, scannedAt: number): void {
    const arrived: TableFiles[] = []
    let isArriving = false
    for (const files of [...this.#all]) {
      const { after, until, time } = files.whole
      if (this.isClaimed(files) || files.status === 'dirty') continue
      if (files.status === 'old') this.#placeOld(files, drains, seen)
      else if (until === undefined) {
        if (this.#isStranded(files, now)) this.#giveUp(files, drains, seen)
        else this.#tellIncomplete(files, now)
        isArriving ||= files.quiet(now) < this.#settings.settle
      } else if (!this.#isAtRest(files, drains, now) || this.#mayBeWritten(files, now)) isArriving = true
      else if (isWellKnown(files)) {
        // One that the first scan found as the newest manifest has it was so at the scan, however much later it is judged.
        const isSame = files.isUntouched && files.stored !== undefined
        this.#commit(files, after, until, isSame ? Math.min(time, scannedAt) : time)
      } else arrived.push(files)
    }
    this.#placeArrived(arrived, isArriving, drains, now)
  }

  /** Nobody judges an SSTable that was there at the start; but what lacks files that it must have, Cassandra does not read. */
  #placeOld(files: TableFiles, drains: number, seen: number): void {
    const components = files.components()
    const has = (...names: string[]) => names.every(name => components.has(name))
    const isLikelyWhole =
      has('Data.db', 'Statistics.db') && (has('Index.db') || has('Partitions.db', 'Rows.db'))
    const isIncomplete =
      !isLikelyWhole && this.#judge.judge(files, drains).verdict.state === 'waiting' && !files.isGone
    if (isIncomplete) this.#giveUp(files, drains, seen)
    else this.#commit(files, files.whole.after, drains, seen)
  }

  /** Makes one change of SSTables that no transaction wrote. @param isArriving whether another one is on its way */
  #placeArrived(arrived: readonly TableFiles[], isArriving: boolean, drains: number, now: number): void {
    if (arrived.length === 0) return
    const first = Math.min(...arrived.map(({ whole }) => whole.at))
    const limit = ARRIVAL_SETTLES * this.#settings.settle
    if (isArriving && !this.#isExposed && now - first < limit) return
    const after = Math.min(...arrived.map(({ whole }) => whole.after))
    const until = Math.max(...arrived.map(({ whole }) => whole.until ?? drains))
    for (const files of arrived) this.#commit(files, after, until, files.whole.time)
  }

  /** Whether what Cassandra never changes of it has been the same for the settle time. */
  #isAtRest(files: TableFiles, drains: number, now: number): boolean {
    const { at } = files.whole
    if (isWellKnown(files)) return true
    if (now - at < this.#settings.settle) return false
    // A file that Cassandra may change keeps it from being uploaded, not from being part of the table.
    if (files.status === 'settling') this.#judge.judge(files, drains)
    return files.whole.at === at
  }

  #tellIncomplete(files: TableFiles, now: number): void {
    if (files.hinderedSince === undefined || now - files.hinderedSince < STRANDED || this.#told.has(files))
      return
    this.#told.add(files)
    this.#news.push({ kind: 'incomplete', path: files.path, isPart: false, missing: files.missing })
  }

  #commit(files: TableFiles, after: number, until: number, time: number): void {
    this.#take(files, after, until, time)
    this.#indexes.noteChange()
  }

  #giveUp(files: TableFiles, drains: number, seen: number): void {
    this.#news.push({ kind: 'incomplete', path: files.path, isPart: true, missing: files.missing })
    this.#take(files, files.whole.after, drains, seen, true)
  }

  #take(files: TableFiles, after: number, until: number, time: number, isGivenUp = false): void {
    this.#all.delete(files)
    this.#told.delete(files)
    files.place(isGivenUp)
    const known = this.#unwatched.of(files.directory, time)
    this.#changes.add({ after, until, adds: [files], removes: [], time: known })
  }

  /** Whether a transaction log that could not be read may be that of its writer. */
  #mayBeWritten(files: TableFiles, now: number): boolean {
    if (now - files.whole.at > LOG_PATIENCE) return false
    return this.#logs.unread.some(({ index }) => index === files.index)
  }

  #stranded(): number {
    return this.#settings.isOneShot ? this.#settings.settle : STRANDED
  }

  #isStranded(files: TableFiles, now: number): boolean {
    if (files.status !== 'waiting' || !files.has(files.main)) return false
    if (this.#isExposed) return true
    const limit = this.#stranded()
    return files.quiet(now) >= limit && now - (files.hinderedSince ?? now) >= limit
  }
}

/** Whether it needs no quiet time: a transaction wrote it, or the newest manifest has it. */
function isWellKnown({ isSettled, stored }: TableFiles): boolean {
  return isSettled || stored !== undefined
}
