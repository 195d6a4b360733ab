/**
 * Until when a table is known to be as its history says: a daemon that has read every event, and has found no change in them,
 * knows more than a manifest that another run of this node wrote meanwhile. Its restore point, if it says something else, is
 * true after that one, too, and comes after it.
 */
export class Present {
  #until: number | undefined
  #isAwaited = false

  /** Whether a restore point waits until the table has been looked at once more. */
  get isAwaited(): boolean {
    return this.#isAwaited
  }

  /** A drained point. @param until when the look before it began, ms since 1970; undefined: changes have no place yet */
  drained(until: number | undefined): void {
    this.#until = until
  }

  /**
   * The time of a restore point that is true now. @param known when the last change of it was seen, ms since 1970
   * @param newest the time of the newest manifest @param now ms since 1970
   * @returns undefined: it is known after the next drained point
   */
  timeOf(known: number, newest: number, now: number): number | undefined {
    this.#isAwaited = false
    if (known > newest || this.#until === undefined) return known
    if (this.#until > newest) return newest + 1
    // The clock of whoever dated it was wrong.
    if (newest >= now) return known
    this.#isAwaited = true
    return undefined
  }
}
