import { pauseAfter } from '../back-off.js'
import { TablesnapError, errorMessage } from '../errors.js'
import type { State } from '../manifest/state.js'
import type { Problems } from '../report/problems.js'
import type { Table } from '../tables/table.js'
import { counted } from '../report/format.js'

import type { Audited, Since } from './object-audit.js'
import type { Timers } from './ports.js'

/** Compares the objects of some manifests with the bucket. */
export interface Audit {
  /** @throws S3Error, TablesnapError */
  run(audited: readonly Audited[], isStopped: () => boolean): Promise<void>
}

/** How audits are scheduled. */
export interface AuditSettings {
  /** Whether the run ends: what fails is not tried again. */
  readonly isOneShot: boolean
  /** The tables that there are. */
  readonly tables: () => Iterable<Pick<Table, 'name' | 'newest'>>
  /** The server's clock, ms since 1970. */
  readonly clock: () => number
  /** Resolves when the newest manifest of every table is known. */
  readonly whenLoaded: () => Promise<void>
  /** Another writer took the name over. */
  readonly onFenced: (error: unknown) => void
}

/** SSTables, and files that belong to none, whose objects are compared in one go: ten pages of a LIST or more. */
const GROUP = 1_250

/** Groups that are compared at once at the start. */
const AT_ONCE = 4

/** Within this time a daemon compares every table once more, ms. */
const DAY = 86_400_000

/** The shortest pause between two groups then, and the one while there is no table, ms. */
const LEAST = 1_000
const NOTHING = 3_600_000

/** A daemon has uploaded a file within this time, ms; an object that was written later than that was replaced. */
const GRACE = 3_600_000

/** First pause before what failed is tried again, and the longest, ms. */
const AGAIN = { base: 60_000, cap: 3_600_000 }

/** The name under which the problem is kept that tables cannot be compared. */
const ALL = 'the objects of the newest restore points'

/**
 * Decides when the bucket is compared with the newest manifests: those that a run finds at once, and in a daemon each table
 * once a day, spread over the day. A failure ends what was to be compared then, as it is the server's and would only repeat.
 */
export class AuditSchedule {
  readonly #audit: Audit
  readonly #timers: Timers
  readonly #problems: Problems
  readonly #settings: AuditSettings
  readonly #cancels = new Map<'round' | 'again', () => void>()
  /** Since when no object of a table must have been written, by the table's name. */
  readonly #since = new Map<string, Since>()
  /** Tables that could not be compared. */
  readonly #left = new Set<string>()
  #queue: State[] = []
  #running = 0
  #failures = 0
  #isWaiting = false
  #isStopped = false
  /** The tables that are still to be compared in this day's round, and how much all of them have. */
  #round: { readonly names: string[]; readonly size: number } = { names: [], size: 0 }
  #waiting: (() => void)[] = []

  constructor(audit: Audit, timers: Timers, problems: Problems, settings: AuditSettings) {
    this.#audit = audit
    this.#timers = timers
    this.#problems = problems
    this.#settings = settings
  }

  /** Whether nothing is being compared, or is to be compared now. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#queue.length === 0
  }

  /**
   * The newest manifest of a table was found in the bucket: it is compared once those of all tables are known.
   * @param stored when the server stored it, ms since 1970: no object that it names was written later
   */
  add(newest: State, stored: number): void {
    if (this.#isStopped) return
    this.#since.set(newest.unit, { time: stored, grace: 0 })
    this.#queue.push(newest)
    if (this.#isWaiting) return
    this.#isWaiting = true
    void this.#settings.whenLoaded().then(() => {
      this.#isWaiting = false
      this.#begin()
    })
  }

  /** Has every table compared once a day from now on. */
  startRounds(): void {
    this.#next()
  }

  /** An outage is over: what could not be compared is compared now. */
  retry(): void {
    const cancel = this.#cancels.get('again')
    if (cancel === undefined || this.#isStopped) return
    cancel()
    this.#cancels.delete('again')
    this.#compare(this.#left)
  }

  /** Resolves when nothing is being compared. */
  async whenIdle(): Promise<void> {
    if (!this.isIdle) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  /** Begins nothing more; what is being uploaded ends. */
  stop(): void {
    this.#isStopped = true
    this.#queue = []
    for (const cancel of this.#cancels.values()) cancel()
    this.#checkIdle()
  }

  #begin(): void {
    // Neighbours in the bucket share pages of a LIST.
    this.#queue.sort((a, b) => (a.unit < b.unit ? -1 : 1))
    this.#pump()
  }

  #pump(): void {
    while (this.#running < AT_ONCE && this.#queue.length > 0) {
      const group: State[] = []
      for (let size = 0; size < GROUP;) {
        const state = this.#queue.shift()
        if (state === undefined) break
        size += sizeOf(state)
        group.push(state)
      }
      this.#running++
      void this.#run(group).then(() => {
        this.#running--
        this.#pump()
        this.#checkIdle()
      })
    }
  }

  async #run(group: readonly State[]): Promise<void> {
    const began = this.#settings.clock()
    try {
      const audited = group.map(state => ({ state, since: this.#since.get(state.unit) }))
      await this.#audit.run(audited, () => this.#isStopped)
      this.#failures = 0
      for (const { unit } of group) this.#since.set(unit, { time: began, grace: GRACE })
      for (const { unit } of group) this.#left.delete(unit)
      if (this.#left.size === 0) this.#problems.solved(ALL)
    } catch (error) {
      this.#failed([...group, ...this.#queue.splice(0)], error)
    }
  }

  #failed(states: readonly State[], error: unknown): void {
    if (this.#isStopped) return
    if (error instanceof TablesnapError && error.code === 'FENCED') {
      this.stop()
      this.#settings.onFenced(error)
      return
    }
    for (const { unit } of states) this.#left.add(unit)
    const count = counted(this.#left.size, 'table')
    this.#problems.problem(
      ALL,
      `Cannot make sure that the bucket still holds what the newest restore points of ${count} name: ${errorMessage(error)}`,
    )
    if (this.#settings.isOneShot || this.#cancels.has('again')) return
    this.#after('again', pauseAfter(++this.#failures, AGAIN), () => this.retry())
  }

  /** Has the tables of some names compared, as far as they are still there. */
  #compare(names: ReadonlySet<string>): void {
    for (const { name, newest } of this.#settings.tables())
      if (names.has(name) && newest !== undefined) this.#queue.push(newest)
    this.#begin()
  }

  /** The next group of this day's round after a pause that has its share of the day. */
  #next(): void {
    const tables = new Map([...this.#settings.tables()].map(({ name, newest }) => [name, newest]))
    if (this.#round.names.length === 0) {
      const size = [...tables.values()].reduce((sum, newest) => sum + sizeOf(newest), 0)
      for (const name of this.#since.keys()) if (!tables.has(name)) this.#since.delete(name)
      this.#round = { names: [...tables.keys()].sort(), size }
    }
    const group = new Set<string>()
    let size = 0
    while (size < GROUP) {
      const name = this.#round.names.shift()
      if (name === undefined) break
      group.add(name)
      size += sizeOf(tables.get(name))
    }
    const pause = Math.max(LEAST, DAY * (size / Math.max(1, this.#round.size)))
    this.#after('round', size === 0 ? NOTHING : pause, () => {
      this.#compare(group)
      this.#next()
    })
  }

  #after(name: 'round' | 'again', pause: number, work: () => void): void {
    if (!this.#isStopped) this.#cancels.set(name, this.#timers.after(pause, work))
  }

  #checkIdle(): void {
    if (this.isIdle) for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** SSTables, and files that belong to none, of a manifest; 1 for one that has none, and nothing for none. */
function sizeOf(state: State | undefined): number {
  return state === undefined ? 0 : Math.max(1, state.sets.size + state.files.size)
}
