import { ManifestPublisher } from '../../src/backup/manifest-publisher.js'
import { ManifestWriter, type ManifestObserver } from '../../src/backup/manifest-writer.js'
import { UploadQueue } from '../../src/backup/upload-queue.js'
import { isTemporary, isTxnLog } from '../../src/sstable/names.js'
import { indexOf, tableOfUnit, unitOf } from '../../src/sstable/unit.js'
import { TablesnapError } from '../../src/errors.js'
import type { Clock, FileIdentity, Orders, ScanReason, TableSettings } from '../../src/tables/ports.js'
import { sameIdentity, type TableFiles } from '../../src/tables/table-files.js'
import type { Table } from '../../src/tables/table.js'

import { SimulatedManifests, SimulatedOwnership } from './bucket.js'
import type { CoreTable } from './core.js'
import { EventQueue, type InotifyEvent, type Watch } from './event-queue.js'
import type { Directory } from './file-system.js'
import { HeldLogs } from './held-logs.js'
import { Pace, type PaceShape } from './pace.js'
import { Process } from './process.js'
import { SeenDisk } from './seen-disk.js'
import { SimulatedUploads } from './uploads.js'
import { ASIDE, ROOTS, type World } from './world.js'

/** How a daemon, or a one-shot run, is started. */
export interface DaemonOptions {
  readonly isOneShot: boolean
  readonly backsUpExisting: boolean
  readonly tookOver: boolean
  readonly deletesUploaded: boolean
  /** Whether snapshots/ and backups/ are watched as well. */
  readonly includesCopies: boolean
  readonly settle: number
  /** Events that the kernel's queue holds. */
  readonly queueLimit: number
  /** Directories for which the kernel has a watch. */
  readonly watchLimit: number
  readonly pace: PaceShape
}

/** How often the bucket is asked again what it holds of a table, ms. */
const ASK_AGAIN = 1000

/**
 * A process that backs the node up: the real core, upload queue and manifest writer, and what the sensor and the coordinator
 * do, in virtual time. Between any two steps the world goes on.
 */
export class Daemon {
  readonly process: Process
  readonly pace: Pace
  readonly queue: EventQueue
  readonly logs: HeldLogs
  readonly uploads: SimulatedUploads
  readonly uploadQueue: UploadQueue
  readonly tables = new Map<string, CoreTable>()
  readonly ownership: SimulatedOwnership
  readonly options: DaemonOptions
  readonly #world: World
  readonly #writer: ManifestWriter
  #isFenced = false
  readonly #disk: SeenDisk
  readonly #clock: Clock
  readonly #settings: TableSettings
  /** Watched directories, by path; undefined where no watch was left. */
  readonly #watches = new Map<string, Watch | undefined>()
  readonly #wakes = new Map<CoreTable, () => void>()
  #rescans: [CoreTable, readonly string[]][] = []
  /** A one-shot run has ended: whether it says that all is backed up. */
  exit: 'success' | 'failure' | undefined
  #isEnding = false

  constructor(world: World, options: DaemonOptions) {
    this.#world = world
    this.options = options
    this.process = new Process(world.time)
    this.pace = new Pace(world.time, world.random, options.pace)
    this.queue = new EventQueue(options.queueLimit)
    const pass = () => this.pace.pass()
    this.logs = new HeldLogs(world.fs, pass)
    this.uploads = new SimulatedUploads(world, this.process, pass)
    const { bucket, network, time } = world
    const now = () => time.now
    this.ownership = new SimulatedOwnership(bucket, network, this.process, now)
    const manifests = new SimulatedManifests(bucket, network, this.process, now)
    this.#manifests = manifests
    const spaceOf = () => ({ total: Infinity, free: Infinity })
    this.uploadQueue = new UploadQueue(this.uploads, { comingOriginal: () => undefined }, this.process, {
      width: 2,
      descriptors: 60,
      spaceOf,
    })
    this.#disk = new SeenDisk(world.fs, pass, ASIDE)
    this.#clock = {
      now: () => {
        pass()
        return time.now
      },
      time: () => {
        pass()
        return world.serverTime()
      },
    }
    const clockwork = {
      after: (delay: number, work: () => void) => this.process.after(delay, work),
      now: () => this.#clock.now(),
      time: () => this.#clock.time(),
      cpuTime: () => 0,
    }
    const publisher = new ManifestPublisher(manifests, LISTINGS, this.ownership, clockwork, 'node1')
    this.#writer = new ManifestWriter(publisher, clockwork, this.#observer, SILENT, {
      isOneShot: options.isOneShot,
      retries: 5,
      isDryRun: false,
    })
    const { settle, isOneShot, backsUpExisting, tookOver, deletesUploaded } = options
    this.#settings = {
      settle,
      isOneShot,
      backsUpExisting,
      tookOver,
      deletesUploaded,
      looksForUnannounced: true,
      isBackedUp: (_, name) => !isTemporary(name),
    }
  }

  readonly #manifests: SimulatedManifests

  /** Watches and scans what is there. */
  start(): void {
    for (const path of ROOTS) this.#addDirectory(path, 'start')
    this.#round()
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && !this.process.isReady
  }

  /** One turn of the event loop. Returns whether there was something to do. */
  step(): boolean {
    if (!this.process.isAlive || this.isIdle) return false
    this.pace.pass()
    const { random } = this.#world
    if (this.queue.length > 0 && (!this.process.isReady || random.chance(0.7))) this.#read()
    else this.process.run()
    this.#round()
    return true
  }

  /** SIGKILL. */
  kill(): void {
    this.process.kill()
    this.#world.fs.unwatch(this.queue)
  }

  /** Reads some of the events that are queued, or all. */
  #read(): void {
    const { random } = this.#world
    let count = random.chance(0.5) ? this.queue.length : 1 + random.below(this.queue.length)
    while (count-- > 0) {
      const event = this.queue.shift()
      if (event === undefined) return
      this.pace.pass()
      this.#tell(event)
    }
  }

  /** Has the tables judge, in the only safe order; see Table.drained. */
  #round(): void {
    for (let round = 0; round < 8; round++) {
      for (const table of this.tables.values()) {
        this.pace.pass()
        table.look()
      }
      const rescans = this.#rescans
      this.#rescans = []
      for (const [, directories] of rescans) for (const path of directories) this.#rescan(path)
      if (this.queue.length > 0) {
        while (this.queue.length > 0) this.#read()
        continue
      }
      if (rescans.length > 0) continue
      for (const table of this.tables.values()) {
        if (this.queue.length > 0) break
        this.#world.watcher.caughtUp(table, this, this.#world.time.now)
        table.drained()
      }
      if (this.#rescans.length === 0) break
    }
    if (this.#rescans.length > 0 || this.queue.length > 0) this.process.post(() => undefined)
    if (this.options.isOneShot) this.#finish()
  }

  #tell({ kind, watch, name }: InotifyEvent): void {
    if (kind === 'overflow') {
      for (const table of this.tables.values()) table.lostEvents('the queue overflowed')
      for (const path of ROOTS) this.#findDirectories(path)
      return
    }
    const directory = watch?.path ?? ''
    if (kind === 'self-gone') {
      if (this.#watches.get(directory) === watch) this.#lose(directory)
      return
    }
    if (kind === 'directory-gone') return
    if (this.#watches.get(directory) !== watch) return
    if (kind === 'directory-created') {
      this.#addDirectory(`${directory}/${name}`, 'new')
      return
    }
    const table = this.#tableOf(directory)
    if (table === undefined) return
    if (isTxnLog(name)) {
      const tell = (log: string, news: Parameters<CoreTable['log']>[2]) => table.log(directory, log, news)
      this.logs.retry(directory, tell)
      if (kind === 'gone') this.logs.deleted(directory, name, tell)
      else if (kind === 'closed') this.logs.written(directory, name, tell)
      else this.logs.created(directory, name, tell)
    } else if (isTemporary(name)) return
    else if (kind === 'gone') table.removed(directory, name)
    else table.arrived(directory, name, kind)
  }

  #isSkipped(path: string): boolean {
    if (path.includes('/.tablesnap-')) return true
    return !this.options.includesCopies && /\/(snapshots|backups)(\/|$)/.test(path)
  }

  /** Watches a directory first, then scans it, and those below. */
  #addDirectory(path: string, reason: ScanReason): void {
    if (this.#isSkipped(path)) return
    this.pace.pass()
    const directory = this.#world.fs.directory(path)
    if (directory === undefined) return
    const known = this.#watches.get(path)
    if (known !== undefined && directory.watches.includes(known)) return
    if (known !== undefined) this.#lose(path)
    this.#watch(directory)
    this.#scan(directory, reason)
    for (const below of [...directory.directories.values()]) this.#addDirectory(below.path, reason)
  }

  #watch(directory: Directory): void {
    let used = 0
    for (const watch of this.#watches.values()) if (watch !== undefined) used++
    const watch = used < this.options.watchLimit ? this.#world.fs.watch(directory, this.queue) : undefined
    this.#watches.set(directory.path, watch)
  }

  /** Directories below that are not known: their creation may have been missed. */
  #findDirectories(path: string): void {
    const directory = this.#world.fs.directory(path)
    if (directory === undefined) return
    for (const below of [...directory.directories.values()]) {
      if (!this.#watches.has(below.path)) this.#addDirectory(below.path, 'new')
      else this.#findDirectories(below.path)
    }
  }

  #rescan(path: string): void {
    this.pace.pass()
    const directory = this.#world.fs.directory(path)
    const watch = this.#watches.get(path)
    if (directory === undefined) {
      if (this.#watches.has(path)) this.#lose(path)
    } else if (watch !== undefined && !directory.watches.includes(watch)) {
      this.#lose(path)
      this.#addDirectory(path, 'new')
    } else {
      this.#scan(directory, 'rescan')
      this.#findDirectories(path)
    }
  }

  #scan(directory: Directory, reason: ScanReason): void {
    const { path } = directory
    if (!this.#hasTable(path)) return
    const table = this.#tableOf(path) ?? this.#newTable(path)
    this.pace.pass()
    const names = [...directory.files.keys()]
    const logs: string[] = []
    const files = new Map<string, FileIdentity>()
    for (const name of names) {
      if (isTxnLog(name)) logs.push(name)
      else if (!isTemporary(name)) {
        const identity = this.#disk.file(`${path}/${name}`)
        if (identity !== undefined) files.set(name, identity)
      }
    }
    this.logs.found(path, logs, (name, news) => table.log(path, name, news))
    this.pace.pass()
    table.scanned({
      path,
      index: indexOf(path),
      identity: this.#disk.directory(path),
      files,
      logs,
      isWatched: this.#watches.get(path) !== undefined,
      reason,
    })
  }

  #lose(path: string): void {
    for (const known of [...this.#watches.keys()]) {
      if (known !== path && !known.startsWith(`${path}/`)) continue
      this.#watches.delete(known)
      const table = this.#tableOf(known)
      if (table === undefined) continue
      this.logs.lost(known, (name, news) => table.log(known, name, news))
      table.lostDirectory(known)
    }
  }

  #hasTable(path: string): boolean {
    return tableOfUnit(unitOf(path)) !== undefined || /\/(snapshots|backups)\//.test(`${path}/`)
  }

  #tableOf(directory: string): CoreTable | undefined {
    return this.tables.get(unitOf(directory))
  }

  #newTable(directory: string): CoreTable {
    const name = unitOf(directory)
    const table = this.#world.makeCore(name, this.#settings, this.#disk, this.#orders, this.#clock)
    this.tables.set(name, table)
    this.#load(table)
    return table
  }

  #load(table: CoreTable): void {
    this.#ask(table.name).then(
      ({ state, time }) => table.loaded(state, time),
      () => this.process.after(ASK_AGAIN, () => this.#load(table)),
    )
  }

  async #ask(unit: string): Promise<{ state?: CoreTable['newest']; time?: number }> {
    const newest = await this.#manifests.newest(unit)
    if (newest === undefined) return {}
    try {
      return { state: await this.#manifests.read(newest.key) }
    } catch (error) {
      if (error instanceof TablesnapError && error.code === 'STATE_CORRUPT') return { time: newest.time }
      throw error
    }
  }

  readonly #orders: Orders = {
    upload: (table, ready) => this.uploadQueue.add(table, ready),
    unlinked: (_, files) => this.uploadQueue.unlinked(files),
    restorePoint: table => this.#writer.changed(table),
    rescan: (table, directories) => this.#rescans.push([coreOf(table), directories]),
    wake: (table, at) => this.#wake(coreOf(table), at),
    tell: (table, news) => this.#world.watcher.news(coreOf(table), news, this),
  }

  readonly #observer: ManifestObserver = {
    published: (table, { draft: { leaving } }) => {
      for (const files of leaving) if (this.#delete(files)) table.deleted(files)
    },
    failed: () => undefined,
    fenced: () => (this.#isFenced = true),
  }

  /** --delete-on-backup: Data.db goes first. */
  #delete({ directory, name, durable }: TableFiles): boolean {
    const { fs } = this.#world
    const there = fs.directory(directory)
    if (there === undefined) return false
    const names = [...there.files.keys()].filter(file => file.startsWith(`${name}-`))
    const isSame = (file: string) => sameIdentity(fs.directory(directory)?.files.get(file)?.identity, durable.get(file))
    if (!names.every(isSame)) return false
    for (const file of names.sort((a, b) => Number(b.endsWith('-Data.db')) - Number(a.endsWith('-Data.db'))))
      fs.unlink(there, file)
    return true
  }

  #wake(table: CoreTable, at: number | undefined): void {
    this.#wakes.get(table)?.()
    this.#wakes.delete(table)
    if (at === undefined) return
    const cancel = this.process.after(Math.max(0, at - this.#world.time.now), () => {
      this.#wakes.delete(table)
    })
    this.#wakes.set(table, cancel)
  }

  /** A one-shot run ends once all that it found is in the bucket, or has failed. */
  #finish(): void {
    if (this.exit !== undefined || !this.isIdle) return
    const tables = [...this.tables.values()]
    if (!this.#isEnding) {
      if (!tables.every(table => table.isIdle || table.isCovered) || this.#writer.isBusy) return
      this.#isEnding = true
      for (const table of tables) {
        table.stop()
        table.expose()
        table.look()
        table.drained()
        this.#writer.changed(table as unknown as Table)
      }
      return
    }
    if (this.#writer.isBusy || !tables.every(table => table.isIdle)) return
    const isComplete = tables.every(table => table.isCovered && [...table.missing()].length === 0)
    this.exit = isComplete && !this.#isFenced && this.#writer.failed.size === 0 ? 'success' : 'failure'
    this.kill()
  }
}

/** No upstream listings. */
const LISTINGS = { write: () => Promise.resolve(true) }

const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function ignore(): void {
  // Nobody reads it.
}

function coreOf(table: Table): CoreTable {
  return table as unknown as CoreTable
}
