import { join } from 'node:path'

import { isHardlink, type FileIdentity } from '../cassandra/file-identity.js'
import { isTxnLog, parseComponent } from '../cassandra/names.js'
import { TransactionLogs } from '../cassandra/transaction-logs.js'
import { indexOf, tableOfUnit, unitOf } from '../cassandra/unit.js'
import type { ListenEvent } from '../config/config.js'
import type { Disk } from '../tables/ports.js'
import type { Table } from '../tables/table.js'
import type { FileEvent, ScanReason, WatchListener } from '../watch/listener.js'
import type { Listing } from '../watch/tree.js'

import { isSameDirectory } from './same-directory.js'
import type { SensorNews } from './sensor-news.js'
import type { TableRegistry } from './table-registry.js'
import type { Turns } from './turns.js'

/** Which events and files count. */
export interface SensorSettings {
  readonly listenEvents: readonly ListenEvent[]
  /** Whether a file is backed up. */
  readonly isBackedUp: (directory: string, name: string) => boolean
}

const LISTENED: Record<Exclude<FileEvent, 'gone'>, ListenEvent> = {
  'moved-in': 'IN_MOVED_TO',
  closed: 'IN_CLOSE_WRITE',
  created: 'IN_CREATE',
}

/**
 * Tells tables what happens in their directories: events, scans, and what transaction logs say. It decides nothing about
 * SSTables: it leaves out what is not backed up, and has each table look once everything is told (see {@link Turns}).
 */
export class Sensor implements WatchListener {
  readonly #tables: TableRegistry
  readonly #turns: Turns
  readonly #disk: Disk
  readonly #news: SensorNews
  readonly #settings: SensorSettings
  readonly #logs: TransactionLogs

  constructor(tables: TableRegistry, turns: Turns, disk: Disk, news: SensorNews, settings: SensorSettings) {
    this.#tables = tables
    this.#turns = turns
    this.#disk = disk
    this.#news = news
    this.#logs = new TransactionLogs(news)
    this.#settings = settings
  }

  file(directory: string, name: string, event: FileEvent): void {
    const table = this.#tables.of(directory)
    if (isTxnLog(name)) this.#log(table, directory, name, event)
    else if (!this.#settings.isBackedUp(directory, name)) return
    else if (event === 'gone') {
      table.removed(directory, name)
      this.#news.gone(join(directory, name))
    } else if (this.#counts(directory, name, event)) table.arrived(directory, name, event)
    else return
    this.#turns.touch(table)
  }

  scanned(path: string, listing: Listing, reason: ScanReason, isWatched: boolean): void {
    const table = this.#tables.of(path)
    const logs: string[] = []
    const files = new Map<string, FileIdentity>()
    for (const name of listing.files) {
      if (isTxnLog(name)) logs.push(name)
      else if (this.#settings.isBackedUp(path, name)) {
        const identity = this.#disk.file(join(path, name))
        if (identity !== undefined) files.set(name, identity)
      }
    }
    this.#logs.found(path, logs, table)
    const identity = this.#disk.directory(path)
    table.scanned({ path, index: indexOf(path), identity, files, logs, isWatched, reason })
    this.#news.scanned(path)
    this.#turns.touch(table)
  }

  denied(directory: string): void {
    // A table whose directory cannot be read lacks SSTables; for any other directory nobody can say so.
    if (tableOfUnit(unitOf(directory)) === undefined) return
    const table = this.#tables.of(directory)
    table.unreadable(directory)
    this.#turns.touch(table)
  }

  lost(directory: string): void {
    const table = this.#tables.at(directory)
    if (table === undefined) return
    this.#logs.lost(directory, table)
    this.#tables.lost(directory)
    table.lostDirectory(directory)
    this.#news.goneBelow(directory)
    this.#turns.touch(table)
  }

  hidden(directory: string): void {
    const table = this.#tables.at(directory)
    if (table === undefined) return
    // First: what the table hears of its logs is no reason to look at a disk that is not there.
    this.#turns.hold(table, directory)
    this.#logs.lost(directory, table)
    this.#news.hidden(directory)
  }

  shown(directories: readonly string[]): void {
    const tables = new Set<Table>()
    for (const directory of directories) {
      const table = this.#tables.at(directory)
      if (table === undefined) continue
      tables.add(table)
      this.#turns.release(table, directory)
      if (!isSameDirectory(table, directory, this.#disk)) this.lost(directory)
    }
    for (const table of tables) this.lostEvents(table, 'a file system was mounted')
  }

  overflow(): void {
    this.#news.overflow()
    for (const table of this.#tables)
      this.lostEvents(table, 'the kernel dropped inotify events (queue overflow)')
  }

  /** Changes of a table may have gone unheard. */
  lostEvents(table: Table, why: string): void {
    table.lostEvents(why)
    this.#turns.touch(table)
  }

  /** Lets go of the transaction logs that are held open. */
  close(): void {
    this.#logs.close()
  }

  #counts(directory: string, name: string, event: Exclude<FileEvent, 'gone'>): boolean {
    if (!this.#settings.listenEvents.includes(LISTENED[event])) return false
    // A file without a name we know may be open for long after its CREATE; a hardlink gets no other event.
    return event !== 'created' || parseComponent(name) !== undefined || isHardlink(join(directory, name))
  }

  #log(table: Table, directory: string, name: string, event: FileEvent): void {
    // An error of one transaction log does not stop the attempts to open the others.
    this.#logs.retry(directory, table)
    if (event === 'gone') this.#logs.deleted(directory, name, table)
    else if (event === 'closed') this.#logs.written(directory, name, table)
    else this.#logs.created(directory, name, table)
  }
}
