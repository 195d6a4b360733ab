import { reasonsOf, type Facts } from './reasons.js'
import type { RecentErrors } from './recent-errors.js'
import type { StatusSource } from './source.js'
import { STATUS_VERSION, type Amount, type ProgramFacts, type Status, type TableStatus } from './status.js'
import { Strips } from './strips.js'
import { tableStatusOf, type TableNow } from './table-status.js'
import type { Traffic } from './traffic.js'

/** Failures that are named. */
const NAMED = 20

/** A status is good for so long, ms: however many ask, tables are looked at once a second at most. */
const FRESH = 1_000

/** How long something may wait before the hour counts as one in which it did, ms: every flush waits for some seconds. */
const WORTH_NOTING = 300_000

/** One moment by two clocks: ms of the monotonic clock, ms since 1970. */
interface Moment {
  readonly now: number
  readonly time: number
}

/** Makes the {@link Status} of a running backup, and remembers of it what has to be remembered. */
export class StatusCollector {
  readonly #program: ProgramFacts
  readonly #source: StatusSource
  readonly #traffic: Traffic
  readonly #errors: RecentErrors
  readonly #strips = new Strips()
  #unprotectedSince: number | undefined
  #last: { readonly status: Status; readonly at: number } | undefined

  constructor(program: ProgramFacts, source: StatusSource, traffic: Traffic, errors: RecentErrors) {
    this.#program = program
    this.#source = source
    this.#traffic = traffic
    this.#errors = errors
  }

  /** What does not change while the program runs. */
  get program(): ProgramFacts {
    return this.#program
  }

  /** The status, a second old at most. */
  get recent(): Status {
    const { status, at } = this.#last ?? { at: -Infinity }
    return status !== undefined && performance.now() - at < FRESH ? status : this.status()
  }

  /** Whether the daemon does all that it can: it watches, or waits for a server that cannot be reached. */
  get isReady(): boolean {
    return this.#source.isStarted || !this.#traffic.server.isReachable
  }

  /** Whether nothing waits, by a look that costs little while something does. */
  get isCaughtUp(): boolean {
    const { uploading, isStarted, tables } = this.#source
    if (!isStarted || uploading > 0 || !this.#traffic.server.isReachable) return false
    for (const { isIdle, isCurrent, phase } of tables)
      if (!isIdle || !isCurrent || phase !== 'live') return false
    return true
  }

  /** The status as of now; its work grows with the number of tables, and of files that wait. */
  status(): Status {
    const now = performance.now()
    const time = Date.now()
    const tables = Array.from(this.#source.tables, table => tableStatusOf(table)).filter(isWorthShowing)
    const facts = this.#facts(tables, now)
    const reasons = reasonsOf(facts)
    const isProtected = reasons.length === 0
    if (isProtected) this.#unprotectedSince = undefined
    else this.#unprotectedSince ??= facts.since === Infinity ? time : time - (now - facts.since)
    const status = this.#put(tables, facts, reasons, { now, time })
    this.#last = { status, at: now }
    return status
  }

  #facts(tables: readonly TableNow[], now: number): Facts {
    const { failed, isStarted } = this.#source
    const { isReachable, error, since } = this.#traffic.server
    let [sstables, bytes, oldest] = [0, 0, Infinity]
    for (const table of tables) {
      sstables += table.waiting.sstables
      bytes += table.waiting.bytes
      oldest = Math.min(oldest, table.since)
    }
    return {
      isStarted,
      tables,
      waiting: { sstables, bytes },
      since: oldest,
      age: oldest === Infinity ? 0 : now - oldest,
      failed,
      outage: isReachable || since === undefined ? undefined : { since, error: error ?? '' },
    }
  }

  #put(tables: readonly TableNow[], facts: Facts, reasons: readonly string[], { now, time }: Moment): Status {
    const { rate } = this.#traffic.activity
    const { counts, uploading, directories, failed } = this.#source
    const { waiting, age } = facts
    const newest = tables.reduce<string | null>(
      (last, table) =>
        table.newest !== null && (last === null || table.newest.time > last) ? table.newest.time : last,
      null,
    )
    for (const { unit, level, since } of tables) {
      const isBrief = level === 'behind' && now - since < WORTH_NOTING
      if (since !== Infinity || level !== 'behind')
        this.#strips.note(unit, isBrief ? 'protected' : level, time)
    }
    this.#strips.keep(new Set(tables.map(({ unit }) => unit)))
    return {
      version: STATUS_VERSION,
      time: new Date(time).toISOString(),
      program: { ...this.#program, memory: process.memoryUsage.rss(), cpu: cpuTime() },
      isProtected: reasons.length === 0,
      reasons,
      unprotectedSince: isoOf(this.#unprotectedSince),
      protected: { ...sumOf(tables), tables: tables.filter(isProtectedTable).length },
      tableCount: tables.filter(({ isTable }) => isTable).length,
      waiting: {
        ...waiting,
        since: age === 0 ? null : isoOf(time - age),
        age: Math.round(age),
        rate: Math.round(rate),
        left: this.#left(waiting.bytes, rate),
        uploading,
      },
      newest,
      s3: this.#s3(),
      totals: {
        files: counts.uploaded,
        bytes: counts.bytes,
        present: counts.present,
        superseded: counts.superseded,
        restorePoints: { ...this.#traffic.activity.points },
        overflows: this.#traffic.activity.overflows,
        gaps: this.#traffic.activity.gaps,
      },
      directories,
      failed,
      failures: first(this.#source.failures(), NAMED),
      errors: this.#errors.list,
      tables: tables.map(table => {
        const { since, unit } = table
        const waitingSince = since === Infinity ? null : isoOf(time - (now - since))
        return rowOf(table, waitingSince, this.#strips.of(unit, time))
      }),
    }
  }

  /** ms until so many bytes are uploaded; null: not known. */
  #left(bytes: number, rate: number): number | null {
    if (bytes === 0) return 0
    return rate > 0 && this.#traffic.server.isReachable ? Math.round((bytes / rate) * 1000) : null
  }

  #s3(): Status['s3'] {
    const { isReachable, since, error, retries, nextTry } = this.#traffic.server
    return { isReachable, since: isoOf(since), error: error ?? null, retries, nextTry: isoOf(nextTry) }
  }
}

/** CPU time of this process, all threads, ms. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return Math.round((user + system) / 1000)
}

/** Spelled out, as a spread takes ten times as long: there may be ten thousand tables. */
function rowOf(table: TableNow, waitingSince: string | null, day: string): TableStatus {
  const { name, unit, isTable, level, protected: amount, waiting, newest } = table
  return { name, unit, isTable, level, protected: amount, waiting, waitingSince, newest, day }
}

/** The directories above those of tables hold nothing themselves. */
function isWorthShowing({ isTable, newest, waiting, level }: TableNow): boolean {
  return isTable || newest !== null || waiting.sstables > 0 || level !== 'protected'
}

function isProtectedTable({ isTable, level }: TableNow): boolean {
  return isTable && level === 'protected'
}

function sumOf(tables: readonly TableNow[]): Amount {
  let [sstables, bytes] = [0, 0]
  for (const { protected: amount } of tables) {
    sstables += amount.sstables
    bytes += amount.bytes
  }
  return { sstables, bytes }
}

function isoOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString()
}

function first(values: Iterable<string>, count: number): string[] {
  const some: string[] = []
  for (const value of values) {
    if (some.length === count) break
    some.push(value)
  }
  return some
}
