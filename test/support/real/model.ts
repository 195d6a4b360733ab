import type { Contents, Versions } from './versions.js'

/** What SSTables held: at least the one, and at most the other. */
export interface Moment {
  readonly least: Contents
  readonly most: Contents
  /** When what led to it had ended, ms since 1970. */
  readonly at: number
}

/** A table on a node, and beside it what each flush has left in its SSTables. */
export class Model {
  /** Keyspace and table. */
  readonly name: string
  /** What the SSTables held, from the beginning on. */
  readonly moments: Moment[] = [{ least: new Map(), most: new Map(), at: Date.now() }]
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
    let index = this.moments.length - 1
    while (index > 0 && this.#holds(index - 1, this.moments.at(-1)?.most)) index -= 1
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
    const now = new Map(this.#now)
    this.moments.push({ least: now, most: now, at: Date.now() })
  }

  /** The table was emptied, or is no more. */
  emptied(): void {
    this.#now.clear()
    this.flushed()
  }

  /** SSTables came into the table that nobody flushed there; in pieces, if it says so. */
  gained(rows: Contents, pieces = false): void {
    const least = new Map(this.#now)
    for (const [id, version] of rows) this.#now.set(id, version)
    if (pieces) this.moments.push({ least, most: new Map(this.#now), at: Date.now() })
    this.flushed()
  }

  /** Rows that belong to the node no more went. */
  lost(rows: Iterable<number>): void {
    const most = new Map(this.#now)
    for (const id of rows) this.#now.delete(id)
    this.moments.push({ least: new Map(this.#now), most, at: Date.now() })
    this.flushed()
  }

  /**
   * The node was killed and has replayed its commitlog: where a deletion was purged already, that may bring rows again
   * that had been deleted. Returns how many.
   */
  async replayed(): Promise<number> {
    const before = this.#now.size
    this.gained(await this.rows.contents(this.name), true)
    return this.#now.size - before
  }

  /** The first moment, not before `from`, at which the SSTables held this. */
  find(contents: Contents, from: number): number | undefined {
    const index = this.moments.findIndex((_, i) => i >= from && this.#holds(i, contents))
    return index < 0 ? undefined : index
  }

  /** The numbers of all moments at which the SSTables held this. */
  all(contents: Contents): number[] {
    return [...this.moments.keys()].filter(index => this.#holds(index, contents))
  }

  #holds(index: number, contents: Contents | undefined): boolean {
    const moment = this.moments[index]
    if (moment === undefined || contents === undefined) return false
    return within(moment.least, contents) && within(contents, moment.most)
  }
}

/** Whether one table holds all that another one holds. */
function within(a: Contents, b: Contents): boolean {
  return a.size <= b.size && [...a].every(([id, version]) => b.get(id) === version)
}

/** How two tables differ, in a few words. */
export function difference(found: Contents, expected: Contents): string {
  const extra = [...found.keys()].filter(id => !expected.has(id))
  const missing = [...expected.keys()].filter(id => !found.has(id))
  const other = [...found].filter(([id, version]) => (expected.get(id) ?? version) !== version)
  const shown = (ids: number[]): string => `${ids.length} (${ids.slice(0, 3).join(', ')})`
  return `extra ${shown(extra)}, missing ${shown(missing)}, of another version ${shown(other.map(([id]) => id))}`
}
