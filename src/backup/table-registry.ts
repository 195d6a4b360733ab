import { unitOf } from '../cassandra/unit.js'
import type { Table } from '../tables/table.js'

/** The tables that are backed up now, by name and by directory. */
export class TableRegistry {
  readonly #make: (name: string) => Table
  readonly #tables = new Map<string, Table>()
  readonly #directories = new Map<string, Table>()

  /** @param make makes a table that was not known, of a name by {@link unitOf} */
  constructor(make: (name: string) => Table) {
    this.#make = make
  }

  get size(): number {
    return this.#tables.size
  }

  [Symbol.iterator](): MapIterator<Table> {
    return this.#tables.values()
  }

  /** Directories of all tables. */
  get directories(): string[] {
    return [...this.#directories.keys()]
  }

  /** The table that a watched directory belongs to, made when it is new. */
  of(directory: string): Table {
    let table = this.#directories.get(directory)
    if (table !== undefined) return table
    const name = unitOf(directory)
    table = this.#tables.get(name)
    if (table === undefined) {
      table = this.#make(name)
      this.#tables.set(name, table)
    }
    this.#directories.set(directory, table)
    return table
  }

  /** The table of a directory, if it is known. */
  at(directory: string): Table | undefined {
    return this.#directories.get(directory)
  }

  /** A directory is watched no longer. */
  lost(directory: string): void {
    this.#directories.delete(directory)
  }

  /** A table has nothing on the disk any more, and nothing is left to be said of it. */
  forget(table: Table): void {
    if (this.#tables.get(table.name) === table) this.#tables.delete(table.name)
  }
}
