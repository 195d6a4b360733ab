import { generationOf, hasTransactions } from '../../../src/sstable/names.js'

import { tableOf } from '../core.js'
import type { OldFiles } from './old-files.js'
import type { OldLog } from './old-logs.js'
import type { OldTable } from './old-table.js'

interface Change {
  readonly adds: readonly OldFiles[]
  readonly removes: readonly OldFiles[]
  readonly kind?: 'end' | 'unexplained'
}

/** How the program found out before which changes belong together. */
export class OldCommits {
  readonly #table: OldTable
  readonly #appeared = new Set<OldFiles>()
  readonly #vanished = new Map<string, OldFiles>()
  readonly #phantoms = new Set<string>()

  constructor(table: OldTable) {
    this.#table = table
  }

  get isWaiting(): boolean {
    return this.#appeared.size + this.#vanished.size > 0
  }

  clear(): void {
    this.#appeared.clear()
    this.#vanished.clear()
    this.#phantoms.clear()
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
    this.commit({ adds, removes, ...(log.isEnd && index === '' ? { kind: 'end' as const } : {}) })
  }

  complete(files: OldFiles): void {
    const { history } = this.#table
    if (history === undefined || history.live.has(files) || !files.isSSTable) return
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
    else if (table.history.live.has(files)) this.#vanished.set(files.path, files)
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
    this.#lose(left.filter(files => !explained.includes(files) && !aside.includes(files)))
  }

  commit(change: Change): void {
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
    this.commit({ adds: [], removes: loose })
    this.#lose(before.filter(files => !loose.includes(files)))
  }

  #lose(files: readonly OldFiles[]): void {
    if (files.length === 0) return
    this.commit({ adds: [], removes: files, kind: 'unexplained' })
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
