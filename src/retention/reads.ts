import { Slots } from '../concurrency.js'

/** Reads of the bucket that go on beside each other; none is begun after one has failed. */
export class Reads {
  readonly #slots: Slots
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(width: number) {
    this.#slots = new Slots(width)
  }

  /** Begins a read, once fewer than the width are under way. @throws what an earlier one has thrown */
  async begin(read: () => Promise<void>): Promise<void> {
    await this.#slots.enter()
    if (this.#failure !== undefined) this.#slots.leave()
    this.#throw()
    const run = read()
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#running.delete(run)
        this.#slots.leave()
      })
    this.#running.add(run)
  }

  /** Waits for all. @throws what one has thrown */
  async end(): Promise<void> {
    await Promise.all(this.#running)
    this.#throw()
  }

  #throw(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
