import { generationOf, hasTransactions } from '../cassandra/names.js'
import { SparseMap } from '../manifest/sparse.js'

import type { Changes } from './changes.js'
import type { TransactionLog } from './logs.js'
import type { Disk, TableSettings } from './ports.js'
import type { Leaving, TableFacts } from './table-facts.js'
import type { TableFiles } from './table-files.js'

/** An SSTable of the table whose Data.db went without a reason that is known. */
export interface Loss {
  readonly files: TableFiles
  /** Later than the drained point of this number; when it was seen, ms by the server's clock and the monotonic one. */
  readonly after: number
  readonly time: number
  readonly at: number
  readonly how: Leaving
}

/** What came after a loss. */
interface Vanished extends Loss {
  /** Below Cassandra 3.0: a later one that was complete went after it, and may be what it was compacted to. */
  wasCompacted: boolean
  /** A transaction that has committed since gave its name to another SSTable: a later log that has the name means that one. */
  hasSuccessor: boolean
}

/** The SSTables that went without a reason that is known, and the search for one: each becomes a change once it is found, or not. */
export class Losses {
  readonly #settings: TableSettings
  readonly #disk: Disk
  readonly #changes: Changes
  readonly #all = new SparseMap<TableFiles, Vanished>()
  #endedAt = -Infinity

  constructor(settings: TableSettings, disk: Disk, changes: Changes) {
    this.#settings = settings
    this.#disk = disk
    this.#changes = changes
  }

  get size(): number {
    return this.#all.size
  }

  [Symbol.iterator](): IterableIterator<Loss> {
    return this.#all.values()
  }

  add(loss: Loss): void {
    this.#all.set(loss.files, { ...loss, wasCompacted: false, hasSuccessor: false })
  }

  /** The reason is known. */
  delete(files: TableFiles): void {
    this.#all.delete(files)
  }

  /** An SSTable by index and name. @param paths one of these, if there is one */
  find(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    let found: TableFiles | undefined
    for (const { files, hasSuccessor } of this.#all.values()) {
      if (files.name !== name || files.index !== index || hasSuccessor) continue
      if (paths?.has(files.path) === true) return files
      found ??= files
    }
    return found
  }

  /** An SSTable of before Cassandra 3.0 went: those that it may be the compaction of need no other reason. */
  noteCompacted(files: TableFiles): void {
    if (this.#all.size === 0 || hasTransactions(files.name)) return
    // Of one that came and went between two looks nobody can say that it was incomplete.
    if (!files.isPart && files.whole.until === undefined && files.inode !== undefined) return
    for (const vanished of this.#all.values())
      if (isLaterThan(files, vanished.files)) vanished.wasCompacted = true
  }

  /** A transaction that has committed gave a name to an SSTable: what vanished and had the name before is another one. */
  namedAgain(log: TransactionLog, name: string): void {
    for (const vanished of this.#all.values()) {
      const { files, after } = vanished
      if (files.name === name && files.index === log.index && after <= log.since) vanished.hasSuccessor = true
    }
  }

  /** Takes out those that went before a drained point, and have a reason. @param isLost whether one has none */
  takeBefore(until: number, isLost: (loss: Loss) => boolean): Loss[] {
    const taken = [...this.#all.values()].filter(loss => loss.after < until && !isLost(loss))
    for (const { files } of taken) {
      this.#all.delete(files)
      files.leave()
    }
    return taken
  }

  /** When the table was truncated or dropped last, as far as this run saw, ms by the server's clock. */
  get endedAt(): number {
    return this.#endedAt
  }

  /** The table was truncated or dropped. */
  noteEnd(time: number): void {
    this.#endedAt = time
  }

  /** SSTables went before a truncate or drop, which is the reason of whatever is no longer there after it. */
  end(drains: number, time: number): void {
    this.noteEnd(time)
    for (const loss of [...this.#all.values()]) {
      // One that was seen to be gone since the last drained point may have gone after it.
      if (loss.how === 'told' && loss.after >= drains) this.#settle(loss, drains + 1)
    }
  }

  /** A vanished SSTable had been renamed to an SSTable that a transaction removes before anybody saw the renaming. */
  explainRenamed(renamed: TableFiles, until: number): void {
    for (const loss of [...this.#all.values()]) {
      const { inode, directory } = loss.files
      if (inode !== undefined && inode === renamed.inode && directory === renamed.directory)
        this.#settle(loss, until)
    }
  }

  /** Finds out why SSTables went of which no transaction log tells. */
  explain(table: TableFacts, now: number): void {
    // An inode's number says which file it is on one file system only.
    const place = ({ directory, inode }: TableFiles) =>
      `${table.directories.get(directory)?.identity?.device ?? ''}/${inode ?? ''}`
    const byPlace = new Map(
      [...table.files()].filter(({ isSSTable }) => isSSTable).map(files => [place(files), files]),
    )
    for (const vanished of [...this.#all.values()]) {
      const { files, after, time, at, how } = vanished
      // The SSTable whose Data.db is the one that went: it was renamed.
      const copy = files.inode === undefined ? undefined : byPlace.get(place(files))
      const isQuiet = now - at >= this.#settings.settle
      // It goes on under another name; what has the name is one commit with what had it.
      if (copy !== undefined && !copy.isPart && !isQuiet) continue
      const isAside = () =>
        files.inode !== undefined && this.#disk.isMovedAside(files.directory, files.main, files.inode)
      const wasCompacted = vanished.wasCompacted || (isQuiet && wasCompactedIn(table, files))
      if (wasCompacted === 'unknown') continue
      const isExplained = copy !== undefined || isLoose(table) || wasCompacted || (isQuiet && isAside())
      if (!isExplained && !isQuiet) continue
      this.#all.delete(files)
      files.leave()
      const until = Math.max(after + 1, copy?.whole.until ?? 0)
      const change = {
        after: Math.min(after, copy?.whole.after ?? after),
        until,
        adds: [],
        removes: [files],
        time,
      }
      this.#changes.add(
        isExplained ? change : { ...change, until: after + 1, kind: 'unexplained', isMissed: how === 'lost' },
      )
    }
  }

  #settle({ files, after, time }: Loss, until: number): void {
    this.#all.delete(files)
    files.leave()
    this.#changes.add({ after, until, adds: [], removes: [files], time })
  }
}

/**
 * Whether an SSTable of before Cassandra 3.0 was compacted: a later one was complete before it went. `unknown`: there is a
 * later one, and it is not complete yet.
 */
function wasCompactedIn(table: TableFacts, files: TableFiles): boolean | 'unknown' {
  if (hasTransactions(files.name)) return false
  let isUnknown = false
  for (const other of [...table.files(), ...table.takeKept()]) {
    if (!other.isSSTable || !isLaterThan(other, files)) continue
    if (other.isPart) return true
    isUnknown = true
  }
  return isUnknown ? 'unknown' : false
}

/** Whether one of two SSTables of before Cassandra 3.0 is of a later generation. */
function isLaterThan(a: TableFiles, b: TableFiles): boolean {
  return !hasTransactions(a.name) && generationOf(a.name) > generationOf(b.name)
}

/** Whether deletions need no reason: a directory of copies, or one that is no table's. */
export function isLoose({ name, isTable }: Pick<TableFacts, 'name' | 'isTable'>): boolean {
  return !isTable && /(^|\/)(snapshots|backups)(\/|$)/.test(name)
}
