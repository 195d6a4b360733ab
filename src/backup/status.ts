import type { RunCounts, StatusSource } from '../status/source.js'
import type { Table } from '../tables/table.js'
import type { Watcher } from '../watch/watcher.js'

import type { Parts } from './parts.js'

/** The parts of a backup that say how it stands. */
type StatusParts = Pick<Parts, 'tables' | 'outcomes' | 'uploads'>

/** How a running backup stands, of its parts. */
export class BackupStatus implements StatusSource {
  readonly #parts: StatusParts
  readonly #watcher: () => Watcher | undefined

  /** @param watcher undefined before the run has begun */
  constructor(parts: StatusParts, watcher: () => Watcher | undefined) {
    this.#parts = parts
    this.#watcher = watcher
  }

  get tables(): Iterable<Table> {
    return this.#parts.tables
  }

  get uploading(): number {
    return this.#parts.uploads.queue.size
  }

  get counts(): RunCounts {
    const { outcomes } = this.#parts
    const { queue } = this.#parts.uploads
    const { uploaded, bytes, present } = outcomes.summary
    return { uploaded, bytes, present, superseded: queue.superseded }
  }

  get isStarted(): boolean {
    return this.#watcher() !== undefined
  }

  get directories(): { readonly watched: number; readonly unwatched: number } {
    const watcher = this.#watcher()
    return { watched: watcher?.size ?? 0, unwatched: watcher?.unwatched.length ?? 0 }
  }

  get failed(): number {
    const { outcomes } = this.#parts
    const { listings, writer } = this.#parts.uploads
    const { failed, corrupt, lost } = outcomes.summary
    return failed.size + corrupt.size + lost.size + listings.failed.size + writer.failed.size
  }

  *failures(): Generator<string> {
    const { outcomes } = this.#parts
    const { listings, writer } = this.#parts.uploads
    const { failed, corrupt, lost } = outcomes.summary
    for (const [about, why] of failed) yield `${about}: ${why}`
    for (const path of corrupt) yield `${path}: it is corrupt on this node`
    for (const [key, path] of lost)
      yield `${key}: the bucket has lost it, and ${path} does not hold its content any more`
    for (const path of listings.failed.keys()) yield `${path}: its upstream listing could not be written`
    for (const [table, why] of writer.failed) yield `${table}: its restore point could not be written: ${why}`
  }
}
