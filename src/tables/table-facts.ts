import type { Newest } from '../manifest/history.js'
import type { DirectoryIdentity } from '../manifest/state.js'

import type { TableFiles } from './table-files.js'

/** A watched directory of a table. */
export interface TableDirectory {
  readonly path: string
  /** The secondary index that it holds, or ''. */
  readonly index: string
  readonly identity: DirectoryIdentity | undefined
}

/**
 * How an SSTable's Data.db went: `told` by an event, in its place among the others; `seen` to be gone by a look or a scan;
 * `lost` with its directory, which a gap explains as little as a whole table that is missing.
 */
export type Leaving = 'told' | 'seen' | 'lost'

/** The facts of a table that the placement decides by. */
export interface TableFacts {
  readonly name: string
  readonly isTable: boolean
  /**
   * The newest manifest, as far as its SSTables lay in directories that are missing, or are others now; undefined:
   * there is none.
   */
  readonly newest: Newest | undefined
  /** By path. */
  readonly directories: ReadonlyMap<string, TableDirectory>
  /** Whether it has directories of secondary indexes, whose transactions are not the table's. */
  readonly hasIndexes: boolean
  /** Whether events tell of every change in its directories. */
  readonly hasEvents: boolean
  /** SSTables that --delete-on-backup deleted from the disk. */
  readonly takeKept: () => Iterable<TableFiles>
  /** All that lies in its directories. */
  readonly files: () => Iterable<TableFiles>
}
