import type { Clock } from '../tables/ports.js'

/** How long nothing must have succeeded for an outage, ms. */
const LEAST = 5_000

/**
 * Notices when an outage of the server, or of the way to it, is over: whoever waits for a retry then need not wait for the
 * end of a pause of its own, so that pauses do not add up.
 */
export class Recovery {
  readonly #clock: Clock
  readonly #listeners: (() => void)[] = []
  /** When the first failure since the last success was, ms of the monotonic clock. */
  #since: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Has `work` done at the end of each outage. */
  onEnd(work: () => void): void {
    this.#listeners.push(work)
  }

  /** A request failed that may succeed later. */
  failed(): void {
    this.#since ??= this.#clock.now()
  }

  /** The server did what it was asked. */
  succeeded(): void {
    const since = this.#since
    this.#since = undefined
    if (since === undefined || this.#clock.now() - since < LEAST) return
    for (const work of this.#listeners) work()
  }
}
