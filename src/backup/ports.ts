import type { TablesnapError } from '../errors.js'
import type { State } from '../manifest/state.js'
import type { Clock, Ready, UploadResult } from '../tables/ports.js'
import type { Table } from '../tables/table.js'

/** Timers of the event loop, or of a simulation. */
export interface Timers {
  /** Runs `work` once after `delay` ms; the result cancels it. */
  after(delay: number, work: () => void): () => void
}

/** All that a part of the backup knows of time: it reads no other clock, so that a simulation can be its clock. */
export interface Clockwork extends Timers, Clock {
  /** CPU time that this thread has used until now, ms. */
  cpuTime(): number
}

/** The files of one {@link Ready}, held open: Cassandra may unlink them. */
export interface Pinned {
  /** Descriptors held. */
  readonly descriptors: number
  /** Bytes of the files held. */
  readonly bytes: number
  /** A file that the SSTable cannot do without was gone before it could be opened. */
  readonly isGone: boolean
  close(): void
}

/** Opens and uploads what is ready. */
export interface Uploads<P extends Pinned = Pinned> {
  /** @throws TablesnapError `TOO_MANY_FILES` when the process may open no more files */
  pin(ready: Ready): P
  /** Never rejects. @param signal ends the upload of this SSTable; the result is then `gone` */
  upload(pinned: P, ready: Ready, signal: AbortSignal): Promise<UploadResult>
  /** An SSTable could not be opened when its turn came; its upload counts as failed. */
  unopened?(ready: Ready, error: TablesnapError): void
  /**
   * The upload has ended, and the table knows how. Of an SSTable, or a file of it, that went meanwhile nothing is to be told.
   * @param isGone whether the SSTable is not on the disk any more
   */
  ended?(ready: Ready, isGone: boolean): void
}

/** Writes the upstream listings that belong to a manifest. */
export interface UpstreamListings {
  /** @returns whether all of them are written */
  write(table: Table, state: State): Promise<boolean>
}

/** Whether this process may write under the node's name. */
export interface Ownership {
  readonly epoch: number
  /**
   * Makes sure of it, and that every plan of tablechop is known which was made more than a minute ago.
   * @throws TablesnapError `FENCED`; S3Error
   */
  check(): Promise<void>
}

/** The plans of tablechop, as far as a look at node.json has shown. */
export interface Plans {
  /** How often they have changed: what was drafted before may name objects that are about to go. */
  readonly version: number
  /** Whether a key is planned: it counts as absent. */
  has(key: string): boolean
  /** Whether a restore point would name an object that is about to go, and that the newest one does not name. */
  concerns(state: State, newest: State | undefined): boolean
  /** Gives content of a table another key whose object is about to go. @returns whether all of it has one now */
  sweep(table: Table): Promise<boolean>
}
