import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import type { KnownObjects } from '../plan/known.js'
import { generationOf, hasTransactions } from '../sstable/names.js'
import type { History } from '../state/history.js'
import type { Commit, Standing } from '../state/lineage.js'
import { SparseMap, SparseSet } from '../state/sparse.js'
import type { Entry, State, StateSet } from '../state/state.js'

import { identityOf, type Directory } from './directory.js'
import { identify, sameIdentity } from './found.js'
import { Group } from './group.js'
import { Transactions } from './transactions.js'

/** What {@link Unit.patience} is at first, ms. */
const PATIENCE = 600_000

/** A table over all watched data directories, or any other watched directory: what has states of its own. */
export class Unit {
  readonly directories = new Map<string, Directory>()
  readonly transactions = new Transactions()
  /** Its commits and states; undefined until a scan is settled. */
  history: History<Group> | undefined
  /** What it was before a gap, until {@link history} begins again. */
  before: History<Group> | undefined
  /** Commits that removed sets while it had no history. */
  readonly during: Commit<Group>[] = []
  /** Directories of it that are to be scanned before its history can begin. */
  readonly rescans = new SparseSet<string>()
  /** Something went during its scan, and no transaction says why: there is another scan. */
  voided = false
  /** Its newest state: what the bucket held at the start, then what was written. */
  newest: State | undefined
  /** Time of its newest state where that cannot be read, ms since 1970. */
  newestTime: number | undefined
  /** Whether the bucket was asked for its newest state. */
  loaded = false
  /** How often in a row the bucket could not be asked. */
  refusals = 0
  /** What a LIST found of a unit without a state, until the scan's groups are dealt with. */
  listed: KnownObjects | undefined
  /** A scan found them, and they have not been judged since: its history cannot begin. */
  readonly unsettled = new SparseSet<Group>()
  /** Complete sets that no transaction wrote: one commit once all is quiet. */
  readonly appeared = new SparseSet<Group>()
  /** Sets whose Data.db went without a commit, by path. */
  readonly vanished = new SparseMap<string, Group>()
  /** ADDs without files of commits, as `<index>/<set>`: if a later log removes one, something was missed. */
  readonly phantoms = new SparseSet<string>()
  /** Sets that --delete-on-backup removed from the disk; they stay in every state. */
  readonly kept = new SparseMap<string, Group>()
  /** Files of no set that it removed, by path. */
  readonly keptFiles = new SparseMap<string, Entry>()
  /** Directories that transactions name and nobody watches. */
  readonly foreign = new SparseSet<string>()
  /** The full state that later ones are deltas of. */
  base: { readonly key: string; readonly state: State } | undefined
  /** What the newest state says of a set or a file is not all that can be said now. */
  changed = false
  /** How long a set may be hindered before states name it as unprotected, ms. */
  patience = PATIENCE
  /** When something happened that no transaction explains, ms of the monotonic clock. */
  stirred = -Infinity

  constructor(
    readonly name: string,
    /** Whether it is a table; otherwise it is one directory. */
    readonly table: boolean,
  ) {}

  /** All groups in its directories. */
  *groups(): Generator<Group> {
    for (const directory of this.directories.values()) yield* directory.groups.values()
  }

  /** The set that a transaction names: one that is there, or one that went without a commit. */
  setOf(index: string, name: string): Group | undefined {
    for (const directory of this.directories.values()) {
      const group = directory.index === index ? directory.groups.get(name) : undefined
      if (group !== undefined) return group
    }
    for (const group of this.vanished.values()) {
      if (group.name === name && group.directory.index === index) return group
    }
    return undefined
  }

  /** A set whose files are on the disk, and whose events are still to come. */
  find(index: string, name: string): Group | undefined {
    for (const directory of this.directories.values()) {
      const main = `${name}-Data.db`
      if (directory.index !== index || !existsSync(join(directory.path, main))) continue
      const group = directory.groupOf(main)
      group.names.add(main)
      return group
    }
    return undefined
  }

  /** A set that a transaction removes, and of which nothing was known. */
  unknown(index: string, name: string): Group | undefined {
    for (const directory of this.directories.values()) {
      if (directory.index === index) return new Group(directory, name, true)
    }
    return undefined
  }

  /** What the newest state says of a path. */
  stored(path: string): StateSet | undefined {
    const set = this.newest?.sets.get(path)
    if (set !== undefined) return set
    const file = this.newest?.files.get(path)
    if (file === undefined) return undefined
    return {
      components: new Map([[path.slice(path.lastIndexOf('/') + 1), file]]),
      corrupt: false,
      kept: false,
    }
  }

  /** What a scan found of the table: the complete sets, and what is kept. */
  scanned(newest: State | undefined): Set<Group> {
    const sets = new Set<Group>()
    for (const group of this.groups()) {
      if (group.sstable && this.#isPart(group)) sets.add(group)
    }
    this.#keep(newest)
    for (const group of this.kept.values()) if (!this.has(group.path)) sets.add(group)
    return sets
  }

  /** Whether a scan counts a set as part of the table. */
  #isPart({ state, stored, names, main, name, committed, directory: { index } }: Group): boolean {
    // A set that was done is not judged again when a commit removes it; its files may be there still.
    if (this.transactions.isWritten(index, name) || this.transactions.isObsolete(index, name)) return false
    if (stored !== undefined || state === 'busy' || state === 'failed' || state === 'old') return true
    if (committed) return true
    // It may be on its way still, but a one-shot backup does not wait for it.
    return state === 'waiting' && this.patience === 0 && names.has(main)
  }

  /** Whether there is a group under a path now. */
  has(path: string): boolean {
    return this.directories.get(dirname(path))?.groups.has(basename(path)) === true
  }

  /** Takes over what an earlier run deleted once it was in the bucket. */
  #keep(newest: State | undefined): void {
    for (const [path, stored] of newest?.sets ?? []) {
      const directory = stored.kept ? this.directories.get(dirname(path)) : undefined
      if (directory === undefined || this.kept.has(path)) continue
      const group = new Group(directory, basename(path), true)
      group.stored = stored
      group.state = 'done'
      this.kept.set(path, group)
    }
  }

  /** What became of a directory of a state: it is watched; it is there, but not watched; or it, or its disk, is gone. */
  look(path: string, state: State): 'watched' | 'unwatched' | 'lost' {
    const before = state.directories.get(path)
    const watched = this.directories.get(path)
    const now = watched?.identity ?? identityOf(path)
    if (now === undefined || now.inode !== before?.inode) return 'lost'
    if (now.device !== before.device && !this.#sharesFile(path, state)) return 'lost'
    return watched === undefined ? 'unwatched' : 'watched'
  }

  /** Devices are numbered anew by a restart: a file that is the same tells that the disk is. */
  #sharesFile(path: string, state: State): boolean {
    let any = false
    for (const [set, { components }] of state.sets) {
      const data = dirname(set) === path ? components.get('Data.db') : undefined
      if (data === undefined) continue
      any = true
      if (sameIdentity(identify(`${set}-Data.db`), data)) return true
    }
    return !any
  }

  /** Whether files that belong to no set are on their way in: what is there of them is no moment. */
  get isRestless(): boolean {
    if (this.table) return false
    for (const { sstable, state } of this.groups()) {
      if (!sstable && (state === 'dirty' || state === 'settling' || state === 'busy')) return true
    }
    return false
  }

  /** Whether states name a file of no set as unprotected. */
  isUnprotected(group: Group): boolean {
    if (group.state === 'old') return true
    return group.hindered !== undefined && performance.now() - group.hindered >= this.patience
  }

  /** Whether deletions in it need no explanation: it holds copies, or no SSTables. */
  get isLoose(): boolean {
    return /(^|\/)(snapshots|backups)(\/|$)/.test(this.name) && !this.table
  }

  /** What its states may say of a set. @param now ms of the monotonic clock */
  standing(set: Group, now: number): Standing {
    if (set.stored !== undefined) return 'durable'
    if (this.history?.live.has(set) !== true) return 'owed'
    if (set.state === 'old') return 'waived'
    return set.hindered !== undefined && now - set.hindered >= this.patience ? 'waived' : 'owed'
  }

  /** Whether a set of before Cassandra 3.0 was compacted: a later one was complete before it went. */
  isCompacted(set: Group): boolean {
    if (hasTransactions(set.name)) return false
    const generation = generationOf(set.name)
    for (const other of this.history?.live ?? []) {
      if (other !== set && !hasTransactions(other.name) && generationOf(other.name) > generation) return true
    }
    return false
  }
}
