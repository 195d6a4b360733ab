import type { Config } from '../config/config.js'
import { TablesnapError, errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'
import { isS3Error } from '../s3/errors.js'
import { History, type Moment } from '../state/history.js'
import type { State } from '../state/state.js'
import type { States } from '../state/states.js'

import { deleteSets, keep } from './delete.js'
import type { Fence } from './fence.js'
import type { Group } from './group.js'
import type { Listings } from './listings.js'
import { Schedule } from './schedule.js'
import { deltaOf, isSame, snapshotOf } from './snapshot.js'
import type { Unit } from './unit.js'

/** What states are written with. */
export interface RecorderDeps {
  readonly config: Config
  readonly name: string
  readonly log: Logger
  readonly states: States
  readonly fence: Fence
  readonly listings: Listings
  /** ms since 1970, by the server's clock. */
  readonly clock: () => number
  readonly onProblem: (path: string, message: string) => void
  /** A state of the unit is in the bucket, or need not be. */
  readonly onRecorded: (unit: Unit) => void
  /** What is to be said of the unit is different. */
  readonly onChange: (unit: Unit) => void
  /** Another writer took the name over. */
  readonly onFenced: (error: unknown) => void
}

/** Least time between two states of a unit, ms; and how much longer than making one it is at least. */
const INTERVAL = 5_000
const SHARE = 100

/** Least time between two states of a unit at the end of a run, ms: LastModified, which orders listings, has whole seconds. */
const GAP = 1_100

/** What happens together is looked at together: time after a commit, ms. */
const DEBOUNCE = 50

/** First pause before a state that could not be written is tried again, and the longest, ms. */
const RETRY_BASE = 2_000
const RETRY_CAP = 300_000

/** States tried at the same time that another writer has taken. */
const TIMES = 5

/** Of a unit: when its last state was written, and how that went. */
interface Pace {
  writing: boolean
  /** Something was different meanwhile. */
  again: boolean
  /** Failed tries in a row. */
  failures: number
  /** When the last one was written, and how long the next one waits after it, ms of the monotonic clock. */
  last: number
  interval: number
}

/** Writes the states of units, and what follows from each: the listings, and what may be deleted. */
export class Recorder {
  /** Units whose newest state could not be written. */
  readonly failed = new Map<string, string>()
  readonly #deps: RecorderDeps
  readonly #schedule = new Schedule<Unit>()
  readonly #paces = new Map<Unit, Pace>()
  readonly #running = new Set<Promise<void>>()
  #flushing = false
  #stopped = false

  constructor(deps: RecorderDeps) {
    this.#deps = deps
  }

  /** The unit's history begins, or begins again after a gap, with what a scan found. */
  scanned(unit: Unit): void {
    const { newest } = unit
    const lost = newest !== undefined && this.#isLost(unit, newest)
    const during = unit.during.splice(0)
    const scan = { sets: unit.scanned(newest), time: this.#deps.clock(), lost, during }
    unit.listed = undefined
    if (unit.before !== undefined) {
      unit.history = unit.before
      unit.before = undefined
      unit.history.gap(scan)
    } else {
      const time = newest?.time ?? unit.newestTime
      const before =
        time === undefined
          ? undefined
          : {
              time,
              sets: new Set(newest?.sets.keys() ?? []),
              unexplained: this.#deps.fence.tookOver ? [] : (newest?.unexplained ?? []),
            }
      unit.history = new History(before, scan)
    }
    this.changed(unit)
  }

  /** Something that a state would say is different: one is written as soon as it may be. */
  changed(unit: Unit): void {
    const pace = this.#pace(unit)
    if (this.#stopped || this.#deps.config.dryRun || unit.history === undefined) return
    if (pace.writing) pace.again = true
    if (pace.writing || this.#schedule.has(unit)) return
    const interval = this.#flushing ? GAP : pace.interval
    const wait = Math.max(DEBOUNCE, pace.last + interval - performance.now())
    this.#schedule.set(unit, wait, () => this.#run(unit))
  }

  /** Writes what is due without its usual pause, and waits for all of it. */
  async flush(): Promise<void> {
    this.#flushing = true
    for (const unit of this.#schedule.keys) {
      this.#schedule.cancel(unit)
      this.changed(unit)
    }
    while (this.#running.size > 0 || this.#schedule.size > 0) {
      await Promise.all(this.#running)
      await new Promise(resolve => setTimeout(resolve, DEBOUNCE))
    }
    this.#flushing = false
  }

  /** Begins no further state. */
  stop(): void {
    this.#stopped = true
    this.#schedule.clear()
  }

  #pace(unit: Unit): Pace {
    let pace = this.#paces.get(unit)
    if (pace === undefined) {
      pace = { writing: false, again: false, failures: 0, last: -Infinity, interval: INTERVAL }
      this.#paces.set(unit, pace)
    }
    return pace
  }

  #run(unit: Unit): void {
    const pace = this.#pace(unit)
    pace.writing = true
    pace.again = false
    const run = this.#record(unit, pace)
      .then(
        listed => {
          this.failed.delete(unit.name)
          pace.failures = listed ? 0 : pace.failures + 1
          if (listed) return
          unit.changed = true
          this.#again(unit, pace)
        },
        (error: unknown) => this.#failed(unit, pace, error),
      )
      .then(() => {
        pace.writing = false
        this.#running.delete(run)
        if (pace.again && pace.failures === 0) this.changed(unit)
        // Most units of many never have anything to say.
        else if (pace.failures === 0 && pace.last === -Infinity) this.#paces.delete(unit)
      })
    this.#running.add(run)
  }

  #failed(unit: Unit, pace: Pace, error: unknown): void {
    const { log, onFenced } = this.#deps
    unit.changed = true
    if (isFenced(error)) {
      this.stop()
      onFenced(error)
    }
    pace.failures++
    const message = `Error writing the state of ${unit.name}: ${errorMessage(error)}`
    this.failed.set(unit.name, message)
    if (!this.#stopped) log.error(message, { unit: unit.name })
    this.#again(unit, pace)
  }

  /** Tries again after a pause; a one-shot backup does not. */
  #again(unit: Unit, pace: Pace): void {
    if (this.#stopped || this.#deps.config.mode === 'backup' || this.#flushing) return
    const pause = Math.min(RETRY_CAP, RETRY_BASE * 2 ** (pace.failures - 1))
    this.#schedule.set(unit, pause, () => this.#run(unit))
  }

  /** Writes a state, if there is more to say than the newest one says. @returns false when a listing could not be written */
  async #record(unit: Unit, pace: Pace): Promise<boolean> {
    const { config, fence, listings } = this.#deps
    const began = performance.now()
    const { history } = unit
    if (history === undefined || unit.isRestless) return true
    const moment = history.next(set => unit.standing(set, began), unit.changed)
    if (moment === undefined) return true
    unit.changed = false
    const leaving = config.deleteOnBackup ? keep(unit, moment.sets) : []
    const state = snapshotOf(unit, moment, { node: this.#deps.name, epoch: fence.epoch })
    const isNews = unit.newest === undefined ? !isEmpty(state) : !isSame(unit.newest, state)
    let busy = performance.now() - began
    let isListed = true
    if (isNews) {
      // First: whoever finds the state need not look for them.
      const listed = await listings.write(unit, state)
      isListed = !listed.failed
      const written = await this.#write(unit, listed.failed ? { ...state, unlisted: true } : state)
      busy += written.busy + listed.busy
      pace.last = performance.now()
      pace.interval = Math.max(INTERVAL, SHARE * busy)
      this.#accept(unit, history, { ...moment, time: written.state.time }, written.state)
    } else this.#accept(unit, history, moment, unit.newest)
    if (leaving.length > 0) this.#delete(unit, leaving)
    return isListed
  }

  #accept(unit: Unit, history: History<Group>, moment: Moment<Group>, state: State | undefined): void {
    unit.newest = state
    history.accept(moment)
    if (unit.history === history) this.#deps.onRecorded(unit)
  }

  /** @returns the state with the time that it got, and how long the main thread was busy with it, ms */
  async #write(unit: Unit, state: State): Promise<{ state: State; busy: number }> {
    const { states, config, fence, log } = this.#deps
    await fence.check()
    for (let attempt = 0; ; attempt++) {
      const timed = { ...state, time: state.time + attempt }
      const began = performance.now()
      const delta = unit.base === undefined ? undefined : deltaOf(unit.base, timed)
      let busy = performance.now() - began
      try {
        const written = await states.write(delta ?? { state: timed, delta: undefined }, config.object)
        busy += written.busy
        if (delta === undefined) unit.base = { key: written.key, state: timed }
        log.debug(
          `Wrote ${written.key}: ${timed.sets.size} SSTables, ${timed.unprotected.length} unprotected`,
          {
            key: written.key,
            bytes: written.bytes,
          },
        )
        return { state: timed, busy }
      } catch (error) {
        if (attempt >= TIMES || !isS3Error(error, 412)) throw error
      }
    }
  }

  #delete(unit: Unit, leaving: readonly Group[]): void {
    const { log, onProblem, onChange } = this.#deps
    for (const group of deleteSets(unit, leaving, log, onProblem)) {
      if (group.stored !== undefined) group.stored = { ...group.stored, kept: false }
      unit.kept.delete(group.path)
      unit.changed = true
    }
    if (unit.changed) onChange(unit)
  }

  /** Whether a directory of the newest state is gone; one that is there and not watched makes the states partial. */
  #isLost(unit: Unit, newest: State): boolean {
    let lost = false
    for (const path of newest.directories.keys()) {
      const found = unit.look(path, newest)
      if (found === 'unwatched') {
        if (!unit.foreign.has(path)) {
          this.#deps.log.warn(
            `${path} is part of ${unit.name}, and not watched now: its states are partial (-r, and all data directories)`,
            { path },
          )
        }
        unit.foreign.add(path)
      }
      lost ||= found === 'lost'
    }
    if (lost) {
      this.#deps.onProblem(
        unit.name,
        `a directory of ${unit.name} that its newest state has is missing or another one: states are marked until its SSTables return, the table is truncated or dropped, or --take-over accepts it`,
      )
    }
    return lost
  }
}

/** Whether there is nothing worth a first state. */
function isEmpty({ sets, files, unprotected, unexplained }: State): boolean {
  return sets.size === 0 && files.size === 0 && unprotected.length === 0 && unexplained.length === 0
}

/** The error of a run that may not write any more. */
export function isFenced(error: unknown): boolean {
  return error instanceof TablesnapError && error.code === 'FENCED'
}
