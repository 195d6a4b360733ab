import { generationOf, hasTransactions } from '../../../src/cassandra/names.js'
import { tableOf } from '../core.js'

import type { OldFiles } from './old-files.js'
import type { OldLog } from './old-logs.js'
import type { OldTable } from './old-table.js'

interface Change {
  readonly adds: readonly OldFiles[]
  readonly removes: readonly OldFiles[]
  readonly kind?: 'end' | 'unexplained'
}

/** As today: how long a transaction waits for what was seen before it, and a table for its index, ms. */
const BARRIER = 60_000
const INDEX_WAIT = 2000
const INDEX_CAP = 5000

/** How the program found out before which changes belong together. */
export class OldCommits {
  readonly #table: OldTable
  readonly #appeared = new Set<OldFiles>()
  readonly #vanished = new Map<string, OldFiles>()
  /** When SSTables vanished, ms, and after which drained point. */
  readonly #seen = new WeakMap<OldFiles, { readonly at: number; readonly drains: number }>()
  /** Transactions that wait for SSTables that were seen before them. */
  readonly #held: { readonly change: Change; readonly since: number }[] = []
  /** Changes of a table and its indexes that become one. */
  #pending: { changes: Change[]; readonly since: number; last: number } | undefined
  readonly #phantoms = new Set<string>()

  constructor(table: OldTable) {
    this.#table = table
  }

  get isWaiting(): boolean {
    return (
      this.#appeared.size + this.#vanished.size > 0 || this.#held.length > 0 || this.#pending !== undefined
    )
  }

  /** Whether an SSTable vanished long enough ago. */
  get hasLate(): boolean {
    return [...this.#vanished.values()].some(files => this.#isLate(files))
  }

  /** Nothing that waits is decided before, ms. */
  get notBefore(): number {
    const { settle } = this.#table.settings
    const now = this.#table.readAt
    if (this.#held.length > 0 || this.#pending !== undefined) return now + 100
    if (this.#appeared.size > 0) return -Infinity
    const times = [...this.#vanished.values()].map(files => (this.#seen.get(files)?.at ?? 0) + settle)
    return times.length === 0 ? -Infinity : Math.max(now + 10, Math.min(...times))
  }

  clear(): void {
    this.#appeared.clear()
    this.#vanished.clear()
    this.#phantoms.clear()
    this.#held.length = 0
    this.#pending = undefined
  }

  vanishedOf(index: string, name: string): OldFiles | undefined {
    return [...this.#vanished.values()].find(files => files.name === name && files.home.index === index)
  }

  transaction(log: OldLog): void {
    const { txn, index } = log
    if (!txn.committed || log.isTold) return
    log.isTold = true
    const table = this.#table
    const adds: OldFiles[] = []
    for (const name of txn.adds) {
      const files = table.setOf(index, name) ?? table.find(index, name)
      if (files === undefined || !this.#isThere(files)) {
        this.#phantoms.add(`${index}/${name}`)
        continue
      }
      adds.push(files)
      files.isCommitted = true
      files.isSettled = true
      files.isUrgent = txn.removes.size === 0
      this.#appeared.delete(files)
    }
    const removes: OldFiles[] = []
    for (const name of txn.removes) {
      if (this.#phantoms.delete(`${index}/${name}`)) table.gap(`${name} came and went unseen`)
      const files = table.setOf(index, name) ?? table.unknown(index, name)
      if (files === undefined) continue
      this.#appeared.delete(files)
      this.#vanished.delete(files.path)
      removes.push(files)
    }
    const change = { adds, removes, ...(log.isEnd && index === '' ? { kind: 'end' as const } : {}) }
    if (table.mended.has('kept')) for (const { path } of removes) table.kept.delete(path)
    if (!table.mended.has('order') || table.history === undefined) {
      this.commit(change)
      return
    }
    this.#held.push({ change, since: table.readAt })
    this.release()
  }

  /** Commits the transactions that nothing which was seen before them holds back; what is pending too long as well. */
  release(): void {
    const table = this.#table
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const { change, since } = first
      const isOld = table.readAt - since > BARRIER
      const before = [...table.groups()].filter(files => this.#isBefore(files, change))
      if (!isOld && before.some(files => !this.#appeared.has(files))) break
      for (const files of before) this.#appeared.delete(files)
      if (!isOld) this.commit({ adds: before, removes: [] })
      this.#held.shift()
      this.commit(change)
    }
    const pending = this.#pending
    const now = table.readAt
    if (pending === undefined || (now - pending.last < INDEX_WAIT && now - pending.since < INDEX_CAP)) return
    this.#pending = undefined
    this.#commit(merged(pending.changes))
  }

  #isBefore(files: OldFiles, { adds, removes }: Change): boolean {
    const { isSSTable, isCommitted, state, home, name } = files
    const { history, logs } = this.#table
    if (!isSSTable || isCommitted || state === 'old' || !files.names.has(files.main)) return false
    if (history?.live.has(files) === true || adds.includes(files) || removes.includes(files)) return false
    return !logs.isWritten(home.index, name) && !logs.isObsolete(home.index, name)
  }

  complete(files: OldFiles): void {
    const { history } = this.#table
    if (history === undefined || history.live.has(files) || !files.isSSTable) return
    if (files.isCommitted && (this.#held.length > 0 || this.#pending !== undefined)) return
    files.isUrgent = true
    this.#appeared.add(files)
  }

  gone(files: OldFiles): void {
    const table = this.#table
    this.#appeared.delete(files)
    table.unsettled.delete(files)
    const { index } = files.home
    if (files.stored?.kept === true || table.logs.isObsolete(index, files.name)) return
    if (table.history === undefined) table.isVoided ||= !table.logs.isWritten(index, files.name)
    else if (table.history.live.has(files)) {
      this.#vanished.set(files.path, files)
      this.#seen.set(files, { at: table.readAt, drains: table.drains })
    }
  }

  quiet(): void {
    const table = this.#table
    if (table.history === undefined) return
    const appeared = [...this.#appeared]
    this.#appeared.clear()
    const vanished = [...this.#vanished.values()].filter(files => !this.#isMoving(files))
    for (const { path } of vanished) this.#vanished.delete(path)
    const renamed = new Set<OldFiles>()
    for (const files of appeared) {
      const before = vanished.find(({ inode }) => inode !== undefined && inode === files.inode)
      if (before !== undefined) renamed.add(before)
    }
    const left = vanished.filter(files => !renamed.has(files))
    const explained = left.filter(files => !table.isTable || this.#isCompacted(files))
    const aside = left.filter(
      files =>
        !explained.includes(files) &&
        files.inode !== undefined &&
        table.disk.isMovedAside(files.directory, files.main, files.inode),
    )
    this.commit({ adds: appeared, removes: [...renamed, ...aside] })
    this.commit({ adds: [], removes: explained })
    const lost = left.filter(files => !explained.includes(files) && !aside.includes(files))
    const early = table.mended.has('busy') ? lost.filter(files => !this.#isLate(files)) : []
    for (const files of early) this.#vanished.set(files.path, files)
    this.#lose(lost.filter(files => !early.includes(files)))
  }

  /** Whether every event that was queued when it went has been read, and a quiet time has passed. */
  #isLate(files: OldFiles): boolean {
    const { readAt, settings, drains } = this.#table
    const seen = this.#seen.get(files)
    return seen === undefined || (readAt - seen.at >= settings.settle && drains > seen.drains)
  }

  commit(change: Change): void {
    const table = this.#table
    const hasIndexes = [...table.directories.values()].some(({ index }) => index !== '')
    if (!hasIndexes || !table.mended.has('index') || table.history === undefined) {
      this.#commit(change)
      return
    }
    const now = table.readAt
    this.#pending ??= { changes: [], since: now, last: now }
    this.#pending.changes.push(change)
    this.#pending.last = now
  }

  #commit(change: Change): void {
    const { adds, removes, kind } = change
    if (adds.length === 0 && removes.length === 0 && kind !== 'end') return
    const table = this.#table
    this.#free(adds)
    const commit = { ...change, time: table.clock.time() }
    if (table.history === undefined && (removes.length > 0 || kind === 'end')) table.during.push(commit)
    if (table.history?.commit(commit) === true) table.changed()
  }

  #free(adds: readonly OldFiles[]): void {
    const paths = new Set(adds.map(({ path }) => path))
    const live = [...(this.#table.history?.live ?? [])]
    const before = live.filter(files => paths.has(files.path) && !adds.includes(files))
    if (before.length === 0) return
    for (const { path } of before) this.#vanished.delete(path)
    const loose = before.filter(files => files.stored?.kept === true)
    this.#commit({ adds: [], removes: loose })
    this.#lose(before.filter(files => !loose.includes(files)))
  }

  #lose(files: readonly OldFiles[]): void {
    if (files.length === 0) return
    this.#commit({ adds: [], removes: files, kind: 'unexplained' })
    this.#table.orders.tell(tableOf(this.#table), { kind: 'vanished', paths: files.map(({ path }) => path) })
  }

  #isThere(files: OldFiles): boolean {
    if (files.state === 'busy' || files.stored !== undefined) return true
    return this.#table.disk.file(`${files.directory}/${files.main}`) !== undefined
  }

  #isMoving({ inode }: OldFiles): boolean {
    for (const { isSSTable, state, inode: other } of this.#table.groups())
      if (isSSTable && state === 'waiting' && other !== undefined && other === inode) return true
    return false
  }

  #isCompacted(files: OldFiles): boolean {
    if (hasTransactions(files.name)) return false
    for (const other of this.#table.history?.live ?? [])
      if (other !== files && generationOf(other.name) > generationOf(files.name)) return true
    return false
  }
}

/** Changes as one. */
function merged(changes: readonly Change[]): Change {
  const adds = new Set(changes.flatMap(({ adds }) => adds))
  const removes = new Set(changes.flatMap(({ removes }) => removes))
  for (const files of [...adds]) {
    if (!removes.has(files)) continue
    adds.delete(files)
    removes.delete(files)
  }
  const isEnd = changes.some(({ kind }) => kind === 'end')
  return { adds: [...adds], removes: [...removes], ...(isEnd ? { kind: 'end' as const } : {}) }
}
