import { EMPTY_TXN } from '../../src/cassandra/transaction-log.js'
import type { LogNews } from '../../src/cassandra/transaction-logs.js'

import type { FileNode, FileSystem } from './file-system.js'

/** Tells of one log of a directory. */
export type TellLog = (name: string, news: LogNews) => void

/**
 * Transaction logs, opened at their creation and held: what was written to one last can be read after it is gone. As the
 * real program does it, on the simulated file system.
 */
export class HeldLogs {
  /** How many more times opening one fails. */
  failures = 0
  readonly #fs: FileSystem
  readonly #pass: () => void
  /** By directory, then by name. */
  readonly #held = new Map<string, Map<string, FileNode | 'unreadable'>>()

  /** @param pass between two steps of the process */
  constructor(fs: FileSystem, pass: () => void) {
    this.#fs = fs
    this.#pass = pass
  }

  /** Logs that are held open. */
  get size(): number {
    let size = 0
    for (const logs of this.#held.values()) size += logs.size
    return size
  }

  created(directory: string, name: string, tell: TellLog): void {
    if (!this.#read(directory, name, tell)) tell(name, { kind: 'missed' })
  }

  written(directory: string, name: string, tell: TellLog): void {
    this.#read(directory, name, tell)
  }

  deleted(directory: string, name: string, tell: TellLog): void {
    const logs = this.#held.get(directory)
    if (logs?.get(name) instanceof Object) this.#read(directory, name, tell)
    logs?.delete(name)
    if (logs?.size === 0) this.#held.delete(directory)
    tell(name, { kind: 'gone' })
  }

  /** Tries those again that could not be opened. */
  retry(directory: string, tell: TellLog): void {
    for (const [name, held] of [...(this.#held.get(directory) ?? [])])
      if (held === 'unreadable') this.created(directory, name, tell)
  }

  /** A scan found these logs: all others are gone. */
  found(directory: string, names: readonly string[], tell: TellLog): void {
    for (const name of [...(this.#held.get(directory)?.keys() ?? [])])
      if (!names.includes(name)) this.deleted(directory, name, tell)
    for (const name of names) this.created(directory, name, tell)
  }

  lost(directory: string, tell: TellLog): void {
    for (const name of [...(this.#held.get(directory)?.keys() ?? [])]) this.deleted(directory, name, tell)
  }

  #read(directory: string, name: string, tell: TellLog): boolean {
    this.#pass()
    let logs = this.#held.get(directory)
    const held = logs?.get(name)
    let node = held === 'unreadable' ? undefined : held
    if (node === undefined) {
      node = this.#fs.directory(directory)?.files.get(name)
      if (node === undefined) {
        logs?.delete(name)
        return false
      }
      if (logs === undefined) {
        logs = new Map()
        this.#held.set(directory, logs)
      }
      if (this.failures > 0) {
        this.failures--
        if (held === 'unreadable') return true
        logs.set(name, 'unreadable')
        tell(name, { kind: 'unreadable', why: `${name}: EMFILE` })
        return true
      }
      logs.set(name, node)
      this.#pass()
    }
    tell(name, { kind: 'read', txn: node.txn ?? EMPTY_TXN })
    return true
  }
}
