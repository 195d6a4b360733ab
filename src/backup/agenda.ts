import { Schedule } from './schedule.js'
import type { Directory } from './directory.js'
import type { Found, Identity } from './found.js'
import type { Unit } from './unit.js'

/** How units are judged, and who is told. */
export interface AgendaOptions {
  /** ms */
  readonly settle: number
  /** Whether failed uploads are tried again, and restless files waited for, for ever. */
  readonly retry: boolean
  /** A unit is complete; it is busy until {@link Agenda.ended}. */
  readonly onComplete: (found: Found) => void
  /** What is durable of a directory is a moment of it. */
  readonly onQuiet: (directory: Directory) => void
}

/** What became of a unit that was complete. */
export interface Ended {
  /** Its files that are in the bucket now. */
  readonly durable: ReadonlyMap<string, Identity>
  /** Those of them that lie under versions/. */
  readonly versions: ReadonlySet<string>
  /** `done`; `failed`: again after a pause that grows; `again`: it changed, judge it anew; `gone`: Cassandra took it away. */
  readonly next: 'done' | 'failed' | 'again' | 'gone'
}

/** First pause before a failed upload is tried again, and the longest, ms. */
const RETRY_BASE = 1_000
const RETRY_CAP = 300_000

/** What a one-shot backup grants a file that does not come to rest: settle times, and uploads during which it changed. */
const PATIENCE = 10
const RESTARTS = 3

/** Decides when a unit is judged, given away, and tried again. */
export class Agenda {
  readonly #options: AgendaOptions
  readonly #dirty = new Map<Unit, Directory>()
  readonly #schedule = new Schedule<Unit | Directory>()
  readonly #given = new Map<Found, { unit: Unit; directory: Directory }>()
  #soon: NodeJS.Immediate | undefined
  #idle: (() => void)[] = []
  #stopped = false

  constructor(options: AgendaOptions) {
    this.#options = options
  }

  /** Resolves when nothing is dirty, settling or busy. */
  async idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  /** Takes no more in; what is busy may still end. */
  stop(): void {
    this.#stopped = true
    if (this.#soon !== undefined) clearImmediate(this.#soon)
    this.#schedule.clear()
    this.#dirty.clear()
    this.#checkIdle()
  }

  /** Has a unit judged once the events that came with this one are taken in. */
  mark(directory: Directory, unit: Unit): void {
    if (unit.state === 'busy') {
      unit.changed = true
      return
    }
    this.#unmark(unit)
    unit.state = 'dirty'
    if (this.#stopped) return
    this.#dirty.set(unit, directory)
    this.#soon ??= setImmediate(() => this.#judgeAll())
  }

  /** A unit is no more. */
  drop(directory: Directory, unit: Unit): void {
    this.#unmark(unit)
    directory.units.delete(unit.name)
    this.#checkIdle()
  }

  /** A directory is no more. */
  lost(directory: Directory): void {
    directory.lost = true
    this.#schedule.cancel(directory)
    for (const unit of directory.units.values()) this.#unmark(unit)
    this.#checkIdle()
  }

  /** What became of a unit that was complete. */
  ended(found: Found, { durable, versions, next }: Ended): void {
    const given = this.#given.get(found)
    this.#given.delete(found)
    if (given !== undefined) {
      const { unit, directory } = given
      if (next === 'gone') directory.stale = true
      // A unit that was deleted meanwhile may have come again under the same name: that one is another.
      if (!directory.lost && directory.units.get(unit.name) === unit) {
        for (const [name, identity] of durable) unit.durable.set(name, identity)
        for (const name of durable.keys()) {
          if (versions.has(name)) unit.versions.add(name)
          else unit.versions.delete(name)
        }
        this.#next(directory, unit, next)
      }
      this.check(directory)
    }
    this.#checkIdle()
  }

  /** Tells of a directory if what is durable of it is a moment, now or as soon as that can be said. */
  check(directory: Directory): void {
    const { settle, onQuiet } = this.#options
    if (directory.lost) return
    if (directory.isMoment(settle)) {
      onQuiet(directory)
      return
    }
    const wait = directory.shrunk + settle - performance.now()
    if (wait > 0 && !this.#stopped && !this.#schedule.has(directory)) {
      this.#schedule.set(directory, Math.ceil(wait), () => {
        this.check(directory)
        this.#checkIdle()
      })
    }
  }

  #next(directory: Directory, unit: Unit, next: Ended['next']): void {
    const { retry } = this.#options
    unit.failures = next === 'failed' ? unit.failures + 1 : 0
    unit.restarts = next === 'again' ? unit.restarts + 1 : 0
    // Whatever comes now is another writing, and has to come to rest by itself.
    unit.settled = false
    unit.restless = undefined
    unit.state = next === 'done' || next === 'failed' ? next : 'dirty'
    if (unit.restarts > RESTARTS && !retry) unit.state = 'waiting'
    else if (unit.changed || unit.state === 'dirty') this.mark(directory, unit)
    else if (next === 'failed' && retry && !this.#stopped) {
      this.#schedule.set(unit, retryPause(unit.failures), () => this.mark(directory, unit))
    }
  }

  #unmark(unit: Unit): void {
    this.#dirty.delete(unit)
    this.#schedule.cancel(unit)
  }

  #judgeAll(): void {
    this.#soon = undefined
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    const now = performance.now()
    for (const [unit, directory] of dirty) this.#judge(directory, unit, now)
    for (const directory of new Set(dirty.map(([, directory]) => directory))) this.check(directory)
    this.#checkIdle()
  }

  #judge(directory: Directory, unit: Unit, now: number): void {
    const { settle, retry } = this.#options
    const verdict = directory.judge(unit, settle, now)
    switch (verdict.state) {
      case 'settling':
        unit.restless ??= now
        unit.state = retry || now - unit.restless <= PATIENCE * settle ? 'settling' : 'waiting'
        if (unit.state === 'waiting') return
        this.#schedule.set(unit, Math.ceil(verdict.wait), () => this.mark(directory, unit))
        return
      case 'waiting':
      case 'written':
      case 'obsolete':
        unit.state = verdict.state
        if (unit.names.size === 0) directory.units.delete(unit.name)
        return
      case 'complete':
        unit.state = 'busy'
        unit.changed = false
        this.#give(directory, unit)
    }
  }

  #give(directory: Directory, unit: Unit): void {
    const { name, sstable, untouched } = unit
    const names = [...unit.names]
    const durable = new Map(unit.durable)
    const found: Found = { directory: directory.path, unit: name, sstable, names, durable, untouched }
    this.#given.set(found, { unit, directory })
    this.#options.onComplete(found)
  }

  #isIdle(): boolean {
    if (this.#given.size > 0 || this.#dirty.size > 0) return false
    return this.#stopped || this.#schedule.size === 0
  }

  #checkIdle(): void {
    if (!this.#isIdle()) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** Doubles with every failure in a row, ms. */
function retryPause(failures: number): number {
  return Math.min(RETRY_CAP, RETRY_BASE * 2 ** (failures - 1))
}
