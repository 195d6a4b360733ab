import { join } from 'node:path'

import { errorMessage, type TablesnapError } from '../errors.js'
import type { Entry } from '../manifest/state.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import type { Ready, UploadResult } from '../tables/ports.js'
import type { TableFiles } from '../tables/table-files.js'
import type { Table } from '../tables/table.js'
import { counted } from '../report/format.js'

import type { FileOutcome } from './file-outcome.js'
import type { OpenFiles } from './open-files.js'
import { BackupSummary } from './summary.js'

/** How long an SSTable that no transaction wrote may differ from its Digest.crc32 before it counts as corrupt, ms. */
const PATIENCE = 300_000

/**
 * Counts and tells how uploads ended, and keeps what failed. A failure belongs to a file that is there: it leaves the summary
 * when the file is uploaded, or is gone.
 */
export class Outcomes implements Problems {
  readonly summary = new BackupSummary()
  readonly #log: Logger
  readonly #waits: boolean
  /** CRC-32 of each Data.db as it was read last. */
  readonly #crc32 = new WeakMap<TableFiles, number>()
  /** Since when an SSTable has differed from its Digest.crc32, ms of the monotonic clock. */
  readonly #differs = new WeakMap<TableFiles, number>()
  /** Names of the files of an SSTable whose last upload failed. */
  readonly #tried = new WeakMap<TableFiles, readonly string[]>()
  #isSilent = false

  /** @param waits whether an SSTable that does not match its Digest.crc32 is waited for */
  constructor(log: Logger, waits: boolean) {
    this.#log = log
    this.#waits = waits
  }

  /** The run is aborted: whatever fails from now on fails for that. */
  silence(): void {
    this.#isSilent = true
  }

  problem(about: string, message: string): void {
    if (this.#isSilent) return
    const isKnown = this.summary.failed.get(about) === message
    this.summary.fail(about, message)
    // The same again at every further try says nothing new.
    if (isKnown) this.#log.debug(message, { path: about })
    else this.#log.error(message, { path: about })
  }

  solved(about: string): void {
    this.summary.solve(about)
  }

  /** An SSTable, or a file that belongs to none, is not on the disk any more. */
  gone({ path, isSSTable, names, directory }: TableFiles): void {
    this.summary.solve(path)
    this.summary.judge(path, false)
    if (!isSSTable || this.summary.failed.size === 0) return
    for (const name of names) this.summary.solve(join(directory, name))
    this.summary.forget(`${path}-`)
  }

  /** The upload of an SSTable has ended: nobody tries those of its files again that went meanwhile. */
  ended({ files, names }: Ready): void {
    if (this.summary.failed.size === 0) return
    this.#forgetMissing(files, names)
    if (files.failures > 0) this.#tried.set(files, names)
  }

  /** A directory is not there any more, or is not watched. */
  goneBelow(directory: string): void {
    this.summary.forget(`${directory}/`)
  }

  /** The files of an SSTable are in the bucket already. */
  present(files: TableFiles): void {
    const { path, names, directory } = files
    this.solved(path)
    if (this.summary.failed.size > 0) this.#forgetMissing(files)
    let count = 0
    for (const name of names) {
      count++
      if (this.summary.failed.size > 0) this.solved(join(directory, name))
    }
    this.summary.found(count)
  }

  /** The files of an SSTable were uploaded, or not. */
  uploaded(ready: Ready, open: OpenFiles, outcomes: readonly FileOutcome[]): UploadResult {
    const { files } = ready
    const durable = new Map<string, Entry>()
    let next: UploadResult['next'] = open.errors.length > 0 ? 'failed' : 'done'
    this.solved(files.path)
    for (const error of open.errors) this.problem(error.path ?? files.directory, error.message)
    const failures: { path: string; error: TablesnapError | undefined }[] = []
    for (const { name, outcome, entry, bytes, error, crc32 } of outcomes) {
      const path = join(files.directory, name)
      if (entry === undefined) {
        if (error?.code === 'FILE_CHANGED') next = next === 'done' ? 'changed' : next
        else next = 'failed'
        failures.push({ path, error })
        continue
      }
      durable.set(name, entry)
      if (name === files.main && crc32 !== undefined) this.#crc32.set(files, crc32)
      this.solved(path)
      if (outcome === 'present' || outcome === 'trusted') this.summary.found(1)
      else this.summary.sent(bytes)
    }
    this.#failed(failures)
    this.summary.found(open.unchanged.length)
    for (const name of open.unchanged) this.solved(join(files.directory, name))
    const names = [...open.files.map(({ name }) => name), ...open.unchanged]
    return { durable, names, ...(next === 'done' ? this.#judged(files, open) : { next }) }
  }

  /** An SSTable is corrupt on this node; told once in a run. @param found what shows it */
  corrupt(path: string, found: string): void {
    if (this.summary.corrupt.has(path)) return
    this.summary.judge(path, true)
    this.#log.error(
      `${found}: it is corrupt on this node; tablesnap has uploaded it as it is, and marks it as corrupt`,
      {
        path,
      },
    )
  }

  /** SSTables of a table that an earlier run found to be corrupt are told by every run. */
  known(table: Table): void {
    for (const { path, stored } of table.files())
      if (stored?.corrupt === true)
        this.corrupt(path, `${path}-Data.db does not have the CRC-32 of its Digest.crc32`)
  }

  /** Compares Data.db with its Digest.crc32: without a transaction it may still be being written. */
  #judged(files: TableFiles, { digest }: OpenFiles): Pick<UploadResult, 'next' | 'isCorrupt'> {
    const { path, isCommitted, stored } = files
    const crc32 = this.#crc32.get(files)
    if (digest === undefined || crc32 === undefined)
      return { next: 'done', isCorrupt: stored?.corrupt === true }
    if (digest === crc32) {
      this.#differs.delete(files)
      this.summary.judge(path, false)
      return { next: 'done' }
    }
    const found = `${path}-Data.db has the CRC-32 ${crc32}, its Digest.crc32 says ${digest}`
    const since = this.#differs.get(files) ?? performance.now()
    this.#differs.set(files, since)
    if (!isCommitted && this.#waits && performance.now() - since < PATIENCE) {
      this.#log.info(`${found}: it may still be being written`, { path })
      return { next: 'failed' }
    }
    this.corrupt(path, found)
    return { next: 'done', isCorrupt: true }
  }

  /** Forgets the failures of files that an SSTable lost since its last upload failed; the event may have been lost, too. */
  #forgetMissing(files: TableFiles, names: readonly string[] = []): void {
    const there = new Set(files.names)
    for (const name of [...names, ...(this.#tried.get(files) ?? [])])
      if (!there.has(name)) this.solved(join(files.directory, name))
    this.#tried.delete(files)
  }

  /** Files of one SSTable were not uploaded: one line for each cause. */
  #failed(failures: readonly { path: string; error: TablesnapError | undefined }[]): void {
    const causes = new Map<string, { path: string; key: string; cause: string }[]>()
    for (const { path, error } of failures.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      if (error?.code === 'FILE_CHANGED') {
        this.#log.info(error.message)
        continue
      }
      const cause = errorMessage(error)
      // Each of these messages has a length of its own, and the cause is the path of all of them.
      const kind = error?.code === 'KEY_TOO_LONG' ? error.code : cause
      causes.set(kind, [...(causes.get(kind) ?? []), { path, key: error?.key ?? path, cause }])
    }
    for (const [first, ...others] of causes.values()) {
      if (first === undefined) continue
      const { cause } = first
      const more = others.length === 0 ? '' : ` and ${counted(others.length, 'more file')} of it`
      this.problem(first.path, `Error uploading ${first.key}${more}: ${cause}`)
      if (this.#isSilent) continue
      for (const { path, key } of others) {
        const message = `Error uploading ${key}: ${cause}`
        this.summary.fail(path, message)
        this.#log.debug(message, { path })
      }
    }
  }
}
