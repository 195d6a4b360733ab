import { join } from 'node:path'

import type { TablesnapError } from '../errors.js'
import type { ListenEvent } from '../config/config.js'
import type { Filter } from '../plan/filter.js'
import type { Logger } from '../report/logger.js'
import { isTxnLog, parseComponent } from '../sstable/names.js'
import type { Listing } from '../watch/tree.js'
import type { FileEvent, ScanReason, WatchListener } from '../watch/watcher.js'

import { Agenda, type AgendaOptions, type Ended } from './agenda.js'
import { Directory, splitTxns } from './directory.js'
import { isHardlink, type Found } from './found.js'
import type { Unit, UnitState } from './unit.js'

/** What the tracker takes in, and whom it tells. */
export interface TrackerOptions extends AgendaOptions {
  /** Whether files that are there at the start are backed up, too. */
  readonly existing: boolean
  readonly listenEvents: readonly ListenEvent[]
  readonly filter: Filter
  readonly log: Logger
  /** Something that cannot be backed up, whatever is tried. */
  readonly onProblem: (path: string, message: string) => void
}

const LISTENED: Record<Exclude<FileEvent, 'gone'>, ListenEvent> = {
  'moved-in': 'IN_MOVED_TO',
  closed: 'IN_CLOSE_WRITE',
  created: 'IN_CREATE',
}

/** States in which news of a transaction can make a difference. */
const OPEN: ReadonlySet<UnitState> = new Set(['dirty', 'written', 'waiting', 'settling', 'failed'])

/** Follows the files of all watched directories and says when a set, or a file of no set, is complete. */
export class Tracker implements WatchListener {
  readonly directories = new Map<string, Directory>()
  readonly #options: TrackerOptions
  readonly #agenda: Agenda
  readonly #unreadable = new Set<string>()

  constructor(options: TrackerOptions) {
    this.#options = options
    this.#agenda = new Agenda(options)
  }

  /** Resolves when nothing is dirty, settling or busy. */
  async idle(): Promise<void> {
    await this.#agenda.idle()
  }

  /** Takes no more in; what is busy may still end. */
  stop(): void {
    this.#agenda.stop()
  }

  /** What became of a unit that was complete. */
  ended(found: Found, ended: Ended): void {
    this.#agenda.ended(found, ended)
  }

  /** Units in one of these states. */
  *in(...states: UnitState[]): Generator<{ directory: Directory; unit: Unit }> {
    for (const directory of this.directories.values()) {
      for (const unit of directory.units.values()) if (states.includes(unit.state)) yield { directory, unit }
    }
  }

  file(path: string, name: string, event: FileEvent): void {
    const directory = this.#directory(path)
    if (isTxnLog(name)) {
      this.#touched(directory, event === 'gone' ? directory.endTxn(name) : directory.readTxn(name))
      return
    }
    if (!this.#options.filter.file(path, name)) return
    if (event === 'gone') {
      this.#gone(directory, name)
      this.#agenda.check(directory)
      return
    }
    if (!this.#options.listenEvents.includes(LISTENED[event])) return
    const plain = parseComponent(name) === undefined
    // A file without a name we know may be open for long after its CREATE; a hardlink gets no other event.
    if (plain && event === 'created' && !isHardlink(join(path, name))) return
    const unit = directory.unitOf(name)
    unit.names.add(name)
    unit.untouched = false
    if (plain) unit.settled = event === 'moved-in'
    this.#agenda.mark(directory, unit)
  }

  scanned(path: string, listing: Listing, reason: ScanReason): void {
    const directory = this.#directory(path)
    const { txns, others } = splitTxns(listing.files)
    const names = others.filter(name => this.#options.filter.file(path, name))
    if (reason === 'rescan') this.#missed(directory, new Set(names), txns)
    for (const name of names) directory.unitOf(name).names.add(name)
    for (const name of txns) directory.readTxn(name)
    const now = performance.now()
    for (const unit of directory.units.values()) {
      if (reason === 'start' && !this.#options.existing && !directory.isWritten(unit.name)) {
        unit.state = 'old'
        unit.quiet(path, now)
      } else if (isNews(unit, path)) {
        unit.untouched = reason === 'start'
        unit.restless = undefined
        this.#agenda.mark(directory, unit)
      }
    }
    this.#agenda.check(directory)
  }

  lost(path: string): void {
    const directory = this.directories.get(path)
    if (directory === undefined) return
    this.directories.delete(path)
    this.#agenda.lost(directory)
  }

  unreadable(directory: string, name: string): void {
    const path = join(directory, name)
    if (this.#unreadable.has(path)) return
    this.#unreadable.add(path)
    const message = `${path} cannot be backed up: its name is not UTF-8, which S3 keys must be; rename it`
    this.#options.onProblem(path, message)
  }

  overflow(): void {
    this.#options.log.warn(
      'the kernel dropped inotify events (queue overflow): every watched directory is scanned again',
    )
  }

  failed(directory: string, error: TablesnapError): void {
    this.#options.onProblem(directory, error.message)
  }

  #directory(path: string): Directory {
    let directory = this.directories.get(path)
    if (directory === undefined) {
      directory = new Directory(path, name => this.#options.filter.file(path, name))
      this.directories.set(path, directory)
    }
    return directory
  }

  /** Makes up for the events of what went away unheard of. */
  #missed(directory: Directory, names: ReadonlySet<string>, txns: readonly string[]): void {
    directory.stale = false
    for (const unit of [...directory.units.values()]) {
      for (const name of [...unit.names]) if (!names.has(name)) this.#gone(directory, name)
    }
    directory.endTxnsExcept(txns)
  }

  #gone(directory: Directory, name: string): void {
    const component = parseComponent(name)
    const unit = directory.units.get(component?.set ?? name)
    if (unit === undefined) return
    unit.names.delete(name)
    if (unit.names.size > 0 && component?.component !== 'Data.db') return
    const counted = unit.sstable && (unit.state === 'done' || unit.state === 'old')
    if (counted && !directory.isObsolete(unit.name)) directory.shrunk = performance.now()
    this.#agenda.drop(directory, unit)
  }

  #touched(directory: Directory, sets: readonly string[]): void {
    for (const set of sets) {
      const unit = directory.units.get(set)
      if (unit !== undefined && OPEN.has(unit.state)) this.#agenda.mark(directory, unit)
    }
    this.#agenda.check(directory)
  }
}

/** Whether a scan shows of a unit what is not known, or not dealt with, yet. */
function isNews(unit: Unit, directory: string): boolean {
  if (unit.state === 'old') return unit.differs(directory)
  return unit.state !== 'done' || unit.outdated(directory)
}
