import { RequestCounts, type RequestCount } from '../s3/request-counts.js'

/** How the S3 server answers, as all threads see it together. */
export class ServerState {
  /** Requests of all threads. */
  readonly requests = new RequestCounts(() => {
    if (this.#error === undefined) this.#since ??= Date.now()
  })
  #retries = 0
  /** When it was first heard of, as reachable or not, and when that changed last: ms since 1970. */
  #since: number | undefined
  #error: string | undefined
  #nextTry = 0
  readonly #listeners: (() => void)[] = []

  get isReachable(): boolean {
    return this.#error === undefined
  }

  /** Since when it has been reachable, or not, ms since 1970; undefined: nothing is known yet. */
  get since(): number | undefined {
    return this.#since
  }

  /** Why it cannot be reached. */
  get error(): string | undefined {
    return this.#error
  }

  /** Requests that were repeated. */
  get retries(): number {
    return this.#retries
  }

  /** When the next request is repeated, ms since 1970; undefined: none waits for that. */
  get nextTry(): number | undefined {
    return this.#nextTry > Date.now() ? this.#nextTry : undefined
  }

  /** Requests were answered, or not. */
  asked(counts: readonly RequestCount[]): void {
    this.requests.addAll(counts)
  }

  /** A request will be repeated. @param pause ms */
  retried(pause: number): void {
    this.#retries++
    const now = Date.now()
    // The first of those that wait is the next one.
    if (this.#nextTry <= now || now + pause < this.#nextTry) this.#nextTry = now + pause
  }

  /** Has a listener called whenever the server has become unreachable. */
  onSilence(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** No request has been answered. @param length for so long, ms @returns whether that is news */
  silent(message: string, length: number): boolean {
    const isNews = this.#error === undefined
    if (isNews) this.#since = Date.now() - length
    this.#error = message
    if (isNews) for (const listener of this.#listeners) listener()
    return isNews
  }

  /** A request was answered. @returns whether that is news */
  returned(): boolean {
    if (this.#error === undefined) return false
    this.#error = undefined
    this.#since = Date.now()
    return true
  }
}
