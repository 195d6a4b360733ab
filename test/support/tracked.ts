import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Test } from 'tap'

import { RealClockwork } from '../../src/backup/clockwork.js'
import { Filter } from '../../src/backup/filter.js'
import { LocalDisk } from '../../src/backup/local-disk.js'
import { OpenFiles } from '../../src/backup/open-files.js'
import { Outcomes } from '../../src/backup/outcomes.js'
import { Rescans } from '../../src/backup/rescans.js'
import { SensorNews } from '../../src/backup/sensor-news.js'
import { Sensor } from '../../src/backup/sensor.js'
import { TableRegistry } from '../../src/backup/table-registry.js'
import { TableReporter } from '../../src/backup/table-reporter.js'
import { Turns } from '../../src/backup/turns.js'
import { identify } from '../../src/cassandra/file-identity.js'
import { History } from '../../src/manifest/history.js'
import type { Commit } from '../../src/manifest/lineage.js'
import type { Entry, State } from '../../src/manifest/state.js'
import type { Logger } from '../../src/report/logger.js'
import { Activity } from '../../src/status/activity.js'
import type { Orders, Ready, TableSettings, UploadResult } from '../../src/tables/ports.js'
import type { FilesStatus, TableFiles } from '../../src/tables/table-files.js'
import { Table as TableCore } from '../../src/tables/table.js'
import type { FileEvent, ScanReason } from '../../src/watch/listener.js'
import { readTree } from '../../src/watch/tree.js'

import { Table } from './table.js'

/** How a {@link Tracked} node differs from a daemon that backs up all. */
export interface TrackedOptions extends Partial<Omit<TableSettings, 'isBackedUp'>> {
  readonly snapshots?: boolean
  /** Whether uploads succeed by themselves; otherwise each waits for {@link Tracked.end}. */
  readonly auto?: boolean
  /** Whether the bucket is asked at once for the newest restore points: there are none. */
  readonly load?: boolean
  /** Where its directories lie; by default it gets a place of its own. */
  readonly base?: string
  /** Who is told of restore points; by default they are drafted, and count as written, as soon as they may be. */
  readonly restorePoint?: (table: TableCore) => void
}

/** The table of most tests. */
export const TABLE = 'd1/ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'

/** Real tables over real directories, fed by hand, without a bucket. */
export class Tracked implements Orders {
  readonly base: string
  readonly tables: TableRegistry
  readonly turns: Turns
  readonly sensor: Sensor
  readonly news: SensorNews
  readonly outcomes: Outcomes
  readonly clockwork = new RealClockwork([])
  /** Uploads that have been ordered and have not ended. */
  readonly given: Ready[] = []
  /** All that were ever ordered. */
  readonly all: Ready[] = []
  /** Changes of histories that have begun, as `+nb-3-big -nb-1-big`. */
  readonly commits: string[] = []
  /** Restore points, in the order in which they were written. */
  readonly states: State[] = []
  readonly problems: string[] = []
  readonly errors: string[] = []
  readonly unlinkedFiles: TableFiles[] = []
  /** Scans that tables ordered. */
  gaps = 0
  readonly settle: number
  readonly #isAuto: boolean
  readonly #restorePoint: ((table: TableCore) => void) | undefined
  readonly #rescans: Rescans
  readonly #reporter: TableReporter
  readonly #drafts = new Set<TableCore>()

  constructor(t: Test, options: TrackedOptions = {}) {
    const { snapshots = false, auto = false, load = true, restorePoint, base, ...given } = options
    this.base = base ?? mkdtempSync(join(tmpdir(), 'tablesnap-tracked-'))
    this.#isAuto = auto
    this.#restorePoint = restorePoint
    const filter = new Filter({ exclude: [], include: [], snapshots, backups: snapshots }, [this.base])
    const isBackedUp = (directory: string, name: string) => filter.file(directory, name)
    const settings: TableSettings = {
      settle: 30,
      backsUpExisting: true,
      isOneShot: false,
      looksForUnannounced: true,
      tookOver: false,
      acceptedEpoch: 0,
      deletesUploaded: false,
      ...given,
      isBackedUp,
    }
    this.settle = settings.settle
    const silent = () => undefined
    const log: Logger = {
      debug: silent,
      info: silent,
      warn: silent,
      error: text => void this.errors.push(text),
    }
    const quiet = { ...log, error: (text: string) => void this.problems.push(text) }
    this.outcomes = new Outcomes(quiet, !settings.isOneShot)
    this.#reporter = new TableReporter(
      log,
      this.outcomes,
      settings.isOneShot,
      'tablesnap -B --take-over b /d',
    )
    const disk = new LocalDisk()
    this.tables = new TableRegistry(name => {
      const table = new TableCore(name, settings, disk, this, this.clockwork)
      if (load) setImmediate(() => this.load(table))
      return table
    })
    this.turns = new Turns(this.clockwork, this.clockwork)
    const scanner = { rescan: (paths: readonly string[]) => this.#rescan(paths), isUnwatched: () => false }
    this.#rescans = new Rescans(scanner, this.clockwork, false)
    this.news = new SensorNews(quiet, this.outcomes, { isBackedUp, activity: new Activity() })
    this.sensor = new Sensor(this.tables, this.turns, disk, this.news, {
      listenEvents: ['IN_MOVED_TO', 'IN_CLOSE_WRITE', 'IN_CREATE'],
      isBackedUp,
    })
    const end = recordCommits(this)
    t.teardown(() => {
      end()
      for (const table of this.tables) table.stop()
      this.turns.stop()
      this.#rescans.stop()
      this.sensor.close()
      if (base === undefined) rmSync(this.base, { recursive: true, force: true })
    })
  }

  /** A table's directory, not scanned yet. */
  table(path = TABLE): Table {
    return new Table(join(this.base, path))
  }

  scan(reason: ScanReason, ...tables: readonly Table[]): void {
    for (const { path } of tables) this.sensor.scanned(path, readTree(path), reason, true)
  }

  event(path: string, event: FileEvent): void {
    this.sensor.file(dirname(path), basename(path), event)
  }

  /** The bucket holds this of a table. */
  load(table: TableCore, newest?: State): void {
    table.loaded(newest)
    this.turns.touch(table)
  }

  /** Writes an SSTable as a copy does, with its events. */
  copy(table: Table, set: string): void {
    table.set(set)
    for (const path of table.paths(set)) {
      this.event(path, 'created')
      this.event(path, 'closed')
    }
  }

  /** Deletes an SSTable, with its events. */
  delete(table: Table, set: string): void {
    const paths = table.paths(set)
    table.delete(set)
    for (const path of paths) this.event(path, 'gone')
  }

  /** The first table. */
  core(): TableCore {
    for (const table of this.tables) return table
    throw new Error('there is no table')
  }

  /** Files in one of these statuses, of all tables. */
  in(...statuses: FilesStatus[]): TableFiles[] {
    return [...this.tables].flatMap(table =>
      [...table.files()].filter(({ status }) => statuses.includes(status)),
    )
  }

  /** Names of the SSTables of the newest restore points. */
  live(): string[] {
    return [...this.tables]
      .flatMap(({ newest }) => [...(newest?.sets.keys() ?? []), ...(newest?.unprotected ?? [])])
      .map(nameOf)
      .sort()
  }

  /** The newest restore point of the first table. */
  newest(): State | undefined {
    return this.core().newest
  }

  /** Ends the oldest upload; `done`: all its files are in the bucket. */
  end(next: UploadResult['next'] = 'done'): Ready {
    const ready = this.given.shift()
    if (ready === undefined) throw new Error('no upload was ordered')
    const { files, names } = ready
    const durable = new Map<string, Entry>()
    if (next === 'done') for (const name of names) durable.set(name, entryOf(join(files.directory, name)))
    this.#tableOf(files).uploaded(files, { durable, names, next })
    return ready
  }

  /** Resolves when no table has anything to do. */
  async idle(): Promise<void> {
    const isIdle = () =>
      this.turns.size === 0 &&
      this.#drafts.size === 0 &&
      this.#rescans.size === 0 &&
      [...this.tables].every(table => table.isIdle)
    while (!isIdle()) await sleep(5)
    await turn()
  }

  /** Long enough for everything that is quiet to be settled. */
  async quiet(): Promise<void> {
    await sleep(this.settle * 1.5 + 20)
    await turn()
  }

  upload(table: TableCore, ready: Ready): void {
    this.given.push(ready)
    this.all.push(ready)
    if (this.#isAuto) this.#upload(table, ready)
  }

  present(): void {
    // Nobody counts.
  }

  unlinked(_table: TableCore, files: TableFiles): void {
    this.unlinkedFiles.push(files)
  }

  restorePoint(table: TableCore): void {
    if (this.#restorePoint !== undefined) {
      this.#restorePoint(table)
      return
    }
    if (this.#drafts.has(table)) return
    this.#drafts.add(table)
    setImmediate(() => {
      this.#drafts.delete(table)
      const draft = table.draft()
      if (draft === undefined) return
      this.states.push(draft.state)
      table.written(draft, draft.state)
    })
  }

  rescan(table: TableCore, directories: readonly string[]): void {
    this.gaps++
    this.#rescans.order(table, directories)
  }

  wake(table: TableCore, at: number | undefined): void {
    this.turns.wake(table, at)
  }

  tell(table: TableCore, news: Parameters<Orders['tell']>[1]): void {
    this.#reporter.tell(table, news)
  }

  #tableOf({ directory }: TableFiles): TableCore {
    return this.tables.at(directory) ?? this.core()
  }

  /** As a real upload: opens the files at once, and is done a little later. */
  #upload(table: TableCore, ready: Ready): void {
    const open = new OpenFiles(ready)
    const durable = new Map<string, Entry>()
    for (const { name, identity } of open.files)
      durable.set(name, { ...identity, crc64: '0'.repeat(16), key: undefined })
    const next = open.isGone ? 'gone' : 'done'
    const names = [...open.files.map(({ name }) => name), ...open.unchanged]
    open.close()
    setImmediate(() => {
      this.given.splice(this.given.indexOf(ready), 1)
      table.uploaded(ready.files, { durable: next === 'done' ? durable : new Map(), names, next })
    })
  }

  #rescan(paths: readonly string[]): void {
    for (const path of paths) {
      if (existsSync(path)) this.sensor.scanned(path, readTree(path), 'rescan', true)
      else this.sensor.lost(path)
    }
  }
}

/** Writes down what the histories of a node's tables take in. @returns what ends it */
function recordCommits(node: Tracked): () => void {
  const isOurs = ({ path }: { path: string }) => path.startsWith(`${node.base}/`)
  const recorder = (change: Commit<TableFiles>) => {
    const { adds, removes } = change
    if ([...adds, ...removes].some(isOurs) || adds.length + removes.length === 0)
      node.commits.push(textOf(change))
  }
  if (RECORDERS.size === 0) {
    History.prototype.commit = function (change: unknown) {
      const isNews = commit.call(this, change)
      if (isNews) for (const tell of RECORDERS) tell(change as Commit<TableFiles>)
      return isNews
    }
  }
  RECORDERS.add(recorder)
  return () => void RECORDERS.delete(recorder)
}

const RECORDERS = new Set<(change: Commit<TableFiles>) => void>()
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its history
const commit = History.prototype.commit as (this: unknown, change: unknown) => boolean

/** Once everything that was to happen at once has happened. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise(resolve => setImmediate(resolve))
}

/** A file as it is now. */
export function entryOf(path: string): Entry {
  const identity = identify(path)
  if (identity === undefined) throw new Error(`${path} is not there`)
  return { ...identity, crc64: '0'.repeat(16), key: undefined }
}

/** An SSTable's name, with what lies between it and its table's directory. */
export function nameOf(path: string): string {
  return path.replace(/^.*-[0-9a-f]{32}\//, '')
}

function textOf({ adds, removes, kind }: Commit<TableFiles>): string {
  const words = [
    ...adds.map(({ path }) => `+${nameOf(path)}`).sort(),
    ...removes.map(({ path }) => `-${nameOf(path)}`).sort(),
  ]
  return [...words, ...(kind === undefined ? [] : [kind])].join(' ')
}
