/** ms of the clock that no setting of the time of day changes; the same in every thread, so offsets from it can be passed on. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** A Date header has whole seconds: the server wrote it up to so much later, ms. */
const SECOND = 999

/** When an answer with a Date was sent for and had come. */
export interface DatedAnswer {
  /** Its Date, ms since 1970. */
  readonly date: number
  /** ms of {@link monotonic}. */
  readonly sent: number
  readonly answered: number
  /** This machine's time of day when it had come, ms since 1970. */
  readonly wall: number
}

/**
 * The server's time of day: the Date of the last answer and the monotonic clock since. This machine's own time of day counts only
 * as far as an answer has shown it to be right, for the milliseconds that a Date leaves open; when it jumps, nothing changes.
 */
export class ServerTime {
  #offset: number | undefined

  /** The server's time of day minus {@link monotonic}, ms; undefined before the first answer. */
  get offset(): number | undefined {
    return this.#offset
  }

  answered({ date, sent, answered, wall }: DatedAnswer): void {
    const fits = (time: number): boolean => time >= date && time <= date + SECOND + (answered - sent)
    // An offset that still fits stays: it rests on more than one answer.
    if (this.#offset !== undefined && fits(answered + this.#offset)) return
    this.#offset = (fits(wall) ? wall : date) - answered
  }
}
