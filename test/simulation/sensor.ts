import type { Scanner } from '../../src/backup/rescans.js'
import type { EventQueue as PolledQueue, Turns } from '../../src/backup/turns.js'
import type { FileIdentity } from '../../src/cassandra/file-identity.js'
import { isTemporary, isTxnLog } from '../../src/cassandra/names.js'
import { indexOf, tableOfUnit, unitOf } from '../../src/cassandra/unit.js'
import type { Disk, ScanReason } from '../../src/tables/ports.js'
import type { Random } from '../manifest/random.js'

import { tableOf, type CoreTable } from './core.js'
import type { EventQueue, InotifyEvent, Watch } from './event-queue.js'
import type { Directory, FileSystem } from './file-system.js'
import type { HeldLogs } from './held-logs.js'
import { ROOTS } from './world.js'

/** What a simulated sensor works with. */
export interface SensorDeps {
  readonly fs: FileSystem
  readonly queue: EventQueue
  readonly logs: HeldLogs
  readonly disk: Disk
  readonly turns: Turns
  readonly random: Random
  /** Lets the world go on between two steps. */
  readonly pass: () => void
  /** Directories for which the kernel has a watch. */
  readonly watchLimit: number
  /** Whether snapshots/ and backups/ are watched as well. */
  readonly includesCopies: boolean
  /** All events are read. */
  readonly onEmpty: () => void
  /** The table of a name, made when it is new. */
  readonly table: (name: string) => CoreTable
  /** The table of a name, if it is known. */
  readonly known: (name: string) => CoreTable | undefined
  /** A file is gone. */
  readonly gone: (path: string) => void
  /** A directory is not watched any more. */
  readonly goneBelow: (path: string) => void
}

/** What the watcher and the sensor of the program do, on the simulated file system: watch first, then scan; tell every event. */
export class SimulatedSensor implements PolledQueue, Scanner {
  readonly #deps: SensorDeps
  /** Watched directories, by path; undefined where no watch was left. */
  readonly #watches = new Map<string, Watch | undefined>()

  constructor(deps: SensorDeps) {
    this.#deps = deps
  }

  /** Watches and scans what is there. */
  start(): void {
    for (const path of ROOTS) this.#addDirectory(path, 'start')
  }

  isUnwatched(path: string): boolean {
    return this.#watches.has(path) && this.#watches.get(path) === undefined
  }

  /** Directories for which no watch was left. */
  get unwatched(): string[] {
    return [...this.#watches.keys()].filter(path => this.#watches.get(path) === undefined)
  }

  /** Reads some of the events that are queued, or all. @returns whether none was left at the end */
  poll(): boolean {
    const { queue, random, pass } = this.#deps
    let count = random.chance(0.7) ? queue.length : random.below(queue.length + 1)
    for (; count > 0; count--) {
      const event = queue.shift()
      if (event === undefined) break
      pass()
      this.#tell(event)
    }
    const isEmpty = queue.length === 0
    if (isEmpty) this.#deps.onEmpty()
    // From here on there may be new ones.
    pass()
    return isEmpty
  }

  rescan(paths: readonly string[]): void {
    for (const path of paths) {
      this.#deps.pass()
      const directory = this.#deps.fs.directory(path)
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
  }

  #tell({ kind, watch, name }: InotifyEvent): void {
    const { turns, logs } = this.#deps
    if (kind === 'overflow') {
      for (const path of this.#watches.keys()) this.#tableOf(path)?.lostEvents('the queue overflowed')
      for (const path of ROOTS) this.#findDirectories(path)
      return
    }
    const directory = watch?.path ?? ''
    if (this.#watches.get(directory) !== watch || kind === 'directory-gone') return
    if (kind === 'self-gone') {
      this.#lose(directory)
      return
    }
    if (kind === 'directory-created') {
      this.#addDirectory(`${directory}/${name}`, 'new')
      return
    }
    const table = this.#tableOf(directory)
    if (table === undefined || (isTemporary(name) && !isTxnLog(name))) return
    if (isTxnLog(name)) {
      const tell = (log: string, news: Parameters<CoreTable['log']>[2]) => table.log(directory, log, news)
      logs.retry(directory, tell)
      if (kind === 'gone') logs.deleted(directory, name, tell)
      else if (kind === 'closed') logs.written(directory, name, tell)
      else logs.created(directory, name, tell)
    } else if (kind === 'gone') {
      table.removed(directory, name)
      this.#deps.gone(`${directory}/${name}`)
    } else table.arrived(directory, name, kind)
    turns.touch(tableOf(table))
  }

  #isSkipped(path: string): boolean {
    if (path.includes('/.tablesnap-')) return true
    return !this.#deps.includesCopies && /\/(snapshots|backups)(\/|$)/.test(path)
  }

  /** Watches a directory first, then scans it, and those below. */
  #addDirectory(path: string, reason: ScanReason): void {
    if (this.#isSkipped(path)) return
    this.#deps.pass()
    const directory = this.#deps.fs.directory(path)
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
    const { fs, queue, watchLimit } = this.#deps
    this.#watches.set(directory.path, used < watchLimit ? fs.watch(directory, queue) : undefined)
  }

  /** Directories below that are not known: their creation may have been missed. */
  #findDirectories(path: string): void {
    const directory = this.#deps.fs.directory(path)
    if (directory === undefined) return
    for (const below of [...directory.directories.values()]) {
      if (!this.#watches.has(below.path)) this.#addDirectory(below.path, 'new')
      else this.#findDirectories(below.path)
    }
  }

  #scan(directory: Directory, reason: ScanReason): void {
    const { path } = directory
    if (!hasFiles(path)) return
    const { logs, disk, pass, turns } = this.#deps
    const table = this.#deps.table(unitOf(path))
    pass()
    const names: string[] = []
    const files = new Map<string, FileIdentity>()
    for (const name of [...directory.files.keys()]) {
      if (isTxnLog(name)) names.push(name)
      else if (!isTemporary(name)) {
        const identity = disk.file(`${path}/${name}`)
        if (identity !== undefined) files.set(name, identity)
      }
    }
    logs.found(path, names, (name, news) => table.log(path, name, news))
    pass()
    const identity = disk.directory(path)
    const isWatched = !this.isUnwatched(path)
    table.scanned({ path, index: indexOf(path), identity, files, logs: names, isWatched, reason })
    turns.touch(tableOf(table))
  }

  #lose(path: string): void {
    for (const known of [...this.#watches.keys()]) {
      if (known !== path && !known.startsWith(`${path}/`)) continue
      this.#watches.delete(known)
      const table = this.#tableOf(known)
      if (table === undefined) continue
      this.#deps.logs.lost(known, (name, news) => table.log(known, name, news))
      table.lostDirectory(known)
      this.#deps.goneBelow(known)
      this.#deps.turns.touch(tableOf(table))
    }
  }

  #tableOf(directory: string): CoreTable | undefined {
    return this.#deps.known(unitOf(directory))
  }
}

/** Whether files are backed up that lie right in a directory. */
function hasFiles(path: string): boolean {
  return tableOfUnit(unitOf(path)) !== undefined || /\/(snapshots|backups)\//.test(`${path}/`)
}
