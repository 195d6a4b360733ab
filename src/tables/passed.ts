import { SparseMap } from '../manifest/sparse.js'

import type { TableFiles } from './table-files.js'

/** The SSTables that went before they had a place in the history, for as long as a transaction's log may yet name them. */
export class Passed {
  /** By how many drained points the table had then. */
  readonly #all = new SparseMap<TableFiles, number>()

  get size(): number {
    return this.#all.size
  }

  add(files: TableFiles, drains: number): void {
    this.#all.set(files, drains)
  }

  /** A drained point. @param drains its number */
  drained(drains: number): void {
    for (const [files, before] of [...this.#all]) if (before < drains - 1) this.#all.delete(files)
  }

  /**
   * One that is another SSTable than those that had its name before. The log of the transaction that removed it was written
   * before that, and is read before the next drained point.
   * @param paths one of these, if there is one
   */
  find(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    let found: TableFiles | undefined
    for (const files of this.#all.keys()) {
      if (files.name !== name || files.index !== index) continue
      if (paths?.has(files.path) === true) return files
      found ??= files
    }
    return found
  }
}
