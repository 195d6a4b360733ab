import type { State } from '../manifest/state.js'

/** An SSTable, or a file that belongs to none, that is not in the bucket as it is on the disk. */
export interface WaitingFiles {
  readonly bytes: number
  /** Since when it has waited, ms of the monotonic clock. */
  readonly since: number
}

/** What the status needs to know of a table. */
export interface TableView {
  readonly name: string
  readonly isTable: boolean
  /** Whether nothing is to be judged, uploaded or decided. */
  readonly isIdle: boolean
  /** Whether the newest manifest is of the last change and upload, or none is needed. */
  readonly isCurrent: boolean
  readonly phase: 'loading' | 'scanning' | 'live' | 'gap'
  readonly newest: State | undefined
  waiting(): Iterable<WaitingFiles>
}

/** The counts of a run. */
export interface RunCounts {
  readonly uploaded: number
  readonly bytes: number
  readonly present: number
  readonly superseded: number
}

/** A running backup, as the status sees it. */
export interface StatusSource {
  readonly tables: Iterable<TableView>
  /** SSTables that are being uploaded, or wait for that. */
  readonly uploading: number
  readonly counts: RunCounts
  /** Whether all watches are set and the bucket was found. */
  readonly isStarted: boolean
  readonly directories: { readonly watched: number; readonly unwatched: number }
  /** What cannot be backed up. */
  failures(): Iterable<string>
  readonly failed: number
}
