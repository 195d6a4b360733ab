import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import type { Logger } from '../report/logger.js'
import { findAside } from '../restore/aside.js'

import type { Group } from './group.js'
import type { Transaction } from './transactions.js'
import type { Unit } from './unit.js'

/** How commits are told apart, and who is told. */
export interface CommitsOptions {
  /** ms since 1970, by the server's clock. */
  readonly clock: () => number
  readonly log: Logger
  /** Whether sets count of which there was no event. */
  readonly finds: boolean
  /** The unit has a commit more, or a set that is durable now. */
  readonly onCommit: (unit: Unit) => void
  /** Commits of the unit were missed: it must be scanned anew. */
  readonly onGap: (unit: Unit) => void
}

/** Finds out which changes of a unit belong together, and why. */
export class Commits {
  readonly #options: CommitsOptions

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  /** A transaction's log was read: if it has committed, that is one commit. */
  transaction(unit: Unit, transaction: Transaction): void {
    const { txn, index } = transaction
    if (!txn.committed || transaction.told) return
    transaction.told = true
    const adds: Group[] = []
    for (const name of txn.adds) {
      const set = unit.setOf(index, name) ?? (this.#options.finds ? unit.find(index, name) : undefined)
      if (set === undefined || !isThere(set)) unit.phantoms.add(`${index}/${name}`)
      else {
        adds.push(set)
        set.committed = true
        set.settled = true
        set.urgent = txn.removes.size === 0
        unit.appeared.delete(set)
      }
    }
    this.#checkWatched(unit, txn.paths)
    const removes: Group[] = []
    for (const name of txn.removes) {
      // It came and went between two looks: whoever wrote it was taken for one that wrote nothing.
      if (unit.phantoms.delete(`${index}/${name}`)) this.gap(unit, `${name} came and went unseen`)
      const set = unit.setOf(index, name) ?? unit.unknown(index, name)
      if (set === undefined) continue
      unit.appeared.delete(set)
      unit.vanished.delete(set.path)
      removes.push(set)
    }
    this.#commit(unit, {
      adds,
      removes,
      ...(transaction.isEnd && index === '' ? { kind: 'end' as const } : {}),
    })
  }

  /** Whether commits are unknown now: a scan begins, whose end is told by {@link scanned}. */
  gap(unit: Unit, why: string): void {
    this.#options.log.debug(`${unit.name} is scanned again: ${why}`)
    this.#options.onGap(unit)
  }

  /** A set is complete. One that no transaction wrote is part of a commit once all is quiet. */
  complete(unit: Unit, set: Group): void {
    if (unit.history === undefined || unit.history.live.has(set) || !set.sstable) return
    // It can only add.
    set.urgent = true
    unit.appeared.add(set)
  }

  /** A set's Data.db is gone. */
  gone(unit: Unit, set: Group): void {
    unit.appeared.delete(set)
    unit.unsettled.delete(set)
    const obsolete = unit.transactions.isObsolete(set.directory.index, set.name)
    if (set.stored?.kept === true || obsolete) return
    if (unit.history === undefined)
      unit.voided ||= !unit.transactions.isWritten(set.directory.index, set.name)
    else if (unit.history.live.has(set)) unit.vanished.set(set.path, set)
  }

  /** Nothing without a transaction is going on: what came and what went is one commit each. */
  quiet(unit: Unit): void {
    if (unit.history === undefined) return
    const appeared = [...unit.appeared]
    unit.appeared.clear()
    const vanished = [...unit.vanished.values()].filter(set => !isMoving(unit, set))
    for (const { path } of vanished) unit.vanished.delete(path)
    const renamed = new Set<Group>()
    for (const set of appeared) {
      const before = vanished.find(({ inode }) => inode !== undefined && inode === set.inode)
      if (before !== undefined) renamed.add(before)
    }
    const left = vanished.filter(set => !renamed.has(set))
    const explained = left.filter(set => unit.isLoose || unit.isCompacted(set))
    const aside = left.filter(set => !explained.includes(set) && isAside(set))
    const unexplained = left.filter(set => !explained.includes(set) && !aside.includes(set))
    this.#commit(unit, { adds: appeared, removes: [...renamed, ...aside] })
    this.#commit(unit, { adds: [], removes: explained })
    this.#lose(unit, unexplained)
  }

  /** A set that is not complete for long is part of the table, and unprotected. */
  hindered(unit: Unit, set: Group): void {
    this.#commit(unit, { adds: [set], removes: [] })
  }

  #commit(
    unit: Unit,
    change: { adds: readonly Group[]; removes: readonly Group[]; kind?: 'end' | 'unexplained' },
  ): void {
    if (change.adds.length === 0 && change.removes.length === 0 && change.kind !== 'end') return
    this.#free(unit, change.adds)
    const commit = { ...change, time: this.#options.clock() }
    // What only adds is part of what the scan finds.
    if (unit.history === undefined && (change.removes.length > 0 || change.kind === 'end'))
      unit.during.push(commit)
    if (unit.history?.commit(commit) === true) this.#options.onCommit(unit)
  }

  /** A path has one set at a time: what was there before went, whether that was seen or not. */
  #free(unit: Unit, adds: readonly Group[]): void {
    const paths = new Set(adds.map(({ path }) => path))
    const before = [...(unit.history?.live ?? [])].filter(set => paths.has(set.path) && !adds.includes(set))
    if (before.length === 0) return
    for (const { path } of before) unit.vanished.delete(path)
    const loose = before.filter(set => unit.isLoose || set.stored?.kept === true)
    this.#commit(unit, { adds: [], removes: loose })
    this.#lose(
      unit,
      before.filter(set => !loose.includes(set)),
    )
  }

  #lose(unit: Unit, sets: readonly Group[]): void {
    this.#commit(unit, { adds: [], removes: sets, kind: 'unexplained' })
    for (const { path } of sets) {
      this.#options.log.error(
        `${path} is gone, and no transaction log says why: states of ${unit.name} are marked until it returns, the table is truncated or dropped, or --take-over accepts it`,
        { path },
      )
    }
  }

  /** A new set in a directory that nobody watches is missing from every state. */
  #checkWatched(unit: Unit, paths: ReadonlySet<string>): void {
    for (const path of paths) {
      const directory = dirname(path)
      if (unit.directories.has(directory) || unit.foreign.has(directory)) continue
      if (!existsSync(`${path}-Data.db`) || isWatched(unit, directory)) continue
      unit.foreign.add(directory)
      unit.changed = true
      this.#options.log.error(
        `${directory} is not watched, and has SSTables of ${unit.name}: its states are partial; give all data directories`,
        { path: directory },
      )
    }
  }
}

/** Whether a set's Data.db is there, or was opened while it was. */
function isThere(set: Group): boolean {
  return set.state === 'busy' || set.stored !== undefined || existsSync(join(set.directory.path, set.main))
}

/** Whether a set's Data.db lies under another name, and the rest of it is still to come. */
function isMoving(unit: Unit, { inode }: Group): boolean {
  for (const { sstable, state, inode: other } of unit.groups()) {
    if (sstable && state === 'waiting' && other !== undefined && other === inode) return true
  }
  return false
}

/** Whether a directory is a watched one under another name. */
function isWatched(unit: Unit, directory: string): boolean {
  try {
    const real = realpathSync(directory)
    for (const path of unit.directories.keys()) {
      if (basename(path) === basename(real) && realpathSync(path) === real) return true
    }
  } catch {
    // It is gone.
  }
  return false
}

/** Whether a restore of ours moved the set aside. */
function isAside({ directory, main, inode }: Group): boolean {
  return inode !== undefined && findAside(directory.path, main, inode) !== undefined
}
