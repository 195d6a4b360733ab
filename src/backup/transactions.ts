import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

import { errorCode } from '../errors.js'
import { EMPTY_TXN, isEnd, mergeTxns, parseTxn, type Txn } from '../sstable/txn.js'
import { SparseMap, SparseSet } from '../state/sparse.js'

/** Bytes beyond which a file is no transaction log. */
const LIMIT = 16 * 1024 * 1024

/** O_NONBLOCK: opening a FIFO waits for its writer otherwise, and with it the whole process. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** How many transactions that are over are remembered; their names have UUIDs. */
const REMEMBERED = 100

/** A transaction of Cassandra's, by its log or the log's replicas in several data directories. */
export class Transaction {
  txn: Txn = EMPTY_TXN
  /** Its commit was told. */
  told = false
  readonly #replicas = new Map<string, { readonly fd: number; txn: Txn }>()

  constructor(
    readonly name: string,
    /** The secondary index whose sets it names, or ''. */
    readonly index: string,
  ) {}

  /** Whether it is a truncate or drop. */
  get isEnd(): boolean {
    return isEnd(this.name)
  }

  /** Whether no log of it is there any more. */
  get isOver(): boolean {
    return this.#replicas.size === 0
  }

  /** Opens a log and holds it: it may be gone within milliseconds. @returns false when it is gone already */
  open(directory: string): boolean {
    if (this.#replicas.has(directory)) return true
    try {
      const fd = openSync(join(directory, this.name), FLAGS)
      this.#replicas.set(directory, { fd, txn: EMPTY_TXN })
      return true
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false
      throw error
    }
  }

  /** Reads the log in a directory again, through the descriptor: it may be unlinked. */
  read(directory: string): void {
    const replica = this.#replicas.get(directory)
    if (replica === undefined) return
    replica.txn = parseTxn(contentOf(replica.fd))
    this.txn = mergeTxns([...[...this.#replicas.values()].map(({ txn }) => txn), this.txn])
  }

  /** The log in a directory is gone. */
  end(directory: string): void {
    const replica = this.#replicas.get(directory)
    if (replica === undefined) return
    this.read(directory)
    closeSync(replica.fd)
    this.#replicas.delete(directory)
  }

  /** Ends all logs. */
  close(): void {
    for (const { fd } of this.#replicas.values()) closeSync(fd)
    this.#replicas.clear()
  }

  /** Directories in which a log of it lies. */
  get directories(): string[] {
    return [...this.#replicas.keys()]
  }
}

/** The transactions of a unit whose logs are there. */
export class Transactions {
  readonly #all = new SparseMap<string, Transaction>()
  /** Those of the last ones whose commit was told. */
  readonly #told = new SparseSet<string>()

  /** The transaction of a log, made when it is new. */
  of(name: string, index: string): Transaction {
    const key = `${index}/${name}`
    let transaction = this.#all.get(key)
    if (transaction === undefined) {
      transaction = new Transaction(name, index)
      // A replica in another data directory may be heard of after the first one is gone.
      transaction.told = this.#told.has(key)
      this.#all.set(key, transaction)
    }
    return transaction
  }

  /** Drops a transaction none of whose logs is there any more. */
  tidy(transaction: Transaction): void {
    if (!transaction.isOver) return
    const key = `${transaction.index}/${transaction.name}`
    this.#all.delete(key)
    if (!transaction.told) return
    this.#told.add(key)
    for (const first of this.#told) {
      if (this.#told.size <= REMEMBERED) break
      this.#told.delete(first)
    }
  }

  /** Those that have a log in a directory. */
  in(directory: string): Transaction[] {
    return [...this.#all.values()].filter(({ directories }) => directories.includes(directory))
  }

  /** Whether one that has not committed says that the set is being written. */
  isWritten(index: string, set: string): boolean {
    for (const { txn, index: of } of this.#all.values()) {
      if (of === index && !txn.committed && txn.adds.has(set)) return true
    }
    return false
  }

  /** Whether a committed one says that the set is about to go. */
  isObsolete(index: string, set: string): boolean {
    for (const { txn, index: of } of this.#all.values()) {
      if (of === index && txn.committed && txn.removes.has(set)) return true
    }
    return false
  }

  /** Lets all descriptors go. */
  close(): void {
    for (const transaction of this.#all.values()) transaction.close()
    this.#all.clear()
  }
}

function contentOf(fd: number): string {
  const stat = fstatSync(fd)
  if (!stat.isFile() || stat.size > LIMIT) return ''
  const buffer = Buffer.allocUnsafe(stat.size)
  let done = 0
  while (done < buffer.length) {
    const count = readSync(fd, buffer, done, buffer.length - done, done)
    if (count === 0) break
    done += count
  }
  return buffer.toString('utf8', 0, done)
}
