import { join } from 'node:path'

import { errorMessage, type TablesnapError } from '../errors.js'
import type { Logger } from '../report/logger.js'
import type { Entry } from '../state/state.js'

import type { Ended } from './agenda.js'
import type { Found } from './found.js'
import type { Group } from './group.js'
import type { OpenSet } from './open-set.js'
import { emptySummary } from './summary.js'
import type { FileOutcome } from './uploader.js'

/** How long a set that no transaction wrote may differ from its Digest.crc32 before it counts as corrupt, ms. */
const PATIENCE = 300_000

/** Counts and tells what became of sets, and what is to be done with them next. */
export class Outcomes {
  readonly summary = emptySummary()
  readonly #log: Logger
  readonly #waits: boolean
  readonly #onProblem: (path: string, message: string) => void

  /** @param waits whether a set that does not match its Digest.crc32 is waited for */
  constructor(log: Logger, waits: boolean, onProblem: (path: string, message: string) => void) {
    this.#log = log
    this.#waits = waits
    this.#onProblem = onProblem
  }

  /** There were no descriptors left for it. */
  unopened({ group }: Found): Ended {
    this.#onProblem(group.path, 'no descriptors left to open its files (LimitNOFILE, ulimit -n)')
    return { durable: new Map(), names: [], next: 'failed' }
  }

  /** Cassandra took it away before it could be read. */
  superseded({ group, directory, names }: Found): Ended {
    this.summary.superseded += names.length
    for (const name of names) this.summary.failed.delete(join(directory, name))
    this.summary.failed.delete(group.path)
    this.#log.debug(`${group.path} is gone: Cassandra has replaced it`)
    return { durable: new Map(), names: [], next: 'gone' }
  }

  /** Its files were uploaded, or not. */
  uploaded(found: Found, open: OpenSet, outcomes: readonly FileOutcome[]): Ended {
    const { directory, group } = found
    const durable = new Map<string, Entry>()
    let next: Ended['next'] = open.errors.length > 0 ? 'failed' : 'done'
    this.summary.failed.delete(group.path)
    for (const error of open.errors) this.#onProblem(error.path ?? directory, error.message)
    for (const { name, outcome, entry, bytes, error, crc32 } of outcomes) {
      const path = join(directory, name)
      if (entry === undefined) {
        if (error?.code === 'FILE_CHANGED') next = next === 'done' ? 'again' : next
        else next = 'failed'
        this.#failed(path, error)
        continue
      }
      durable.set(name, entry)
      if (name === group.main) group.crc32 = crc32
      this.summary.failed.delete(path)
      if (outcome === 'present' || outcome === 'trusted') this.summary.present++
      else {
        this.summary.uploaded++
        this.summary.bytes += bytes
      }
    }
    this.summary.present += open.unchanged.length
    const names = [...open.files.map(({ name }) => name), ...open.unchanged]
    return { durable, names, ...(next === 'done' ? this.#judged(group, open) : { next }) }
  }

  /** Compares Data.db with its Digest.crc32: without a transaction it may still be on its way. */
  #judged(group: Group, { digest }: OpenSet): Pick<Ended, 'next' | 'corrupt'> {
    const { crc32, path, committed, hindered = performance.now() } = group
    if (digest === undefined || crc32 === undefined)
      return { next: 'done', corrupt: group.stored?.corrupt === true }
    if (digest === crc32) return { next: 'done' }
    const found = `${path}-Data.db has the CRC-32 ${crc32}, its Digest.crc32 says ${digest}`
    if (!committed && this.#waits && performance.now() - hindered < PATIENCE) {
      this.#log.info(`${found}: it may still be on its way`, { path })
      return { next: 'failed' }
    }
    this.summary.corrupt.add(path)
    this.#log.error(`${found}: it is corrupt on this node; it is in the bucket as it is, and marked`, {
      path,
    })
    return { next: 'done', corrupt: true }
  }

  #failed(path: string, error: TablesnapError | undefined): void {
    if (error?.code === 'FILE_CHANGED') this.#log.info(error.message)
    else this.#onProblem(path, `Error uploading ${error?.key ?? path}: ${errorMessage(error)}`)
  }
}
