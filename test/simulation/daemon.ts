import { sameIdentity } from '../../src/cassandra/file-identity.js'
import { ManifestPublisher, type Published } from '../../src/backup/manifest-publisher.js'
import { ManifestWriter, type ManifestObserver } from '../../src/backup/manifest-writer.js'
import { Outcomes } from '../../src/backup/outcomes.js'
import type { Clockwork } from '../../src/backup/ports.js'
import { Rescans } from '../../src/backup/rescans.js'
import { Turns } from '../../src/backup/turns.js'
import { UploadQueue } from '../../src/backup/upload-queue.js'
import { isTemporary } from '../../src/cassandra/names.js'
import { TablesnapError } from '../../src/errors.js'
import type { Orders, TableSettings } from '../../src/tables/ports.js'
import type { TableFiles } from '../../src/tables/table-files.js'
import type { Table } from '../../src/tables/table.js'

import { SimulatedManifests, SimulatedOwnership } from './bucket.js'
import { coreOf, tableOf, type CoreTable } from './core.js'
import { EventQueue } from './event-queue.js'
import { HeldLogs } from './held-logs.js'
import { OneShotRun } from './one-shot-run.js'
import { Pace, type PaceShape } from './pace.js'
import { Process } from './process.js'
import type { Writer, WriterParts } from './program.js'
import { SeenDisk } from './seen-disk.js'
import { SimulatedSensor } from './sensor.js'
import { SimulatedUploads } from './uploads.js'
import { ASIDE, type World } from './world.js'

/** How a daemon, or a one-shot run, is started. */
export interface DaemonOptions {
  readonly isOneShot: boolean
  readonly backsUpExisting: boolean
  readonly tookOver: boolean
  /** As in the settings of a table. */
  readonly acceptedEpoch: number
  readonly deletesUploaded: boolean
  /** Whether snapshots/ and backups/ are watched as well. */
  readonly includesCopies: boolean
  readonly settle: number
  /** Events that the kernel's queue holds. */
  readonly queueLimit: number
  /** Directories for which the kernel has a watch. */
  readonly watchLimit: number
  readonly pace: PaceShape
  /** CPU time of one step, ms. */
  readonly stepCost: number
}

/** How often the bucket is asked again what it holds of a table, ms. */
const ASK_AGAIN = 1000

/** How often tables that wait for something look, ms. */
const LOOK = 30_000

/**
 * A process that backs the node up: the real core, turns, rescans, upload queue and manifest writer, with what the watcher,
 * the sensor and the loader do, in virtual time. Between any two steps the world goes on.
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
  /** Undefined in one that goes on. */
  readonly oneShot: OneShotRun | undefined
  readonly #world: World
  readonly #writer: Writer
  /** Failures that the summary names. */
  readonly outcomes = new Outcomes(SILENT, true)
  readonly #sensor: SimulatedSensor
  readonly #turns: Turns
  readonly #rescans: Rescans
  readonly #manifests: SimulatedManifests
  readonly #disk: SeenDisk
  readonly #clockwork: Clockwork
  readonly #settings: TableSettings
  #loading = 0
  isFenced = false
  /** Virtual time, ms. */
  readonly startedAt: number

  constructor(world: World, options: DaemonOptions) {
    this.#world = world
    this.options = options
    const { bucket, network, time, fs, random } = world
    this.startedAt = time.now
    this.process = new Process(time)
    this.pace = new Pace(time, random, options.pace, options.stepCost)
    this.queue = new EventQueue(options.queueLimit)
    const pass = () => this.pace.pass()
    const now = () => time.now
    this.logs = new HeldLogs(fs, pass)
    this.#disk = new SeenDisk(fs, pass, ASIDE)
    this.#clockwork = {
      after: (delay, work) => this.process.after(delay, work),
      now: () => {
        pass()
        return time.now
      },
      time: () => {
        pass()
        return world.serverTime()
      },
      cpuTime: () => this.pace.cpuTime,
    }
    this.uploads = new SimulatedUploads(world, this.process, this.outcomes, pass)
    this.uploadQueue = new UploadQueue(this.uploads, { comingOriginal: () => undefined }, this.process, {
      width: 2,
      descriptors: 60,
      spaceOf: () => ({ total: Infinity, free: Infinity }),
    })
    this.ownership = new SimulatedOwnership(bucket, network, this.process, now)
    this.#manifests = new SimulatedManifests(bucket, network, this.process, now)
    const { settle, isOneShot, backsUpExisting, tookOver, acceptedEpoch, deletesUploaded } = options
    this.#writer = this.#makeWriter()
    this.#turns = new Turns(this.process, this.#clockwork)
    this.#sensor = new SimulatedSensor({
      ...options,
      fs,
      queue: this.queue,
      logs: this.logs,
      disk: this.#disk,
      turns: this.#turns,
      random,
      pass,
      onEmpty: () => world.watcher.caughtUp(this, time.now, time.now),
      table: name => this.tables.get(name) ?? this.#newTable(name),
      known: name => this.tables.get(name),
      gone: path => this.outcomes.solved(path),
      goneBelow: path => this.outcomes.goneBelow(path),
    })
    this.#rescans = new Rescans(this.#sensor, this.#clockwork, !isOneShot)
    this.#settings = {
      settle,
      isOneShot,
      backsUpExisting,
      tookOver,
      acceptedEpoch,
      deletesUploaded,
      looksForUnannounced: true,
      isBackedUp: (_, name) => !isTemporary(name),
    }
    this.oneShot = isOneShot ? this.#oneShotRun() : undefined
  }

  /** Watches and scans what is there. @param onEnd a one-shot run has ended */
  start(onEnd: () => void = () => undefined): void {
    this.#turns.attach(this.#sensor)
    this.#sensor.start()
    if (this.oneShot === undefined) this.process.after(LOOK, () => this.#tidy())
    else
      void this.oneShot.run().then(() => {
        this.kill()
        onEnd()
      })
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && !this.process.isReady
  }

  /** One turn of the event loop: `read` events, `ran` something that was due, or had nothing to do. */
  step(): 'read' | 'ran' | 'nothing' {
    if (!this.process.isAlive || this.isIdle) return 'nothing'
    this.pace.pass()
    if (this.queue.length > 0 && (!this.process.isReady || this.#world.random.chance(0.7))) {
      this.#sensor.poll()
      return 'read'
    }
    this.process.run()
    return 'ran'
  }

  /** SIGKILL. */
  kill(): void {
    this.process.kill()
    this.#world.fs.unwatch(this.queue)
  }

  /** Has tables look that wait for something; forgets those of which nothing is left. */
  #tidy(): void {
    for (const [name, core] of [...this.tables]) {
      const table = tableOf(core)
      if (!table.isIdle) this.#turns.touch(table)
      if (!table.isFinished) continue
      table.stop()
      this.#turns.forget(table)
      this.#rescans.forget(table)
      this.#writer.forget(table)
      this.tables.delete(name)
    }
    this.process.after(LOOK, () => this.#tidy())
  }

  #newTable(name: string): CoreTable {
    const table = this.#world.makeCore(name, this.#settings, this.#disk, this.#orders, this.#clockwork)
    this.tables.set(name, table)
    this.#loading++
    this.process.after(0, () => this.#load(table))
    return table
  }

  #load(table: CoreTable): void {
    this.#ask(table.name).then(
      ({ state, time }) => {
        this.#loading--
        table.loaded(state, time)
        this.#turns.touch(tableOf(table))
      },
      () => this.process.after(ASK_AGAIN, () => this.#load(table)),
    )
  }

  async #ask(unit: string): Promise<{ state?: CoreTable['newest']; time?: number }> {
    const [newest] = await this.#manifests.newest(unit, 1)
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
    present: (_, files) => this.outcomes.present(files),
    unlinked: (_, files) => {
      if (this.#world.program.forgetsFailures) this.outcomes.gone(files)
      this.uploadQueue.unlinked(files)
    },
    restorePoint: table => this.#writer.changed(table),
    rescan: (table, directories) => this.#rescans.order(table, directories),
    wake: (table, at) => this.#turns.wake(table, at),
    tell: (table, news) => this.#world.watcher.news(coreOf(table), news, this),
  }

  readonly #observer: ManifestObserver = {
    published: (table: Table, { draft: { leaving } }: Published) => {
      for (const files of leaving) if (this.#delete(table, files)) table.deleted(files)
    },
    failed: () => undefined,
    fenced: () => {
      this.isFenced = true
    },
  }

  /** --delete-on-backup: Data.db goes first. */
  #delete(table: Table, { directory, name, path, durable }: TableFiles): boolean {
    const { fs } = this.#world
    const there = fs.directory(directory)
    if (there === undefined) return false
    const names = [...there.files.keys()].filter(file => file.startsWith(`${name}-`))
    const data = there.files.get(`${name}-Data.db`)
    if (data === undefined) return false
    if (!names.every(file => sameIdentity(there.files.get(file)?.identity, durable.get(file)))) return false
    this.#world.watcher.deleted(table.name, path, data.content)
    for (const file of names.sort((a, b) => Number(b.endsWith('-Data.db')) - Number(a.endsWith('-Data.db'))))
      fs.unlink(there, file)
    return true
  }

  #makeWriter(): Writer {
    const { network, program } = this.#world
    const parts: WriterParts = {
      store: this.#manifests,
      listings: { write: () => Promise.resolve(!network.refused.has('PUT listing')) },
      ownership: this.ownership,
      clockwork: this.#clockwork,
      observer: this.#observer,
      isOneShot: this.options.isOneShot,
    }
    if (program.makeWriter !== undefined) return program.makeWriter(parts)
    const { store, listings, ownership, clockwork, observer, isOneShot } = parts
    const publisher = new ManifestPublisher(store, listings, ownership, clockwork, 'node1')
    return new ManifestWriter(publisher, clockwork, observer, SILENT, {
      isOneShot,
      retries: 5,
      isDryRun: false,
    })
  }

  #oneShotRun(): OneShotRun {
    return new OneShotRun({
      process: this.process,
      clockwork: this.#clockwork,
      settle: this.options.settle,
      tables: this.tables,
      turns: this.#turns,
      rescans: this.#rescans,
      writer: this.#writer,
      queue: this.uploadQueue,
      isThorough: this.#world.program.isThoroughAtEnd,
      sensor: this.#sensor,
      isLoaded: () => this.#loading === 0,
      isFenced: () => this.isFenced,
    })
  }
}

const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function ignore(): void {
  // Nobody reads it.
}
