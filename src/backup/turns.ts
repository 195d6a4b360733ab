import type { Clock } from '../tables/ports.js'

import type { Timers } from './ports.js'

/** The kernel's queue of file events. */
export interface EventQueue {
  /** Reads and delivers what the kernel has queued. @returns whether all that happened before the call is delivered now */
  poll(): boolean
}

/** A table, as far as it takes turns. */
export interface Judging {
  /** Judges what changed by the disk as it is now. */
  look(): void
  /** Every event that has happened was told before the last look. */
  drained(): void
}

/** How often the queue is read in one turn of the event loop before everybody else has a turn. */
const ROUNDS = 8

/**
 * Has tables judge what happened to them, in the only safe order: first every event that the kernel has queued is told, then
 * the table looks at the disk, and only when all that was queued by the end of that look brought nothing of this table may it
 * decide that nothing else happened ({@link Judging.drained}). A process that stood still between two of these steps would
 * otherwise take half of a change for all of it. Events of other tables do not matter: on a busy node the queue is never empty.
 */
export class Turns {
  readonly #timers: Timers
  readonly #clock: Clock
  readonly #touched = new Set<Judging>()
  /** Tables that have looked, and wait until all that had happened by then is told. */
  readonly #looked = new Set<Judging>()
  readonly #wakes = new Map<Judging, () => void>()
  /** Tables that have no turn now, and the directories that are the reason. */
  readonly #held = new Map<Judging, Set<string>>()
  #queue: EventQueue | undefined
  #cancel: (() => void) | undefined
  #isStopped = false

  constructor(timers: Timers, clock: Clock) {
    this.#timers = timers
    this.#clock = clock
  }

  /** Tables that wait for their turn, or for the events before it. */
  get size(): number {
    return this.#touched.size + this.#looked.size
  }

  /** The queue that is read before each decision; undefined: no further event is to come. */
  attach(queue: EventQueue | undefined): void {
    this.#queue = queue
  }

  /** Something happened to a table: it looks at the disk once all that is known has been told. */
  touch(table: Judging): void {
    if (this.#held.has(table)) return
    this.#touched.add(table)
    if (!this.#isStopped) this.#cancel ??= this.#timers.after(0, () => this.#turn())
  }

  /** Has a table look at a time of the monotonic clock, in place of a time set before. */
  wake(table: Judging, at: number | undefined): void {
    this.#wakes.get(table)?.()
    this.#wakes.delete(table)
    if (at === undefined || this.#isStopped) return
    const cancel = this.#timers.after(Math.max(0, Math.ceil(at - this.#clock.now())), () => {
      this.#wakes.delete(table)
      if (this.#held.has(table)) return
      this.#touched.add(table)
      this.#turn()
    })
    this.#wakes.set(table, cancel)
  }

  /** A directory of a table cannot be looked at for now: the table judges and decides nothing until that is over. */
  hold(table: Judging, directory: string): void {
    const directories = this.#held.get(table) ?? new Set()
    this.#held.set(table, directories.add(directory))
    this.#touched.delete(table)
    this.#looked.delete(table)
  }

  /** A directory of a table can be looked at again; once all of them can, the table has its next turn. */
  release(table: Judging, directory: string): void {
    const directories = this.#held.get(table)
    directories?.delete(directory)
    if (directories?.size === 0) this.#held.delete(table)
    this.touch(table)
  }

  /** A table is no more. */
  forget(table: Judging): void {
    this.#held.delete(table)
    this.wake(table, undefined)
    this.#touched.delete(table)
    this.#looked.delete(table)
  }

  /** Has every table that waits look and decide, now. */
  finish(): void {
    this.#turn()
  }

  /** Wakes nobody any more. */
  stop(): void {
    this.#isStopped = true
    this.#unschedule()
    for (const cancel of this.#wakes.values()) cancel()
    this.#wakes.clear()
  }

  #turn(): void {
    this.#unschedule()
    this.#queue?.poll()
    for (let round = 0; round < ROUNDS && this.size > 0; round++) {
      this.#look()
      if (this.#queue?.poll() ?? true) this.#drain()
    }
    if (this.size === 0) this.#unschedule()
    else if (!this.#isStopped) this.#cancel ??= this.#timers.after(0, () => this.#turn())
  }

  #unschedule(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #look(): void {
    const touched = [...this.#touched]
    this.#touched.clear()
    for (const table of touched) {
      table.look()
      this.#looked.add(table)
    }
  }

  /** Tables of which nothing has been told since their look decide. */
  #drain(): void {
    for (const table of [...this.#looked]) {
      if (this.#touched.has(table)) continue
      this.#looked.delete(table)
      table.drained()
    }
  }
}
