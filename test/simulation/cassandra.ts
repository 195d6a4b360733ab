import { EMPTY_TXN, type Txn } from '../../src/cassandra/transaction-log.js'
import type { Random } from '../manifest/random.js'

import type { Directory, FileNode, FileSystem } from './file-system.js'
import type { Scheduler } from './scheduler.js'
import type { SSTable } from './sstable.js'
import type { Store } from './store.js'
import type { CommitKind } from './truth.js'

/** One operation, step by step: each step is one change of the file system, then a pause of so many ms. */
export type Steps = Generator<number, void>

/** A transaction log, with its replicas. */
export interface Log {
  readonly name: string
  readonly replicas: { readonly directory: Directory; readonly node: FileNode }[]
}

/** An operation that is under way. */
interface Job {
  readonly steps: Steps
  /** Whether it is Cassandra's, and ends with its process. */
  readonly isCassandras: boolean
  readonly sstables: Set<SSTable>
}

/** A component that is open for writing. */
interface OpenComponent {
  readonly sstable: SSTable
  readonly component: string
  readonly name: string
  readonly isCassandras: boolean
}

/** Bytes of a file that is being written, and of one that is done. */
const PART = 500
const WHOLE = 1000

/** The simulated Cassandra process and whoever else changes its directories: runs operations beside one another. */
export class Cassandra {
  isUp = true
  readonly stores: Store[] = []
  readonly #jobs = new Set<Job>()
  #job: Job | undefined
  /** Files that are open for writing: the kernel closes them when the process ends. */
  readonly #open = new Map<FileNode, OpenComponent>()
  #logs = 0

  constructor(
    readonly fs: FileSystem,
    readonly time: Scheduler,
  ) {}

  /** Begins an operation. @param speed what its pauses are multiplied with */
  start(steps: Steps, isCassandras: boolean, speed: number): void {
    const job: Job = { steps, isCassandras, sstables: new Set() }
    this.#jobs.add(job)
    this.#step(job, speed)
  }

  get isBusy(): boolean {
    return this.#jobs.size > 0
  }

  #step(job: Job, speed: number): void {
    if (!this.#jobs.has(job)) return
    this.#job = job
    const { done, value } = job.steps.next()
    this.#job = undefined
    if (done === true) this.#end(job)
    else this.time.after(value * speed, () => this.#step(job, speed))
  }

  #end(job: Job): void {
    this.#jobs.delete(job)
    for (const sstable of job.sstables) sstable.isBusy = false
  }

  /** The process is killed, in the middle of everything. */
  kill(): void {
    this.isUp = false
    for (const job of [...this.#jobs]) if (job.isCassandras) this.#end(job)
    for (const [node, { sstable, component, name, isCassandras }] of this.#open) {
      if (!isCassandras) continue
      this.#open.delete(node)
      // What it was rewriting stays as it is, and Cassandra reads the SSTable all the same.
      if (sstable.node(component) === node) sstable.note(component, node.content)
      this.fs.close(sstable.directory, name)
    }
    for (const store of this.stores) store.live.clear()
  }

  /** Keeps other operations away from SSTables for as long as this one runs. */
  hold(sstables: Iterable<SSTable>): void {
    for (const sstable of sstables) {
      sstable.isBusy = true
      this.#job?.sstables.add(sstable)
    }
  }

  /** Opens a component for writing. */
  create(sstable: SSTable, component: string, name = sstable.file(component)): FileNode {
    const node = this.fs.create(sstable.directory, name)
    this.#open.set(node, { sstable, component, name, isCassandras: this.#job?.isCassandras === true })
    return node
  }

  /** Part of a component is written. */
  part(node: FileNode): void {
    this.fs.write(node, node.size + PART)
  }

  /** The rest of a component is written; it is still open. */
  whole(sstable: SSTable, component: string, node: FileNode, toc?: readonly string[]): void {
    this.fs.write(node, node.size + WHOLE)
    if (component === 'TOC.txt') node.toc = toc ?? sstable.components
    sstable.note(component, node.content)
  }

  close(sstable: SSTable, component: string, node: FileNode, name = sstable.file(component)): void {
    this.#open.delete(node)
    this.fs.close(sstable.directory, name)
  }

  /** A transaction log, not yet on the disk. @param operation as in its name: `flush`, `compaction` */
  log(store: Store, operation: string): Log {
    const { version, isTrie } = store.format
    const id = (0x0a1b + ++this.#logs).toString(16).padStart(4, '0')
    return { name: `${isTrie ? 'bti-' : ''}${version}_txn_${operation}_${id}-2c3d.log`, replicas: [] }
  }

  /** Creates the log in one more directory, with what it says until now. */
  replicate(log: Log, directory: Directory, adds: readonly SSTable[]): void {
    const node = this.fs.create(directory, log.name)
    node.txn = {
      ...EMPTY_TXN,
      adds: new Set(adds.map(({ name }) => name)),
      paths: new Set(adds.map(({ path }) => path)),
    }
    log.replicas.push({ directory, node })
    this.#append(log, node, directory, {})
  }

  /** Writes lines to the log in one directory. */
  #append(log: Log, node: FileNode, directory: Directory, more: Partial<Txn>): void {
    node.txn = { ...(node.txn ?? EMPTY_TXN), ...more }
    this.fs.write(node, node.size + PART)
    this.fs.close(directory, log.name)
  }

  removing(log: Log, removes: readonly SSTable[]): void {
    const names = new Set(removes.map(({ name }) => name))
    const removedPaths = new Set(removes.map(({ path }) => path))
    for (const { node, directory } of log.replicas)
      this.#append(log, node, directory, { removes: names, removedPaths })
  }

  /** COMMIT in every replica. The first one decides. */
  *commit(
    log: Log,
    store: Store,
    adds: readonly SSTable[],
    removes: readonly SSTable[],
    kind?: CommitKind,
  ): Steps {
    let isFirst = true
    for (const { node, directory } of log.replicas) {
      this.#append(log, node, directory, { committed: true })
      if (isFirst) this.committed(store, adds, removes, kind)
      isFirst = false
      yield 0.3
    }
  }

  /** What Cassandra would read is different from this instant on, and what it has open as well. */
  committed(store: Store, adds: readonly SSTable[], removes: readonly SSTable[], kind?: CommitKind): void {
    store.truth.commit(this.time.now, adds, removes, kind)
    if (!this.isUp) return
    for (const sstable of removes) store.live.delete(sstable)
    for (const sstable of adds) store.live.add(sstable)
  }

  *endLog(log: Log): Steps {
    for (const { directory } of log.replicas) {
      this.fs.unlink(directory, log.name)
      yield 0.2
    }
  }

  /** Deletes the files of SSTables. */
  *unlink(sstables: readonly SSTable[], random: Random): Steps {
    for (const sstable of sstables) {
      for (const component of sstable.components) {
        if (sstable.node(component) === undefined) continue
        this.fs.unlink(sstable.directory, sstable.file(component))
        if (random.chance(0.5)) yield random.next()
      }
    }
  }
}
