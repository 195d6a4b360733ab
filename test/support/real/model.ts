import type { Contents, Versions } from './versions.js'

/** A table on a node, and beside it what each flush has left in its SSTables. */
export class Model {
  /** Keyspace and table. */
  readonly name: string
  /** What the SSTables held, from the beginning on. */
  readonly moments: Contents[] = [new Map()]
  /** The session; another one after the node was started again. */
  rows: Versions
  readonly #now = new Map<number, number>()

  constructor(rows: Versions, name: string) {
    this.rows = rows
    this.name = name
  }

  /** What the table holds now, what is not flushed included. */
  get now(): Contents {
    return this.#now
  }

  /** The number of the first moment whose rows are those of the newest. */
  get newest(): number {
    const newest = this.moments.at(-1) ?? new Map()
    let index = this.moments.length - 1
    while (index > 0 && same(this.moments[index - 1] ?? new Map(), newest)) index -= 1
    return index
  }

  /** Writes rows; see {@link Versions.write}. */
  async write(first: number, end: number, version: number): Promise<void> {
    for (let id = first; id < end; id += 1) this.#now.set(id, version)
    await this.rows.write(this.name, first, end, version)
  }

  /** Deletes rows; see {@link Versions.delete}. */
  async delete(first: number, end: number): Promise<void> {
    for (let id = first; id < end; id += 1) this.#now.delete(id)
    await this.rows.delete(this.name, first, end)
  }

  /** A flush has ended, or something else that puts into SSTables what the table holds. */
  flushed(): void {
    this.moments.push(new Map(this.#now))
  }

  /** The table was emptied, or is no more. */
  emptied(): void {
    this.#now.clear()
    this.flushed()
  }

  /** Rows that were put into the table's directory as SSTables are there now. */
  gained(rows: Contents): void {
    for (const [id, version] of rows) this.#now.set(id, version)
    this.flushed()
  }

  /** The first moment, not before `from`, at which the SSTables held this. */
  find(contents: Contents, from: number): number | undefined {
    const index = this.moments.findIndex((moment, i) => i >= from && same(moment, contents))
    return index < 0 ? undefined : index
  }
}

/** Whether two tables hold the same. */
export function same(a: Contents, b: Contents): boolean {
  return a.size === b.size && [...a].every(([id, version]) => b.get(id) === version)
}

/** How two tables differ, in a few words. */
export function difference(found: Contents, expected: Contents): string {
  const extra = [...found.keys()].filter(id => !expected.has(id))
  const missing = [...expected.keys()].filter(id => !found.has(id))
  const other = [...found].filter(([id, version]) => (expected.get(id) ?? version) !== version)
  const shown = (ids: number[]): string => `${ids.length} (${ids.slice(0, 3).join(', ')})`
  return `extra ${shown(extra)}, missing ${shown(missing)}, of another version ${shown(other.map(([id]) => id))}`
}
