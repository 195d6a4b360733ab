/** Numbers of a cell: the id of its thread (0: free), and how many beats the thread has made. */
const CELL = 2

/**
 * Signs of life of worker threads, in memory that all threads share. Each worker counts its beats by a timer, so the count stands
 * still when the worker's event loop does. The main thread compares the counts with those of its last look. It must never wait for
 * a worker: a stuck one would not answer.
 */
export class Heartbeats {
  readonly shared: SharedArrayBuffer
  readonly #cells: Int32Array
  /** The counts of the last look, by thread. */
  #seen = new Map<number, number>()

  /** @param threads as many as may live at once @param shared the memory of another instance */
  constructor(threads: number, shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(threads * CELL * Int32Array.BYTES_PER_ELEMENT)
    this.#cells = new Int32Array(this.shared)
  }

  /** In a worker: one more beat. @param thread its id, above 0 */
  beat(thread: number): void {
    const cell = this.#cellOf(thread) ?? this.#take(thread)
    if (cell !== undefined) Atomics.add(this.#cells, cell + 1, 1)
  }

  /**
   * In the main thread: the threads that have made no beat since the last look. One that has made none at all is starting, and is not
   * among them.
   * @param living the ids of the threads that there are; cells of others become free
   */
  stuck(living: readonly number[]): number[] {
    const counts = new Map<number, number>()
    for (let cell = 0; cell < this.#cells.length; cell += CELL) {
      const thread = Atomics.load(this.#cells, cell)
      if (thread === 0) continue
      if (living.includes(thread)) counts.set(thread, Atomics.load(this.#cells, cell + 1))
      else Atomics.store(this.#cells, cell, 0)
    }
    const seen = this.#seen
    this.#seen = counts
    return [...counts].filter(([thread, count]) => seen.get(thread) === count).map(([thread]) => thread)
  }

  #cellOf(thread: number): number | undefined {
    for (let cell = 0; cell < this.#cells.length; cell += CELL)
      if (Atomics.load(this.#cells, cell) === thread) return cell
    return undefined
  }

  #take(thread: number): number | undefined {
    for (let cell = 0; cell < this.#cells.length; cell += CELL) {
      if (Atomics.compareExchange(this.#cells, cell, 0, thread) !== 0) continue
      Atomics.store(this.#cells, cell + 1, 0)
      return cell
    }
    // Threads that have ended hold all cells until the next look.
    return undefined
  }
}
