import { join } from 'node:path'

import { isAddition } from '../cassandra/names.js'
import { EMPTY_TXN, isEnd, mergeTxns, type Txn } from '../cassandra/transaction-log.js'
import { SparseMap, SparseSet } from '../manifest/sparse.js'

import type { TableFiles } from './table-files.js'
import type { WatchedDirectories } from './watched-directories.js'

/** How many transactions that are over are remembered: a replica of the log may be announced late. Their names have UUIDs. */
const REMEMBERED = 100

/** A transaction of Cassandra's, by its log, or by the log's replicas in several data directories. */
export class TransactionLog {
  readonly #replicas = new Map<string, Txn | 'unread'>()
  #txn: Txn = EMPTY_TXN
  #wasRead = false

  /** @param since how many drained points the table had when the log was announced */
  constructor(
    readonly name: string,
    /** The secondary index whose SSTables it names, or ''. */
    readonly index: string,
    readonly since: number,
  ) {}

  /** The lines of all replicas together. */
  get txn(): Txn {
    return this.#txn
  }

  /** Whether it is a truncate's or drop's. */
  get isEnd(): boolean {
    return isEnd(this.name)
  }

  /** Whether it can only add SSTables: a flush or a stream. */
  get isAddition(): boolean {
    return isAddition(this.name)
  }

  /** Whether no replica of it was ever read. */
  get isUnread(): boolean {
    return !this.#wasRead
  }

  /** Whether no replica of it is there any more. */
  get isOver(): boolean {
    return this.#replicas.size === 0
  }

  read(directory: string, txn: Txn): void {
    this.#replicas.set(directory, txn)
    this.#wasRead = true
    this.#txn = mergeTxns([txn, this.#txn])
  }

  miss(directory: string): void {
    if (!this.#replicas.has(directory)) this.#replicas.set(directory, 'unread')
  }

  end(directory: string): void {
    this.#replicas.delete(directory)
  }

  isIn(directory: string): boolean {
    return this.#replicas.has(directory)
  }
}

/** An SSTable, as logs name it. */
type NamedInLogs = Pick<TableFiles, 'index' | 'name' | 'path'>

/** The transaction logs of a table that are there. */
export class Logs {
  readonly #directories: Pick<WatchedDirectories, 'byPath'>
  readonly #all = new SparseMap<string, TransactionLog>()
  /** The last ones that are over and whose commit was taken. */
  readonly #taken = new SparseSet<string>()

  constructor(directories: Pick<WatchedDirectories, 'byPath'>) {
    this.#directories = directories
  }

  get size(): number {
    return this.#all.size
  }

  /** The log of a name, made when it is new. @param drains how many drained points the table has had */
  of(name: string, index: string, drains: number): TransactionLog {
    const key = `${index}/${name}`
    let log = this.#all.get(key)
    if (log === undefined) {
      log = new TransactionLog(name, index, drains)
      this.#all.set(key, log)
    }
    return log
  }

  known(name: string, index: string): TransactionLog | undefined {
    return this.#all.get(`${index}/${name}`)
  }

  /** Takes a log's commit, once. @returns whether it has committed and was not taken before */
  take({ name, index, txn }: TransactionLog): boolean {
    const key = `${index}/${name}`
    if (!txn.committed || this.#taken.has(key)) return false
    this.#taken.add(key)
    return true
  }

  /** Forgets a log of which no replica is there. */
  tidy(log: TransactionLog): void {
    if (!log.isOver) return
    this.#all.delete(`${log.index}/${log.name}`)
    for (const first of this.#taken) {
      if (this.#taken.size <= REMEMBERED + this.#all.size) break
      this.#taken.delete(first)
    }
  }

  /** Those that have a replica in a directory. */
  in(directory: string): TransactionLog[] {
    return [...this.#all.values()].filter(log => log.isIn(directory))
  }

  /** Those that are there and could not be read. */
  get unread(): TransactionLog[] {
    if (this.#all.size === 0) return []
    return [...this.#all.values()].filter(log => log.isUnread)
  }

  /** Whether one says that the SSTable is being written, or is about to go. */
  names(sstable: NamedInLogs): boolean {
    return this.isWritten(sstable) || this.isObsolete(sstable)
  }

  /** Whether one that has not committed says that the SSTable is being written. */
  isWritten({ index, name, path }: NamedInLogs): boolean {
    for (const { txn, index: of } of this.#all.values())
      if (of === index && !txn.committed && txn.adds.has(name) && this.mean(txn.paths, name, path))
        return true
    return false
  }

  /** Whether a committed one says that the SSTable is about to go. */
  isObsolete({ index, name, path }: NamedInLogs): boolean {
    for (const { txn, index: of } of this.#all.values())
      if (of === index && txn.committed && txn.removes.has(name) && this.mean(txn.removedPaths, name, path))
        return true
    return false
  }

  /**
   * Whether a log that has a name means the SSTable of a path, and not one of the name that an operator put into another data
   * directory. Where the log has the data directories under other paths, as by a symbolic link, the name decides.
   * @param paths that the log has
   */
  mean(paths: ReadonlySet<string>, name: string, path: string): boolean {
    if (paths.has(path)) return true
    for (const directory of this.#directories.byPath.keys())
      if (paths.has(join(directory, name))) return false
    return true
  }
}
