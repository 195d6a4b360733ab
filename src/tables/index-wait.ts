import type { Clock } from './ports.js'

/** A table and its secondary indexes commit one after the other: how long one waits for the next, and at most, ms. */
const INDEX_WAIT = 2_000
const INDEX_CAP = 5_000

/**
 * How often the wait begins anew while nothing gets its place. A barrier or a gap may hold changes back for a minute, and an
 * unrelated change may come after each wait in it: the last of them must find a wait left, as its other half may follow.
 */
const INDEX_WAITS = 30

/** How long a change of a table waits for the same change of its indexes, and theirs for the table's. */
export class IndexWait {
  readonly #clock: Clock
  /** When the first change was seen that waits, and the last one, ms of the monotonic clock; how often the wait has begun anew. */
  #since: number | undefined
  #last = 0
  #anew = 0
  #isExposed = false
  /** Whether a scan of the directories was ordered since the last change. */
  #isScanOrdered = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A change is there that may have another half. */
  noteChange(): void {
    const now = this.#clock.now()
    // After a standstill what came long before still has no place: the wait for it is over, and that for this one begins.
    const isLate = now - this.#last > INDEX_WAIT
    if (this.#since === undefined) this.#since = now
    else if (isLate && this.#anew < INDEX_WAITS) {
      this.#since = now
      this.#anew++
    }
    this.#last = now
    this.#isScanOrdered = false
  }

  /**
   * Where no event tells of the other half of a change, the directories are to be scanned after the wait; from now on they count as ordered.
   * @returns whether nobody has ordered it since the last change
   */
  orderScan(): boolean {
    if (this.#since === undefined || this.#isExposed || this.#isScanOrdered) return false
    this.#isScanOrdered = true
    return true
  }

  /** Changes have got their place. @param isLast whether none is left that has none */
  notePlaced(count: number, isLast: boolean): void {
    if (isLast) this.#since = undefined
    if (count > 0) this.#anew = 0
  }

  /** The run ends: nothing waits any more. */
  expose(): void {
    this.#isExposed = true
  }

  /** When it is over, ms of the monotonic clock; undefined: nothing waits. */
  get endsAt(): number | undefined {
    return this.#since === undefined ? undefined : Math.min(this.#last + INDEX_WAIT, this.#since + INDEX_CAP)
  }

  /**
   * Whether a change waits for its other half.
   * @param isComing whether an SSTable is whole and waits for its quiet time: it may be the other half, of which no log was read
   */
  holds(now: number, isComing: boolean): boolean {
    if (this.#since === undefined || this.#isExposed) return false
    return now < (isComing ? this.#since + INDEX_CAP : (this.endsAt ?? -Infinity))
  }
}
