import { join } from 'node:path'

import type { TablesnapError } from '../errors.js'
import { errorMessage } from '../errors.js'
import type { ListenEvent } from '../config/config.js'
import type { Filter } from '../plan/filter.js'
import type { Logger } from '../report/logger.js'
import { isAddition, isTxnLog, parseComponent } from '../sstable/names.js'
import { indexOf, tableOfUnit, unitOf } from '../sstable/unit.js'
import type { Listing } from '../watch/tree.js'
import type { FileEvent, ScanReason, WatchListener } from '../watch/watcher.js'

import { Agenda, type AgendaOptions, type Ended } from './agenda.js'
import { Commits } from './commits.js'
import { Directory, identityOf, splitTxns } from './directory.js'
import { isHardlink, type Found } from './found.js'
import type { Group, GroupState } from './group.js'
import { Unit } from './unit.js'

/** What the tracker takes in, and whom it tells. */
export interface TrackerOptions extends Omit<AgendaOptions, 'onScanned' | 'onStill' | 'onGone'> {
  /** Whether files that are there at the start are backed up, too. */
  readonly existing: boolean
  readonly listenEvents: readonly ListenEvent[]
  readonly filter: Filter
  readonly log: Logger
  /** ms since 1970, by the server's clock. */
  readonly clock: () => number
  /** A unit that was not known; {@link Tracker.loaded} is to be called for it. */
  readonly onUnit: (unit: Unit) => void
  /** Every group of a scan was judged, so the unit's history can begin, or begin again. */
  readonly onScanned: (unit: Unit) => void
  /** Cassandra has unlinked a set. */
  readonly onUnlinked: (group: Group) => void
  /** A new directory that is not watched. */
  readonly onUnwatched: (path: string) => void
  /** Something that cannot be backed up, whatever is tried. */
  readonly onProblem: (path: string, message: string) => void
}

const LISTENED: Record<Exclude<FileEvent, 'gone'>, ListenEvent> = {
  'moved-in': 'IN_MOVED_TO',
  closed: 'IN_CLOSE_WRITE',
  created: 'IN_CREATE',
}

/** States in which news of a transaction can make a difference. */
const OPEN: ReadonlySet<GroupState> = new Set([
  'dirty',
  'written',
  'waiting',
  'settling',
  'failed',
  'obsolete',
])

/** Follows the files of all watched directories and says when a set, or a file of no set, is complete. */
export class Tracker implements WatchListener {
  readonly directories = new Map<string, Directory>()
  readonly units = new Map<string, Unit>()
  readonly #options: TrackerOptions
  readonly #agenda: Agenda
  readonly #commits: Commits
  readonly #unreadable = new Set<string>()
  /** Whether transactions' sets count of which there was no event. */
  readonly #finds: boolean
  /** Transaction logs that cannot be read. */
  readonly #unread = new Set<string>()

  constructor(options: TrackerOptions) {
    this.#options = options
    this.#finds = options.listenEvents.some(event => event !== 'IN_MOVED_TO')
    this.#commits = new Commits({
      ...options,
      finds: this.#finds,
      onCommit: options.onChange,
    })
    this.#agenda = new Agenda({
      ...options,
      onComplete: found => {
        this.#commits.complete(found.group.directory.unit, found.group)
        options.onComplete(found)
      },
      onStill: unit => this.#commits.quiet(unit),
      onGone: group => this.#left(group),
    })
  }

  /** Resolves when nothing is dirty, settling or busy. */
  async idle(): Promise<void> {
    await this.#agenda.idle()
  }

  /** Resolves when the bucket was asked for every unit's newest state. */
  async whenLoaded(): Promise<void> {
    await this.#agenda.whenLoaded()
  }

  /** Takes no more in; what is busy may still end. */
  stop(): void {
    this.#agenda.stop()
  }

  /** Lets go of what is held open. */
  close(): void {
    for (const unit of this.units.values()) unit.transactions.close()
  }

  /** What became of a group that was complete. */
  ended(found: Found, ended: Ended): void {
    this.#agenda.ended(found.group, ended)
  }

  /** The bucket was asked for the unit's newest state. */
  loaded(unit: Unit): void {
    for (const group of unit.groups()) {
      if (group.state === 'old') this.#old(group)
    }
    this.#agenda.loaded(unit)
  }

  /** Groups in one of these states. */
  *in(...states: GroupState[]): Generator<Group> {
    for (const directory of this.directories.values()) {
      for (const group of directory.groups.values()) if (states.includes(group.state)) yield group
    }
  }

  /** Names sets as part of the table that have not been complete for a while. @param since at the latest, ms of the monotonic clock */
  expose(since: number): void {
    for (const group of this.#agenda.hindered) {
      if (group.hindered === undefined || group.hindered > since) continue
      const { unit } = group.directory
      if (unit.history === undefined) continue
      if (group.sstable && group.state === 'waiting') this.#commits.hindered(unit, group)
      this.#options.onChange(unit)
    }
  }

  file(path: string, name: string, event: FileEvent): void {
    const directory = this.#directory(path)
    if (isTxnLog(name)) {
      this.#txn(directory, name, event)
      this.#agenda.check(directory.unit)
      return
    }
    if (!this.#options.filter.file(path, name)) return
    if (event === 'gone') {
      this.#gone(directory, name)
      this.#agenda.check(directory.unit)
      return
    }
    if (!this.#options.listenEvents.includes(LISTENED[event])) return
    const plain = parseComponent(name) === undefined
    // A file without a name we know may be open for long after its CREATE; a hardlink gets no other event.
    if (plain && event === 'created' && !isHardlink(join(path, name))) return
    const group = directory.groupOf(name)
    group.names.add(name)
    group.untouched = false
    if (plain) group.settled = event === 'moved-in'
    else this.#stir(group)
    this.#agenda.mark(group)
  }

  scanned(path: string, listing: Listing, reason: ScanReason): void {
    const directory = this.#directory(path)
    const { unit } = directory
    unit.rescans.delete(path)
    const { txns, others } = splitTxns(listing.files)
    const names = others.filter(name => this.#options.filter.file(path, name))
    for (const name of txns) this.#txn(directory, name, 'scanned')
    if (reason === 'rescan') this.#missed(directory, new Set(names), txns)
    for (const name of names) directory.groupOf(name).names.add(name)
    const now = performance.now()
    for (const group of directory.groups.values()) {
      const written = unit.transactions.isWritten(directory.index, group.name)
      if (reason === 'start' && !this.#options.existing && !written) {
        group.state = 'old'
        group.quiet(now)
        if (unit.loaded) this.#old(group)
      } else if (isNews(group)) {
        group.untouched = reason === 'start'
        group.restless = undefined
        // What is busy was judged before, and may be so for hours.
        const isOpen = group.sstable && group.state !== 'busy' && unit.history === undefined
        if (isOpen) unit.unsettled.add(group)
        this.#agenda.mark(group)
      }
    }
    this.#agenda.check(unit)
  }

  lost(path: string): void {
    const directory = this.directories.get(path)
    if (directory === undefined) return
    this.directories.delete(path)
    directory.lost = true
    const { unit } = directory
    for (const group of [...directory.groups.values()]) {
      if (group.sstable) this.#commits.gone(unit, group)
      else unit.changed = true
      this.#agenda.drop(group)
    }
    for (const transaction of unit.transactions.in(path)) {
      transaction.end(path)
      this.#commits.transaction(unit, transaction)
      unit.transactions.tidy(transaction)
    }
    unit.directories.delete(path)
    unit.rescans.delete(path)
    unit.stirred = performance.now()
    this.#agenda.check(unit)
    this.#options.onChange(unit)
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
    for (const unit of this.units.values()) this.begin(unit)
  }

  failed(directory: string, error: TablesnapError): void {
    this.#options.onProblem(directory, error.message)
  }

  unwatched(directory: string): void {
    this.#options.onUnwatched(directory)
  }

  awaited(path: string): void {
    this.#options.log.warn(`${path} is not there: it is watched as soon as it is`, { path })
  }

  /** Commits of the unit were missed: its history begins anew with the scan that follows. */
  begin(unit: Unit): void {
    unit.voided = false
    unit.before ??= unit.history
    unit.history = undefined
    for (const path of unit.directories.keys()) unit.rescans.add(path)
    unit.appeared.clear()
    unit.vanished.clear()
    unit.phantoms.clear()
    unit.during.length = 0
  }

  #directory(path: string): Directory {
    let directory = this.directories.get(path)
    if (directory === undefined) {
      const name = unitOf(path)
      let unit = this.units.get(name)
      if (unit === undefined) {
        unit = new Unit(name, tableOfUnit(name) !== undefined)
        this.units.set(name, unit)
        this.#agenda.loading(unit)
        this.#options.onUnit(unit)
      }
      directory = new Directory(path, unit, indexOf(path), identityOf(path), this.#options.filter)
      this.directories.set(path, directory)
      unit.directories.set(path, directory)
    }
    return directory
  }

  /** A transaction log came, was written to, or went. */
  #txn(directory: Directory, name: string, event: FileEvent | 'scanned'): void {
    const { unit, path, index } = directory
    const transaction = unit.transactions.of(name, index)
    const file = join(path, name)
    try {
      if (event === 'gone') transaction.end(path)
      else if (transaction.open(path)) transaction.read(path)
      else if (event === 'created' && this.#finds) this.#missedTxn(unit, name, 'was gone too soon')
      if (this.#unread.delete(file) && event === 'gone') this.#missedTxn(unit, name, 'was never read')
    } catch (error) {
      // Once: the scan that follows finds it again.
      if (!this.#unread.has(file)) {
        this.#unread.add(file)
        const problem = `${file} cannot be read: ${errorMessage(error)}`
        this.#options.onProblem(file, problem)
        this.#commits.gap(unit, problem)
      }
    }
    this.#commits.transaction(unit, transaction)
    unit.transactions.tidy(transaction)
    for (const set of [...transaction.txn.adds, ...transaction.txn.removes]) {
      const group = unit.setOf(index, set)
      if (group !== undefined && OPEN.has(group.state)) this.#agenda.mark(group)
    }
  }

  /** Of a set that one only added its own events tell, as of one that no transaction wrote. */
  #missedTxn(unit: Unit, name: string, how: string): void {
    if (!isAddition(name)) this.#commits.gap(unit, `${name} ${how}`)
  }

  #stir(group: Group): void {
    const { unit, index } = group.directory
    if (unit.transactions.isWritten(index, group.name) || unit.transactions.isObsolete(index, group.name))
      return
    if (!group.settled) unit.stirred = performance.now()
  }

  /** Of a file that was there at the start and is not to be uploaded: unless a stopped daemon missed it. */
  #old(group: Group): void {
    const { unit } = group.directory
    const { newest } = unit
    const stored = unit.stored(group.path)
    if (stored !== undefined) {
      group.seed()
      if (group.stored !== undefined && !group.outdated()) group.state = 'done'
      else this.#agenda.mark(group)
    } else if (newest !== undefined && !newest.unprotected.includes(group.path)) this.#agenda.mark(group)
  }

  /** Makes up for the events of what went away unheard of. */
  #missed(directory: Directory, names: ReadonlySet<string>, txns: readonly string[]): void {
    for (const group of [...directory.groups.values()]) {
      for (const name of [...group.names]) if (!names.has(name)) this.#gone(directory, name)
    }
    for (const transaction of directory.unit.transactions.in(directory.path)) {
      if (!txns.includes(transaction.name)) this.#txn(directory, transaction.name, 'gone')
    }
  }

  #gone(directory: Directory, name: string): void {
    const group = directory.known(name)
    if (group === undefined) return
    group.names.delete(name)
    if (name === group.main || group.names.size === 0) this.#left(group)
    else if (group.state !== 'old') {
      group.settled = false
      this.#agenda.mark(group)
    }
  }

  /** A set's Data.db, or a file of no set, is gone. */
  #left(group: Group): void {
    const { unit } = group.directory
    if (group.sstable) {
      this.#stir(group)
      this.#commits.gone(unit, group)
      this.#agenda.drop(group)
      this.#options.onUnlinked(group)
    } else {
      unit.changed = true
      this.#agenda.drop(group)
      this.#options.onChange(unit)
    }
  }
}

/** Whether a scan shows of a group what is not known, or not dealt with, yet. */
function isNews(group: Group): boolean {
  if (group.state === 'old') return group.differs()
  return group.state !== 'done' || group.outdated()
}
