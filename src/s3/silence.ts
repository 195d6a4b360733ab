import type { S3Error } from './errors.js'

/** Who is told of a silence; each once for every silence. */
export interface SilenceListener {
  /** The server has not answered for a while. @param error of the last request @param length for so long, ms */
  onSilence(error: S3Error, length: number): void
  /** It answers again. @param length of the silence, ms */
  onReturn(length: number): void
}

/** A silence that is shorter is no news, ms: servers start again within it. */
const WORTH_TELLING = 3_000

/** How long a server has not answered: whoever waits for it gives up by that, not by the number of requests. */
export class Silence {
  /** Whether it ever answered. */
  hasAnswered = false
  readonly #listener: SilenceListener | undefined
  /** When the first request since its last answer failed. */
  #since: number | undefined
  #told = false
  #answered = -Infinity

  constructor(listener?: SilenceListener) {
    this.#listener = listener
  }

  /** Since when no request has got an answer, ms; 0 when the last one has. */
  get length(): number {
    return this.#since === undefined ? 0 : performance.now() - this.#since
  }

  /** Whether a request has got an answer since a time of `performance.now()`. */
  hasAnsweredSince(time: number): boolean {
    return this.#answered > time
  }

  /** A request got an answer from the server. */
  answered(): void {
    const { length } = this
    this.hasAnswered = true
    this.#answered = performance.now()
    this.#since = undefined
    if (!this.#told) return
    this.#told = false
    this.#listener?.onReturn(length)
  }

  /** A request got none. @param stalled how long it has waited without a byte, ms */
  missed(error: S3Error, stalled = 0): void {
    this.#since ??= Math.max(this.#answered, performance.now() - stalled)
    if (this.#told || this.length < WORTH_TELLING) return
    this.#told = true
    this.#listener?.onSilence(error, this.length)
  }
}
