import { BASIC } from '../cassandra/complete.js'
import { SparseMap } from '../manifest/sparse.js'

import type { Instant } from './ports.js'
import type { TableFiles } from './table-files.js'

/** An SSTable that is part of the table, and of which a file went that Cassandra cannot read it without. */
export interface Breakage {
  /** Later than the drained point of this number; when it was seen, ms of the monotonic clock, and by the server's clock. */
  readonly after: number
  readonly at: number
  readonly time: number
}

/**
 * The SSTables that ceased to be whole although their Data.db is still there: whoever renames or deletes an SSTable takes its
 * files one by one, in any order. Cassandra would not read it from the first one on, so it left the table then, and not when
 * its Data.db goes. Until that is seen it holds back what may be later, for a bounded time.
 */
export class Breakages {
  readonly #all = new SparseMap<TableFiles, Breakage>()

  get size(): number {
    return this.#all.size
  }

  /** A file of an SSTable is missing. @param component of the file */
  note(files: TableFiles, component: string, drains: number, { now, time }: Instant): void {
    if (!files.isPart || files.isGivenUp || !(BASIC as readonly string[]).includes(component)) return
    if (this.of(files) === undefined) this.#all.set(files, { after: drains, at: now, time })
  }

  /** When it broke; undefined: it is whole, as far as is known. */
  of(files: TableFiles): Breakage | undefined {
    const breakage = this.#all.get(files)
    if (breakage === undefined) return undefined
    const { until } = files.whole
    // It was whole again later.
    if (until === undefined || until <= breakage.after + 1) return breakage
    this.#all.delete(files)
    return undefined
  }

  /** It is no part of the table any more. */
  delete(files: TableFiles): void {
    this.#all.delete(files)
  }

  /** Those that broke not longer ago than a time: when each was seen, and after which drained point it broke. */
  *since(earliest: number): Generator<Breakage> {
    for (const [files, breakage] of [...this.#all])
      if (breakage.at > earliest && files.isPart && this.of(files) !== undefined) yield breakage
  }
}
