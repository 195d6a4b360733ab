import { dirname, join } from 'node:path'

import type { LogNews } from '../cassandra/transaction-logs.js'
import { indexOf } from '../cassandra/unit.js'
import { SparseMap } from '../manifest/sparse.js'

import { isKnownElsewhere } from './data-directories.js'
import { LOG_PATIENCE } from './gap.js'
import type { TransactionLog } from './logs.js'
import type { MissedChanges } from './missed-changes.js'
import { NamedSSTables } from './named-sstables.js'
import type { OwnOrders } from './own-orders.js'
import type { Surroundings } from './ports.js'
import type { TableFiles } from './table-files.js'
import type { TableModel } from './table-model.js'

/** Takes in what is read of transaction logs: which SSTables are being written, and which a commit adds and removes. */
export class LogIntake {
  readonly #surroundings: Surroundings
  readonly #model: TableModel
  readonly #missed: MissedChanges
  readonly #orders: OwnOrders
  readonly #named: NamedSSTables
  /** When logs that cannot be read were announced, ms of the monotonic clock, by path. */
  readonly #unread = new SparseMap<string, number>()

  constructor(surroundings: Surroundings, model: TableModel, missed: MissedChanges, orders: OwnOrders) {
    this.#surroundings = surroundings
    this.#model = model
    this.#missed = missed
    this.#orders = orders
    this.#named = new NamedSSTables(surroundings, model)
  }

  /** Paths of the logs that could not be read for long. */
  get unread(): string[] {
    const now = this.#surroundings.clock.now()
    return [...this.#unread].filter(([, since]) => now - since > LOG_PATIENCE).map(([path]) => path)
  }

  /** A log was read, missed or deleted. */
  take(path: string, name: string, news: LogNews): void {
    const { disk, clock } = this.#surroundings
    const { directories, logs, placement, worklist } = this.#model
    const index = indexOf(path)
    const known = logs.known(name, index)
    if (known === undefined && news.kind === 'gone') return
    // The first scan tells of the logs before it tells of the directory.
    if (!directories.byPath.has(path)) directories.announce(path, index, disk.directory(path))
    const log = known ?? logs.of(name, index, placement.drains)
    if (news.kind === 'read') {
      this.#unread.delete(join(path, name))
      log.read(path, news.txn)
    } else if (news.kind === 'gone') {
      this.end(path, log)
      return
    } else {
      log.miss(path)
      if (news.kind === 'unreadable' && !this.#unread.has(join(path, name)))
        this.#unread.set(join(path, name), clock.now())
      if (log.isUnread && !log.isAddition) this.#missed.note(`transaction log ${name} was not read`, log)
    }
    if (logs.take(log)) this.#committed(log)
    for (const sstable of [...log.txn.adds, ...log.txn.removes]) {
      const files = this.#named.find(index, sstable)
      if (files !== undefined && files.status !== 'done' && files.status !== 'old') worklist.mark(files)
    }
  }

  /** A replica of a log is there no longer. @param path of its directory */
  end(path: string, log: TransactionLog): void {
    this.#unread.delete(join(path, log.name))
    log.end(path)
    if (log.isOver) this.#ended(log)
    this.#model.logs.tidy(log)
    this.#missed.rescan(`transaction log ${log.name} was not read`)
    this.#orders.wakeNow()
  }

  /** No replica of a log is there: what it names is judged without it. */
  #ended(log: TransactionLog): void {
    const { placement, worklist } = this.#model
    if (log.isUnread) placement.unreadLogEnded(log)
    for (const sstable of log.txn.adds) {
      const files = this.#named.find(log.index, sstable)
      if (files !== undefined && files.status !== 'done') worklist.mark(files)
    }
    for (const sstable of log.txn.removes)
      for (const files of this.#named.all(log.index, sstable)) if (files.isRemoved) worklist.mark(files)
    if (!log.isUnread) return
    for (const files of placement.unplaced) if (files.status !== 'uploading') worklist.mark(files)
  }

  /** A transaction has committed: what its log adds then is part of the table, what it removes no longer is. */
  #committed(log: TransactionLog): void {
    const { placement, points, worklist } = this.#model
    const { txn } = log
    const adds: TableFiles[] = []
    for (const name of txn.adds) {
      placement.losses.namedAgain(log, name)
      const files = this.#named.added(log, name)
      if (files !== undefined) adds.push(files)
    }
    this.#checkWatched(txn.paths)
    this.#model.takeKept()
    const removes: TableFiles[] = []
    for (const files of this.#named.removed(log)) {
      removes.push(files)
      // Files of the name may have come after --delete-on-backup deleted the SSTable.
      const kept = points.kept.sstables.get(files.path)
      if (kept !== undefined && kept !== files) removes.push(kept)
      points.kept.removed(files.path, this.#surroundings.clock.time())
    }
    placement.committed(log, adds, removes)
    for (const files of adds) worklist.mark(files)
  }

  /** A new SSTable in a directory that nobody watches is missing from every restore point. */
  #checkWatched(paths: ReadonlySet<string>): void {
    const { disk } = this.#surroundings
    const { byPath } = this.#model.directories
    const { notBackedUp } = this.#model.points
    for (const path of paths) {
      const directory = dirname(path)
      if (byPath.has(directory) || notBackedUp.hasDirectory(directory)) continue
      if (disk.file(`${path}-Data.db`) === undefined || isKnownElsewhere(directory, byPath.values(), disk))
        continue
      notBackedUp.addDirectory(directory)
      this.#orders.restorePoint()
    }
  }
}
