/** Time that the rate is of, ms. */
const WINDOW = 60_000

/** Between two marks that are kept, ms. */
const STEP = 500

/** Bytes a second in the last minute, of a count of bytes that is told as it grows. */
export class RecentRate {
  readonly #now: () => number
  readonly #marks: { readonly time: number; readonly bytes: number }[]
  #bytes = 0

  /** @param now ms of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#marks = [{ time: now(), bytes: 0 }]
  }

  /** @param bytes so far */
  reached(bytes: number): void {
    this.#bytes = bytes
    const time = this.#now()
    if (time - (this.#marks.at(-1)?.time ?? -Infinity) < STEP) return
    this.#marks.push({ time, bytes })
    this.#forget(time)
  }

  /** Bytes a second; of the time since the start where that is shorter than a minute. */
  get rate(): number {
    const time = this.#now()
    this.#forget(time)
    const [first = { time, bytes: 0 }] = this.#marks
    return time > first.time ? (Math.max(0, this.#bytes - first.bytes) / (time - first.time)) * 1000 : 0
  }

  /** The newest mark that is a minute old is the one to compare with. */
  #forget(time: number): void {
    while ((this.#marks[1]?.time ?? Infinity) <= time - WINDOW) this.#marks.shift()
  }
}
