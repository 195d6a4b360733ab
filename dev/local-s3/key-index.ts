/** UTF-8 bytes, one character each: comparing such strings compares the bytes, as S3 orders keys. */
function byteString(key: string): string {
  return Buffer.from(key).toString('latin1')
}

/** Values by key, in the order of the keys' UTF-8 bytes. */
export class KeyIndex<Value> {
  readonly #values = new Map<string, Value>()
  #order: string[] = []

  get size(): number {
    return this.#values.size
  }

  get(key: string): Value | undefined {
    return this.#values.get(byteString(key))
  }

  set(key: string, value: Value): void {
    const name = byteString(key)
    const known = this.#values.has(name)
    this.#values.set(name, value)
    if (known) return
    const last = this.#order.at(-1)
    if (last === undefined || last < name) this.#order.push(name)
    else this.#order.splice(this.#lowerBound(name), 0, name)
  }

  delete(key: string): void {
    const name = byteString(key)
    if (this.#values.delete(name)) this.#order.splice(this.#lowerBound(name), 1)
  }

  /** Fills an empty index at once; cheaper than one `set` a value. */
  load(entries: Iterable<readonly [string, Value]>): void {
    for (const [key, value] of entries) this.#values.set(byteString(key), value)
    this.#order = [...this.#values.keys()].sort((a, b) => (a < b ? -1 : 1))
  }

  values(): Iterable<Value> {
    return this.#values.values()
  }

  /** The first value whose key is at or behind `key` (behind it when `exclusive`). */
  at(key: string, exclusive: boolean): Value | undefined {
    return this.#byPosition(byteString(key), exclusive)
  }

  /** The first value whose key is behind every key that starts with `prefix`. */
  behind(prefix: string): Value | undefined {
    // No byte of UTF-8 is 0xff.
    return this.#byPosition(`${byteString(prefix)}\xff`, false)
  }

  #byPosition(name: string, exclusive: boolean): Value | undefined {
    let position = this.#lowerBound(name)
    if (exclusive && this.#order[position] === name) position++
    const found = this.#order[position]
    return found === undefined ? undefined : this.#values.get(found)
  }

  #lowerBound(name: string): number {
    let low = 0
    let high = this.#order.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#order[middle] ?? '') < name) low = middle + 1
      else high = middle
    }
    return low
  }
}
