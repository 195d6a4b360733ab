/** A number of places; whoever finds none free waits, first come, first served. The number may change while places are taken. */
export class Slots {
  readonly #limit: () => number
  readonly #waiting: (() => void)[] = []
  #taken = 0

  /** @param places how many there are, or what says how many there are now */
  constructor(places: number | (() => number)) {
    this.#limit = typeof places === 'number' ? () => places : places
  }

  /** Holds a place while `work` runs. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    await this.enter()
    try {
      return await work()
    } finally {
      this.leave()
    }
  }

  /** Takes a place as soon as one is free; {@link leave} gives it back. */
  async enter(): Promise<void> {
    if (this.#taken < this.#limit()) this.#taken++
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  /** Gives a place back. */
  leave(): void {
    this.#taken--
    while (this.#waiting.length > 0 && this.#taken < this.#limit()) {
      this.#taken++
      this.#waiting.shift()?.()
    }
  }
}

/**
 * Works through `items` in order, up to `lanes` at once. The first failure stops the rest, and is thrown once all work
 * that had begun has ended.
 */
export async function eachOf<T>(
  items: Iterable<T>,
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failed = false
  const lane = async (): Promise<void> => {
    while (!failed) {
      const next = iterator.next()
      if (next.done === true) return
      try {
        await work(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
