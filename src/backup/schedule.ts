/** At most one timer for each key. */
export class Schedule<K> {
  readonly #timers = new Map<K, NodeJS.Timeout>()

  /** Timers that have not fired. */
  get size(): number {
    return this.#timers.size
  }

  /** What there are timers for, now. */
  get keys(): K[] {
    return [...this.#timers.keys()]
  }

  has(key: K): boolean {
    return this.#timers.has(key)
  }

  /** Runs `work` after `delay` ms, in place of what was set for the key. */
  set(key: K, delay: number, work: () => void): void {
    this.cancel(key)
    const timer = setTimeout(() => {
      this.#timers.delete(key)
      work()
    }, delay)
    this.#timers.set(key, timer)
  }

  cancel(key: K): void {
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }
}
