/** Words of the shared counter. */
const LIMIT = 0
const GOOD = 1

/** Answers in a row, per request allowed, after which one more is. */
const PATIENCE = 8

/**
 * How many tasks may be in flight, one number for all threads: halved when the server asks for fewer, raised by one
 * after a run of good answers (additive increase, multiplicative decrease).
 */
export class Pacing {
  readonly shared: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #most: number

  /** @param most tasks in flight while the server does not complain @param shared from another thread's Pacing */
  constructor(most: number, shared?: SharedArrayBuffer) {
    this.#most = most
    this.shared = shared ?? new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)
    this.#words = new Int32Array(this.shared)
    if (shared === undefined) Atomics.store(this.#words, LIMIT, most)
  }

  /** Tasks that may be in flight now; at least 1. */
  get limit(): number {
    return Atomics.load(this.#words, LIMIT)
  }

  /** The server asked for fewer requests. */
  slowDown(): void {
    const limit = this.limit
    Atomics.compareExchange(this.#words, LIMIT, limit, Math.max(1, limit >> 1))
    Atomics.store(this.#words, GOOD, 0)
  }

  /** A task went through. */
  success(): void {
    const limit = this.limit
    if (limit >= this.#most || Atomics.add(this.#words, GOOD, 1) + 1 < limit * PATIENCE) return
    Atomics.store(this.#words, GOOD, 0)
    Atomics.compareExchange(this.#words, LIMIT, limit, limit + 1)
  }
}
