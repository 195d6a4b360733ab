import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { tableOfUnit } from '../cassandra/unit.js'
import type { Config } from '../config/config.js'
import { errorMessage } from '../errors.js'
import type { KeyLayout } from '../manifest/keys.js'
import type { BucketNode } from '../node/bucket-node.js'
import type { Logger } from '../report/logger.js'
import { Owners } from '../restore/place/owner.js'
import { Transfer } from '../restore/place/transfer.js'
import type { MomentFile } from '../restore/read/moment.js'
import { restore } from '../restore/restore.js'
import type { S3Client } from '../s3/client.js'
import type { Engine } from '../transfer/pool/engine.js'
import { counted } from '../report/format.js'

import type { Finding } from './finding.js'
import type { UnitSurvey } from './unit-check.js'

/** The result of a restore for a test. */
export interface DrillReport {
  /** SSTables, and files that belong to none. */
  readonly sstables: number
  readonly files: number
  readonly bytes: number
  readonly seconds: number
  /** The restore point that was restored; undefined: SSTables of several. */
  readonly key: string | undefined
  readonly failed: number
}

/** The parts that a restore for a test works with. */
export interface DrillDeps {
  readonly config: Config
  readonly client: S3Client
  readonly engine: Engine
  readonly node: BucketNode
  readonly log: Logger
  readonly signal: AbortSignal
}

/** How a test is made. */
export interface DrillOptions {
  /** So many random SSTables, or one random table at one random moment. */
  readonly what: number | 'table'
  /** Where it is done; a directory in it is made, and removed. */
  readonly directory: string | undefined
}

/** Chooses `most` of the items that are offered, each with the same probability, and keeps no others. */
export class Reservoir<T> {
  readonly items: T[] = []
  readonly #most: number
  readonly #random: () => number
  #offered = 0

  /** @param random 0 to 1 */
  constructor(most: number, random: () => number = Math.random) {
    this.#most = most
    this.#random = random
  }

  /** @param make is called only where the item is chosen */
  offer(make: () => T): void {
    this.#offered++
    const place =
      this.items.length < this.#most ? this.items.length : Math.floor(this.#random() * this.#offered)
    if (place < this.#most) this.items[place] = make()
  }
}

/** Restores something for a test into a directory of its own, verifies it, and tells how long it took. */
export class Drill {
  readonly findings: Finding[] = []
  readonly #options: DrillOptions
  readonly #sstables: Reservoir<{ readonly path: string; readonly files: readonly MomentFile[] }>
  readonly #moments: Reservoir<{ readonly unit: string; readonly key: string }>

  constructor(options: DrillOptions, random: () => number = Math.random) {
    this.#options = options
    this.#sstables = new Reservoir(options.what === 'table' ? 0 : options.what, random)
    this.#moments = new Reservoir(options.what === 'table' ? 1 : 0, random)
  }

  /** Offers the SSTables, or the moments, of a table for the choice. */
  take({ unit, points, names }: UnitSurvey, broken: ReadonlySet<string>, keys: KeyLayout): void {
    if (this.#options.what === 'table') {
      if (tableOfUnit(unit) === undefined) return
      for (const { key, kind } of points)
        if (kind === 'complete' && !broken.has(key)) this.#moments.offer(() => ({ unit, key }))
      return
    }
    for (const { sets } of names.all())
      for (const [path, { components }] of sets)
        this.#sstables.offer(() => ({
          path,
          files: [...components].map(([component, { key, size, crc64 }]) => ({
            key: key ?? `${keys.files}${path}-${component}`,
            name: component,
            size,
            crc64,
            lastModified: NaN,
          })),
        }))
  }

  /** @throws S3Error, TablesnapError of the directory */
  async run(deps: DrillDeps): Promise<DrillReport> {
    const { directory = tmpdir(), what } = this.#options
    const scratch = await mkdtemp(join(directory, 'tablecheck-'))
    try {
      return what === 'table' ? await this.#table(deps, scratch) : await this.#some(deps, scratch)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  async #some(deps: DrillDeps, scratch: string): Promise<DrillReport> {
    const began = performance.now()
    const transfer = new Transfer({ ...deps, force: false }, new Owners(deps.log, { root: false }))
    let [files, bytes, failed] = [0, 0, 0]
    for (const [index, sstable] of this.#sstables.items.entries()) {
      const paths: string[] = []
      try {
        for (const [number, file] of sstable.files.entries()) {
          const path = join(scratch, `${index}-${number}`)
          paths.push(path)
          await transfer.fetch(file, path, scratch)
          files++
          bytes += file.size
        }
      } catch (error) {
        deps.signal.throwIfAborted()
        failed++
        this.#failed(sstable.path, error)
      }
      await Promise.all(paths.map(path => rm(path, { force: true })))
    }
    const seconds = (performance.now() - began) / 1000
    return { sstables: this.#sstables.items.length - failed, files, bytes, seconds, key: undefined, failed }
  }

  async #table(deps: DrillDeps, scratch: string): Promise<DrillReport> {
    const began = performance.now()
    const [moment] = this.#moments.items
    if (moment === undefined)
      return { sstables: 0, files: 0, bytes: 0, seconds: 0, key: undefined, failed: 0 }
    const config: Config = {
      ...deps.config,
      mode: 'download',
      paths: [scratch],
      only: { keyspaces: [], tables: [moment.unit.replace('/', '.')] },
      at: undefined,
      atKey: moment.key,
      all: false,
      dryRun: false,
      partial: false,
      replace: false,
      force: false,
    }
    try {
      const {
        sets: sstables,
        files,
        bytes,
        failed,
        exitCode,
      } = await restore(config, {
        ...deps,
        log: quiet(deps.log),
      })
      if (exitCode !== 0)
        this.#failed(moment.key, new Error(`${counted(failed, 'file')} failed; see the log`))
      return { sstables, files, bytes, seconds: (performance.now() - began) / 1000, key: moment.key, failed }
    } catch (error) {
      deps.signal.throwIfAborted()
      this.#failed(moment.key, error)
      return {
        sstables: 0,
        files: 0,
        bytes: 0,
        seconds: (performance.now() - began) / 1000,
        key: moment.key,
        failed: 1,
      }
    }
  }

  #failed(what: string, error: unknown): void {
    this.findings.push({
      kind: 'drill-failed',
      severity: 'broken',
      message: `the restore of ${what} for a test failed: ${errorMessage(error)}`,
      mend: 'look at the error; --deep and --repair tell and mend what the bucket has lost',
      examples: [what],
    })
  }
}

/** A restore tells each file, and what to do next: here that is nobody's concern. */
function quiet(log: Logger): Logger {
  const debug: Logger['debug'] = (message, fields) => log.debug(message, fields)
  const warn: Logger['warn'] = (message, fields) => log.warn(message, fields)
  const error: Logger['error'] = (message, fields) => log.error(message, fields)
  return { debug, info: debug, warn, error }
}
