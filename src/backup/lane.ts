/** A queue: items have their turns in the order in which they came; those that were put off come after all others. */
export class Lane<T> {
  readonly #first = new Set<T>()
  readonly #last = new Set<T>()

  /** @param isPutOff whether the item comes after all that are not put off */
  add(item: T, isPutOff: boolean): void {
    if (isPutOff) this.#last.add(item)
    else this.#first.add(item)
  }

  /** Puts a waiting item off. */
  putOff(item: T): void {
    if (this.#first.delete(item)) this.#last.add(item)
  }

  /** @returns whether it was waiting */
  delete(item: T): boolean {
    return this.#first.delete(item) || this.#last.delete(item)
  }

  /** Removes the item whose turn it is; undefined: nothing waits. */
  take(): T | undefined {
    for (const items of [this.#first, this.#last])
      for (const item of items) {
        items.delete(item)
        return item
      }
    return undefined
  }

  /** Removes all items, and returns them in the order of their turns. */
  clear(): T[] {
    const items = [...this.#first, ...this.#last]
    this.#first.clear()
    this.#last.clear()
    return items
  }
}
