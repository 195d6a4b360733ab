import type { LogNews } from '../../src/cassandra/transaction-logs.js'
import type { State } from '../../src/manifest/state.js'
import type {
  Arrival,
  Clock,
  DirectoryScan,
  Disk,
  Draft,
  Orders,
  TableSettings,
  UploadResult,
} from '../../src/tables/ports.js'
import type { TableFiles } from '../../src/tables/table-files.js'
import type { Table } from '../../src/tables/table.js'

/** What the simulation needs to know of the files of one SSTable. */
export interface CoreFiles {
  readonly directory: string
  readonly name: string
  readonly isSSTable: boolean
  readonly path: string
}

/** What the simulation calls of a table: the real one, or one that follows other rules. */
export interface CoreTable {
  readonly name: string
  readonly isTable: boolean
  readonly phase: 'loading' | 'scanning' | 'live' | 'gap'
  files(): Iterable<CoreFiles>
  readonly newest: State | undefined
  readonly isCovered: boolean
  readonly isIdle: boolean
  /** Undefined in rules of before. */
  readonly lacksGone?: boolean
  missing(): Iterable<{ readonly path: string; readonly why: string }>
  loaded(newest: State | undefined, newestTime?: number): void
  scanned(scan: DirectoryScan): void
  arrived(directory: string, name: string, arrival: Arrival): void
  removed(directory: string, name: string): void
  log(directory: string, name: string, news: LogNews): void
  lostDirectory(path: string): void
  lostEvents(why: string): void
  look(): void
  drained(): void
  uploaded(files: TableFiles, result: UploadResult): void
  adopt(newer: State): void
  expose(): void
  stop(): void
  draft(): Draft | undefined
  written(draft: Draft, state: State): void
  failed(draft: Draft): void
  deleted(files: TableFiles): void
}

/** Makes a table's core. */
export type MakeCore = (
  name: string,
  settings: TableSettings,
  disk: Disk,
  orders: Orders,
  clock: Clock,
) => CoreTable

/** The other parts of the program know no table but the real one. */
export function tableOf(core: CoreTable): Table {
  return core as unknown as Table
}

export function coreOf(table: Table): CoreTable {
  return table
}
