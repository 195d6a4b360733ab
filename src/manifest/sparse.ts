/**
 * A set that takes little memory while nothing was ever put into it: of ten thousand tables that are watched most have
 * nothing in most of theirs.
 */
export class SparseSet<T> implements ReadonlySet<T> {
  #set: Set<T> | undefined

  constructor(values: Iterable<T> = []) {
    for (const value of values) this.add(value)
  }

  get size(): number {
    return this.#set?.size ?? 0
  }

  add(value: T): this {
    this.#set ??= new Set()
    this.#set.add(value)
    return this
  }

  has(value: T): boolean {
    return this.#set?.has(value) ?? false
  }

  delete(value: T): boolean {
    return this.#set?.delete(value) ?? false
  }

  clear(): void {
    this.#set?.clear()
  }

  forEach(callback: (value: T, same: T, set: ReadonlySet<T>) => void): void {
    this.#set?.forEach(value => callback(value, value, this))
  }

  entries(): SetIterator<[T, T]> {
    return (this.#set ?? NOTHING).entries() as SetIterator<[T, T]>
  }

  keys(): SetIterator<T> {
    return this.values()
  }

  values(): SetIterator<T> {
    return (this.#set ?? NOTHING).values() as SetIterator<T>
  }

  [Symbol.iterator](): SetIterator<T> {
    return this.values()
  }
}

/** The same for a map. */
export class SparseMap<K, V> implements ReadonlyMap<K, V> {
  #map: Map<K, V> | undefined

  get size(): number {
    return this.#map?.size ?? 0
  }

  set(key: K, value: V): this {
    this.#map ??= new Map()
    this.#map.set(key, value)
    return this
  }

  get(key: K): V | undefined {
    return this.#map?.get(key)
  }

  has(key: K): boolean {
    return this.#map?.has(key) ?? false
  }

  delete(key: K): boolean {
    return this.#map?.delete(key) ?? false
  }

  clear(): void {
    this.#map?.clear()
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    this.#map?.forEach((value, key) => callback(value, key, this))
  }

  entries(): MapIterator<[K, V]> {
    return (this.#map ?? NONE).entries() as MapIterator<[K, V]>
  }

  keys(): MapIterator<K> {
    return (this.#map ?? NONE).keys() as MapIterator<K>
  }

  values(): MapIterator<V> {
    return (this.#map ?? NONE).values() as MapIterator<V>
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }
}

/** What there is to see of those that are empty. */
const NOTHING: ReadonlySet<unknown> = new Set()
const NONE: ReadonlyMap<unknown, unknown> = new Map()
