/** One count of {@link RequestCounts}: operation, HTTP status (0: no answer), requests. */
export type RequestCount = readonly [operation: string, status: number, count: number]

/** Counts requests by operation and HTTP status. */
export class RequestCounts {
  readonly #counts = new Map<string, Map<number, number>>()
  readonly #onAnswer: (() => void) | undefined

  /** @param onAnswer called whenever a request was answered */
  constructor(onAnswer?: () => void) {
    this.#onAnswer = onAnswer
  }

  /** @param status 0: there was no answer */
  add(operation: string, status: number, count = 1): void {
    let statuses = this.#counts.get(operation)
    if (statuses === undefined) this.#counts.set(operation, (statuses = new Map<number, number>()))
    statuses.set(status, (statuses.get(status) ?? 0) + count)
    if (status > 0) this.#onAnswer?.()
  }

  addAll(counts: readonly RequestCount[]): void {
    for (const [operation, status, count] of counts) this.add(operation, status, count)
  }

  *[Symbol.iterator](): Generator<RequestCount> {
    for (const [operation, statuses] of this.#counts)
      for (const [status, count] of statuses) yield [operation, status, count]
  }

  /** The counts since the last call; they begin anew. */
  take(): RequestCount[] {
    const counts = [...this]
    this.#counts.clear()
    return counts
  }
}
