/** Reads of the bucket that go on beside each other; none is begun after one has failed. */
export class Reads {
  readonly #width: number
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(width: number) {
    this.#width = width
  }

  /** Begins a read, once fewer than the width are under way. @throws what an earlier one has thrown */
  async begin(read: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#width) await Promise.race(this.#running)
    this.#throw()
    const run = read()
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#running.delete(run))
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
