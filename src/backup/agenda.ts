import type { Entry } from '../state/state.js'

import type { Found } from './found.js'
import type { Group } from './group.js'
import { Schedule } from './schedule.js'
import type { Unit } from './unit.js'

/** How groups are judged, and who is told. */
export interface AgendaOptions {
  /** ms */
  readonly settle: number
  /** Whether failed uploads are tried again, and restless files waited for, for ever. */
  readonly retry: boolean
  /** A group is complete; it is busy until {@link Agenda.ended}. */
  readonly onComplete: (found: Found) => void
  /** A scan of the unit is settled: each group that it found was judged. */
  readonly onScanned: (unit: Unit) => void
  /** Its scan is void, or commits of it were missed: there must be another one. */
  readonly onGap: (unit: Unit) => void
  /** Nothing goes on in the unit that no transaction explains. */
  readonly onStill: (unit: Unit) => void
  /** A group's files, or its Data.db, are found to be gone. */
  readonly onGone: (group: Group) => void
  /** What is durable of the unit, or what belongs to it, may be something else now. */
  readonly onChange: (unit: Unit) => void
}

/** What became of a group that was complete. */
export interface Ended {
  /** Its files that are in the bucket now. */
  readonly durable: ReadonlyMap<string, Entry>
  /** Those of its files that were there: what a state names of it. */
  readonly names: readonly string[]
  /** `done`; `failed`: again after a pause that grows; `again`: it changed, judge it anew; `gone`: Cassandra took it away. */
  readonly next: 'done' | 'failed' | 'again' | 'gone'
  /** Its Data.db is not what its Digest.crc32 says. */
  readonly corrupt?: boolean
}

/** First pause before a failed upload is tried again, and the longest, ms. */
const RETRY_BASE = 1_000
const RETRY_CAP = 300_000

/** What a one-shot backup grants a file that does not come to rest: settle times, and uploads during which it changed. */
const PATIENCE = 10
const RESTARTS = 3

/** Decides when a group is judged, given away, and tried again. */
export class Agenda {
  /** Groups that are not complete, or cannot be uploaded; see `hindered` of {@link Group}. */
  readonly hindered = new Set<Group>()
  readonly #options: AgendaOptions
  readonly #dirty = new Set<Group>()
  readonly #schedule = new Schedule<Group | Unit>()
  readonly #given = new Set<Group>()
  /** Units whose newest state the bucket is being asked for, and their groups that wait for it. */
  readonly #loading = new Map<Unit, Set<Group>>()
  #soon: NodeJS.Immediate | undefined
  #idle: (() => void)[] = []
  #asked: (() => void)[] = []
  #stopped = false

  constructor(options: AgendaOptions) {
    this.#options = options
  }

  /** Resolves when nothing is dirty, settling or busy. */
  async idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  /** Resolves when no unit waits for what the bucket says of it. */
  async whenLoaded(): Promise<void> {
    if (this.#loading.size > 0) await new Promise<void>(resolve => this.#asked.push(resolve))
  }

  /** Takes no more in; what is busy may still end. */
  stop(): void {
    this.#stopped = true
    if (this.#soon !== undefined) clearImmediate(this.#soon)
    this.#schedule.clear()
    this.#dirty.clear()
    this.#checkIdle()
  }

  /** Has a group judged once the events that came with this one are taken in. */
  mark(group: Group): void {
    if (group.state === 'busy') {
      group.changed = true
      return
    }
    this.#unmark(group)
    group.state = 'dirty'
    if (this.#stopped) return
    this.#dirty.add(group)
    this.#soon ??= setImmediate(() => this.#judgeAll())
  }

  /** A group is no more. */
  drop(group: Group): void {
    this.#unmark(group)
    this.hindered.delete(group)
    const { directory } = group
    directory.groups.delete(group.name)
    directory.unit.unsettled.delete(group)
    this.#loading.get(directory.unit)?.delete(group)
    this.#checkIdle()
  }

  /** The bucket is asked for the unit's newest state: what a scan finds waits for the answer. */
  loading(unit: Unit): void {
    this.#loading.set(unit, new Set())
  }

  /** The answer has come. */
  loaded(unit: Unit): void {
    unit.loaded = true
    const parked = this.#loading.get(unit) ?? []
    this.#loading.delete(unit)
    for (const group of parked) this.mark(group)
    this.check(unit)
    this.#checkIdle()
    if (this.#loading.size === 0) for (const resolve of this.#asked.splice(0)) resolve()
  }

  /** What became of a group that was complete. */
  ended(group: Group, { durable, names, next, corrupt = false }: Ended): void {
    this.#given.delete(group)
    for (const [name, entry] of durable) group.durable.set(name, entry)
    if (next === 'done') {
      const before = group.stored
      group.adopt(names, corrupt)
      if (group.stored !== before) group.directory.unit.changed = true
    }
    // A group that was deleted meanwhile may have come again under the same name: that one is another.
    if (!group.directory.lost && group.directory.groups.get(group.name) === group) this.#next(group, next)
    this.check(group.directory.unit)
    this.#options.onChange(group.directory.unit)
    this.#checkIdle()
  }

  /** Tells of a unit whose scan is settled, or in which all is still, now or as soon as that can be said. */
  check(unit: Unit): void {
    if (!unit.loaded || this.#stopped) return
    if (unit.history === undefined && unit.unsettled.size === 0 && unit.rescans.size === 0) {
      if (unit.voided) this.#options.onGap(unit)
      else this.#options.onScanned(unit)
    }
    if (unit.appeared.size === 0 && unit.vanished.size === 0) return
    const wait = unit.stirred + this.#options.settle - performance.now()
    if (wait > 0) {
      if (!this.#schedule.has(unit)) {
        this.#schedule.set(unit, Math.ceil(wait), () => {
          this.check(unit)
          this.#checkIdle()
        })
      }
    } else if (!isRestless(unit)) this.#options.onStill(unit)
  }

  #next(group: Group, next: Ended['next']): void {
    const { retry } = this.#options
    group.failures = next === 'failed' ? group.failures + 1 : 0
    group.restarts = next === 'again' ? group.restarts + 1 : 0
    // Whatever comes now is another writing, and has to come to rest by itself.
    group.settled = false
    group.restless = undefined
    group.state = next === 'done' || next === 'failed' ? next : 'dirty'
    this.#hinder(group, next !== 'done')
    if (group.restarts > RESTARTS && !retry) group.state = 'waiting'
    else if (group.changed || group.state === 'dirty') this.mark(group)
    else if (next === 'failed' && retry && !this.#stopped) {
      this.#schedule.set(group, retryPause(group.failures), () => this.mark(group))
    }
  }

  #hinder(group: Group, hindered: boolean): void {
    if (hindered) {
      group.hindered ??= performance.now()
      this.hindered.add(group)
    } else {
      group.hindered = undefined
      this.hindered.delete(group)
    }
  }

  #unmark(group: Group): void {
    this.#dirty.delete(group)
    this.#schedule.cancel(group)
  }

  #judgeAll(): void {
    this.#soon = undefined
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    const now = performance.now()
    for (const group of dirty) this.#judge(group, now)
    for (const unit of new Set(dirty.map(({ directory }) => directory.unit))) this.check(unit)
    this.#checkIdle()
  }

  #judge(group: Group, now: number): void {
    const { settle, retry } = this.#options
    const { unit } = group.directory
    const parked = group.untouched ? this.#loading.get(unit) : undefined
    if (parked !== undefined) {
      group.quiet(now)
      parked.add(group)
      return
    }
    const verdict = group.directory.judge(group, settle, now)
    if (verdict.state === 'settling') {
      group.restless ??= now
      const waits = retry || now - group.restless <= PATIENCE * settle
      group.state = waits ? 'settling' : 'waiting'
      if (waits) {
        this.#schedule.set(group, Math.ceil(verdict.wait), () => this.mark(group))
        return
      }
    } else if (verdict.state === 'complete') {
      this.#give(group)
    } else {
      group.state = verdict.state
      if (group.isGone) this.#options.onGone(group)
      else if (verdict.state === 'waiting' && group.sstable && group.names.has(group.main))
        this.#hinder(group, true)
    }
    unit.unsettled.delete(group)
  }

  #give(group: Group): void {
    group.state = 'busy'
    group.changed = false
    this.#given.add(group)
    group.seed()
    const { names, durable, untouched, directory } = group
    this.#options.onComplete({
      group,
      directory: directory.path,
      names: [...names],
      durable: new Map(durable),
      untouched,
    })
  }

  #isIdle(): boolean {
    if (this.#given.size > 0 || this.#dirty.size > 0) return false
    return this.#stopped || (this.#schedule.size === 0 && this.#loading.size === 0)
  }

  #checkIdle(): void {
    if (!this.#isIdle()) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** Whether a set that no transaction wrote is still on its way in. */
function isRestless(unit: Unit): boolean {
  for (const { sstable, state } of unit.groups()) {
    if (sstable && (state === 'dirty' || state === 'settling')) return true
  }
  return false
}

/** Doubles with every failure in a row, ms. */
function retryPause(failures: number): number {
  return Math.min(RETRY_CAP, RETRY_BASE * 2 ** (failures - 1))
}
