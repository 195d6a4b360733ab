import type { Table } from '../tables/table.js'

import type { Clockwork } from './ports.js'

/** Who scans directories. */
export interface Scanner {
  rescan(paths: readonly string[]): void
  /** Whether no event tells of what happens in a directory. */
  isUnwatched(path: string): boolean
}

/** A table is scanned again after so many times the CPU time that its last scan took: 1 % of a core. */
const SHARE = 100

/** The longest pause before a table is scanned again, ms. */
const CAP = 30_000

/** First pause between two scans of a directory without a watch, while they differ, and the longest, ms. */
const UNWATCHED = 1_000
const UNWATCHED_CAP = 60_000

/**
 * Scans the directories of tables again, when they ask for it. Where the machine is so busy that a table misses events again
 * and again, the scans of that table keep a distance.
 */
export class Rescans {
  readonly #scanner: Scanner
  readonly #clockwork: Clockwork
  readonly #isPaced: boolean
  readonly #due = new Map<Table, { readonly directories: Set<string>; readonly cancel: () => void }>()
  /** When the next scan of a table may begin, ms of the monotonic clock. */
  readonly #next = new WeakMap<Table, number>()
  /** The last pause of a table that has directories without a watch, ms, and when it ended. */
  readonly #unwatched = new WeakMap<Table, { readonly pause: number; readonly end: number }>()

  /** @param isPaced whether the scans keep a distance; a one-shot run waits for none */
  constructor(scanner: Scanner, clockwork: Clockwork, isPaced: boolean) {
    this.#scanner = scanner
    this.#clockwork = clockwork
    this.#isPaced = isPaced
  }

  /** Scans that are still to begin. */
  get size(): number {
    return this.#due.size
  }

  /** Scans directories of a table as soon as it may be; never before this call has returned. */
  order(table: Table, directories: readonly string[]): void {
    const due = this.#due.get(table)
    if (due !== undefined) {
      for (const directory of directories) due.directories.add(directory)
      return
    }
    const wait = this.#isPaced ? this.#wait(table, directories) : 0
    const cancel = this.#clockwork.after(Math.ceil(wait), () => this.#scan(table))
    this.#due.set(table, { directories: new Set(directories), cancel })
  }

  forget(table: Table): void {
    this.#due.get(table)?.cancel()
    this.#due.delete(table)
  }

  /** Begins no scan any more. */
  stop(): void {
    for (const { cancel } of this.#due.values()) cancel()
    this.#due.clear()
  }

  #wait(table: Table, directories: readonly string[]): number {
    const now = this.#clockwork.now()
    const wait = Math.max(0, (this.#next.get(table) ?? 0) - now)
    if (!directories.some(path => this.#scanner.isUnwatched(path))) return wait
    // Only two scans that see the same tell that nothing is going on: while it is, they come further and further apart.
    const last = this.#unwatched.get(table)
    const isSoon = last !== undefined && now - last.end < 2 * last.pause
    const pause = isSoon ? Math.min(UNWATCHED_CAP, 2 * last.pause) : UNWATCHED
    this.#unwatched.set(table, { pause, end: now + pause })
    return Math.max(wait, pause)
  }

  #scan(table: Table): void {
    const directories = [...(this.#due.get(table)?.directories ?? [])]
    this.#due.delete(table)
    const before = this.#clockwork.cpuTime()
    this.#scanner.rescan(directories)
    const pause = Math.min(CAP, SHARE * (this.#clockwork.cpuTime() - before))
    this.#next.set(table, this.#clockwork.now() + pause)
  }
}
