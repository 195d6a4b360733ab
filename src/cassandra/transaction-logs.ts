import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { errorCode, errorMessage } from '../errors.js'
import type { Problems } from '../report/problems.js'

import { parseTxn, type Txn } from './transaction-log.js'

/** Bytes beyond which a file is no transaction log. */
const LIMIT = 16 * 1024 * 1024

/** O_NONBLOCK: opening a FIFO waits for its writer otherwise, and with it the whole process. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** News of a transaction log in one directory. */
export type LogNews =
  /** It was read; the descriptor that was opened at its creation may outlive the file. */
  | { readonly kind: 'read'; readonly txn: Txn }
  /** Its creation was announced, and it was gone before it could be opened. */
  | { readonly kind: 'missed' }
  /** It is there, and cannot be opened or read. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** It was deleted; what was read through its descriptor last has been told before. */
  | { readonly kind: 'gone' }

/** Who is told what a transaction log says. */
export interface LogReceiver {
  log(directory: string, name: string, news: LogNews): void
}

/**
 * The transaction logs of Cassandra that are there now. A log lives for milliseconds, so each is opened at its creation and
 * its descriptor is held until its deletion is announced: what was written to it last can be read through the descriptor
 * after the file is gone. A log that cannot be opened is tried again at its next event and at each scan.
 */
export class TransactionLogs {
  readonly #descriptors = new Map<string, number>()
  /** Paths of logs that are there, and could not be opened or read. */
  readonly #unreadable = new Set<string>()
  readonly #problems: Problems

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** A log was created, or renamed into its directory. */
  created(directory: string, name: string, receiver: LogReceiver): void {
    if (this.#read(directory, name, receiver) === 'absent') receiver.log(directory, name, { kind: 'missed' })
  }

  /** A log was written to. */
  written(directory: string, name: string, receiver: LogReceiver): void {
    this.#read(directory, name, receiver)
  }

  /** A log was deleted: what it said last is read through its descriptor. */
  deleted(directory: string, name: string, receiver: LogReceiver): void {
    const path = join(directory, name)
    if (this.#descriptors.has(path)) this.#read(directory, name, receiver)
    this.#close(path)
    this.#readable(path)
    receiver.log(directory, name, { kind: 'gone' })
  }

  /** Tries the logs of a directory again that could not be opened or read. */
  retry(directory: string, receiver: LogReceiver): void {
    for (const path of [...this.#unreadable]) {
      if (dirname(path) === directory) this.created(directory, basename(path), receiver)
    }
  }

  /** A scan of a directory found these logs: reads each, and ends the others that were known there. */
  found(directory: string, names: readonly string[], receiver: LogReceiver): void {
    const there = new Set(names)
    for (const name of this.#known(directory)) if (!there.has(name)) this.deleted(directory, name, receiver)
    for (const name of names) this.created(directory, name, receiver)
  }

  /** A directory is gone, or is watched no longer. */
  lost(directory: string, receiver: LogReceiver): void {
    for (const name of this.#known(directory)) this.deleted(directory, name, receiver)
  }

  /** Lets all descriptors go. */
  close(): void {
    for (const path of [...this.#descriptors.keys()]) this.#close(path)
    this.#unreadable.clear()
  }

  /** @returns `absent`: it is not open, and there is no such file */
  #read(directory: string, name: string, receiver: LogReceiver): 'told' | 'absent' {
    const path = join(directory, name)
    let txn: Txn
    try {
      let fd = this.#descriptors.get(path)
      if (fd === undefined) {
        fd = openSync(path, FLAGS)
        this.#descriptors.set(path, fd)
      }
      txn = parseTxn(contentOf(fd))
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        this.#readable(path)
        return 'absent'
      }
      // Once: the scan that follows from it finds the log again.
      if (this.#unreadable.has(path)) return 'told'
      this.#unreadable.add(path)
      const why = `${path} cannot be read: ${errorMessage(error)}`
      this.#problems.problem(path, why)
      receiver.log(directory, name, { kind: 'unreadable', why })
      return 'told'
    }
    this.#readable(path)
    receiver.log(directory, name, { kind: 'read', txn })
    return 'told'
  }

  /** Names of the logs of a directory that are held open, or could not be opened. */
  #known(directory: string): string[] {
    const paths = [...this.#descriptors.keys(), ...this.#unreadable]
    const here = paths.filter(path => dirname(path) === directory)
    return [...new Set(here.map(path => basename(path)))]
  }

  #readable(path: string): void {
    if (this.#unreadable.delete(path)) this.#problems.solved(path)
  }

  #close(path: string): void {
    const fd = this.#descriptors.get(path)
    if (fd !== undefined) closeSync(fd)
    this.#descriptors.delete(path)
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
