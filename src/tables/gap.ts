import { SparseSet } from '../manifest/sparse.js'

import type { TransactionLog } from './logs.js'

/** How long a transaction log that cannot be read holds a gap open, ms; after that restore points name it. */
export const LOG_PATIENCE = 60_000

/**
 * A time in which changes of a table may have been missed. It ends once every transaction log that could not be read is
 * gone, and every directory has been scanned after that.
 */
export class Gap {
  /** It began after the drained point of this number. */
  #after: number
  #until: number
  readonly #logs = new SparseSet<TransactionLog>()
  readonly #pending: SparseSet<string>
  #isOrdered: boolean
  #hasEnd = false
  #time = 0
  /** Whether no event tells of changes in a directory of it: what its scans saw was true when they were ordered. */
  #isBlind = false
  #orderedAt: number
  /** When a directory of it was found to be gone last. */
  #lostAt = -Infinity

  /**
   * @param isFirst whether it is the one before the first scan, which nobody needs to order
   * @param since ms of the monotonic clock
   * @param time ms by the server's clock
   */
  constructor(
    after: number,
    readonly isFirst: boolean,
    readonly since: number,
    time: number,
    directories: Iterable<string>,
  ) {
    this.#after = after
    this.#until = after
    this.#pending = new SparseSet(directories)
    this.#isOrdered = isFirst
    this.#orderedAt = time
    // A directory that cannot be read is never scanned.
    this.#time = time
  }

  get after(): number {
    return this.#after
  }

  /** It was over at the drained point of this number. */
  get until(): number {
    return this.#until
  }

  /** When what its scans saw was true, ms by the server's clock. */
  get time(): number {
    return this.#isBlind ? Math.max(this.#orderedAt, this.#lostAt) : this.#time
  }

  /** Whether a truncate or drop was missed. */
  get hasEnd(): boolean {
    return this.#hasEnd
  }

  /** Whether its directories are to be scanned, and nobody was told. */
  get wantsScan(): boolean {
    return !this.#isOrdered && this.#logs.size === 0
  }

  /** More may have been missed: what was scanned is scanned again. */
  extend(after: number, directories: Iterable<string>, log?: TransactionLog): void {
    this.#after = Math.min(this.#after, after)
    for (const path of directories) this.#pending.add(path)
    if (log !== undefined) {
      this.#logs.add(log)
      this.#hasEnd ||= log.isEnd
    }
    this.#isOrdered = false
  }

  /** The scans are ordered. @param time ms by the server's clock */
  ordered(time: number): void {
    this.#isOrdered = true
    this.#orderedAt = time
  }

  /** A log that could not be read is gone. @param drains how many drained points the table has had */
  logEnded(log: TransactionLog, drains: number): void {
    if (this.#logs.delete(log)) this.#until = drains + 1
  }

  /**
   * A directory was scanned. @param isSure whether what the scan saw was there at one moment
   * @param isWatched whether events tell of changes in it
   */
  scanned(path: string, isSure: boolean, isWatched: boolean, drains: number, time: number): void {
    this.#isBlind ||= !isWatched
    this.#until = drains + 1
    this.#time = time
    if (!this.#isOrdered) return
    if (isSure) this.#pending.delete(path)
    else {
      this.#pending.add(path)
      this.#isOrdered = false
    }
  }

  /** A directory is gone. @param time ms by the server's clock */
  lost(path: string, drains: number, time: number): void {
    this.#pending.delete(path)
    this.#until = drains + 1
    this.#time = time
    this.#lostAt = time
  }

  /** An SSTable went that nothing is known of: what the gap ends with was true only after that. */
  outlasts(drains: number, time: number): void {
    this.#until = drains + 1
    this.#time = time
  }

  /** It ends with what is true now: where no event tells of changes, only another scan can tell that. */
  renew(directories: Iterable<string>, drains: number, time: number): void {
    if (this.#isBlind) this.extend(this.#after, directories)
    else this.outlasts(drains, time)
  }

  /** Stops waiting for logs that cannot be read. */
  giveUpLogs(): void {
    this.#logs.clear()
  }

  /** Whether it has logs that cannot be read. */
  get hasLogs(): boolean {
    return this.#logs.size > 0
  }

  /** Whether all of it is known now. */
  get isOver(): boolean {
    return this.#isOrdered && this.#pending.size === 0 && this.#logs.size === 0
  }
}
