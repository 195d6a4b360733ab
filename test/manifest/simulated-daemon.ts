import type { Moment, Newest, Scan } from '../../src/manifest/history.js'
import type { Commit, Standing } from '../../src/manifest/lineage.js'

import { Broken, type Judge, type Seen } from './judge.js'
import type { Random } from './random.js'
import type { Change, SSTable } from './simulated-table.js'

/** What decides about states: the History, or one that breaks a rule on purpose. */
export interface Rule {
  readonly live: ReadonlySet<Seen>
  commit(commit: Commit<Seen>): boolean
  gap(scan: Scan<Seen>): void
  wants(set: Seen): boolean
  next(standing: (set: Seen) => Standing, changed?: boolean): Moment<Seen> | undefined
  accept(moment: Moment<Seen>): Seen[]
}

export type MakeRule = (newest: Newest | undefined, scan: Scan<Seen>) => Rule

/** How well uploads go. */
interface Upload {
  readonly pinned: boolean
  /** It fails for ever. */
  readonly stuck: boolean
  /** Tries, or more than any limit for what is not to be uploaded. */
  age: number
}

/** A scan that is under way. */
interface Walk {
  readonly time: number
  readonly found: Seen[]
  readonly during: Commit<Seen>[]
  readonly lost: boolean
  disk: number
}

interface Flight {
  readonly moment: Moment<Seen>
  /** The commit that it reads as. */
  readonly n: number
  /** Since it set out, commits were missed. */
  readonly stale: boolean
}

/** A daemon: it sees commits, scans, uploads in any order, writes states, is killed, and loses events. */
export class SimulatedDaemon {
  readonly #random: Random
  readonly #make: MakeRule
  readonly #judge: Judge
  readonly #durable = new Set<SSTable>()
  readonly #uploads = new Map<SSTable, Upload>()
  readonly #speed: number
  /** How many uploads fail for ever. */
  readonly #failing: number
  /** Watch mode without -B: what the first scan finds is not uploaded. */
  readonly #leavesOld: boolean
  #rule: Rule | undefined
  #seen = new Map<SSTable, Seen>()
  readonly #told = new Set<Seen>()
  readonly #returned = new Set<SSTable>()
  #walk: Walk | undefined
  #blind = false
  /** A state that is on its way into the bucket. */
  #flight: Flight | undefined
  newest: Newest | undefined
  /** States written, each as text. */
  readonly states: string[] = []

  constructor(random: Random, make: MakeRule, judge: Judge) {
    this.#random = random
    this.#make = make
    this.#judge = judge
    this.#speed = random.pick([0.1, 0.3, 0.5, 0.9])!
    this.#failing = random.pick([0, 0, 0.05, 0.3])!
    this.#leavesOld = random.chance(0.1)
  }

  get runs(): boolean {
    return this.#rule !== undefined || this.#walk !== undefined
  }

  /** Whether it sees what happens, and a scan is not under way. */
  get watches(): boolean {
    return this.#rule !== undefined && !this.#blind && this.#walk === undefined
  }

  /** Whether it knows a set that is there. */
  knows(set: SSTable): boolean {
    const seen = this.#seen.get(set)
    return seen !== undefined && this.#rule?.live.has(seen) === true
  }

  /** A commit happens; whether it is seen is another matter. */
  see({ adds, removes, kind }: Change, time: number): void {
    if (!this.runs || this.#blind) return
    const commit = {
      adds: adds.map(set => this.#see(set)),
      removes: removes.map(set => this.#see(set)),
      time,
      ...(kind === undefined ? {} : { kind }),
    }
    if (kind === 'unexplained') for (const set of removes) this.#forget(set)
    if (this.#walk !== undefined) this.#walk.during.push(commit)
    else this.#rule?.commit(commit)
    if (this.#walk === undefined) for (const seen of commit.adds) this.#told.add(seen)
  }

  /** Events are lost from now on. */
  overflow(): void {
    this.#blind = this.#rule !== undefined
    if (this.#blind) this.#walk = undefined
  }

  /** Starts a scan, and the daemon if it does not run. */
  scan(time: number, lost: boolean): void {
    this.#blind = false
    this.#walk = { time, found: [], during: [], lost, disk: 0 }
  }

  /** Sets that it has ever been told of, in this run. */
  get known(): Iterable<SSTable> {
    return this.#seen.keys()
  }

  /** Sets that are not to pass for the same when they come back. */
  lose(sets: readonly SSTable[]): void {
    for (const set of sets) this.#forget(set)
  }

  get scanning(): boolean {
    return this.#walk !== undefined
  }

  /** Looks at one more data directory. */
  step(live: readonly SSTable[]): void {
    const walk = this.#walk
    if (walk === undefined) return
    for (const set of live) if (set.disk === walk.disk) walk.found.push(this.#see(set))
    if (++walk.disk < 2) return
    this.#walk = undefined
    this.#scanned({ sets: walk.found, time: walk.time, lost: walk.lost, during: walk.during })
  }

  kill(): void {
    if (this.#flight !== undefined && this.#random.chance(0.5)) this.#store(this.#flight)
    this.#flight = undefined
    this.#rule = this.#walk = undefined
    this.#blind = false
    this.#seen = new Map()
    this.#told.clear()
    for (const set of [...this.#uploads.keys()]) if (!this.#durable.has(set)) this.#uploads.delete(set)
    const said = new Set(this.newest?.unexplained)
    for (const set of this.#judge.unexplained) if (!said.has(set.path)) this.#judge.unexplained.delete(set)
  }

  /** Uploads go on, and a state may be written. @param onDisk sets whose files are there */
  work(onDisk: ReadonlySet<SSTable>, all = false): void {
    for (const [set, upload] of this.#uploads) {
      if (this.#durable.has(set)) continue
      if (upload.stuck) upload.age += all ? Infinity : 1
      else if (!onDisk.has(set) && !upload.pinned) this.#uploads.delete(set)
      else if (all || this.#random.chance(this.#speed)) this.#durable.add(set)
    }
    this.#answer(all)
    if (this.#flight !== undefined || this.#rule === undefined || !(all || this.#random.chance(0.7))) return
    const rule = this.#rule
    const moment = rule.next(seen => this.#standing(rule, seen))
    if (moment === undefined) return
    const n = this.#judge.judge(moment, rule.live, this.#durable)
    this.#flight = { moment, n, stale: false }
    this.#answer(all || this.#random.chance(0.6))
  }

  get busy(): boolean {
    return this.#flight !== undefined
  }

  #answer(now: boolean): void {
    const flight = this.#flight
    if (flight === undefined || !(now || this.#random.chance(0.4))) return
    const { moment, stale } = flight
    this.#flight = undefined
    // The bucket may have been out of reach.
    if (!now && this.#random.chance(0.2)) return
    this.#store(flight)
    const returned = new Set(this.#rule?.accept(moment))
    if (!stale) this.#judge.missed = false
    this.#deny(stale ? undefined : returned)
  }

  #store({ moment: { time, sets, unexplained, gap }, n }: Flight): void {
    this.#judge.stored(time, n)
    const paths = [...sets].map(({ path }) => path).sort()
    this.newest = { time, sets: new Set(paths), unexplained }
    this.states.push(`${time} ${gap} ${paths.join(',')} ${unexplained.join(',')}`)
  }

  #scanned(scan: Scan<Seen>): void {
    const { live } = this.#rule ?? {}
    if (this.#rule === undefined) {
      this.#rule = this.#make(this.newest, scan)
      this.#judge.missed = this.newest !== undefined
    } else {
      const found = new Set(scan.sets)
      const missed = [...(live ?? [])].some(seen => !found.has(seen))
      this.#judge.missed ||= missed
      this.#rule.gap(scan)
      if (missed && this.#flight !== undefined) this.#flight = { ...this.#flight, stale: true }
    }
    if (this.#leavesOld && this.newest === undefined)
      for (const { set } of scan.sets) this.#uploads.set(set, { pinned: false, stuck: true, age: Infinity })
    for (const seen of this.#rule.live) this.#told.add(seen)
    this.#deny(undefined)
  }

  /** Holds the rule to what it says of sets that it does not want; all that an accepted state sets free must be said. */
  #deny(returned: ReadonlySet<Seen> | undefined): void {
    for (const seen of returned ?? []) {
      if (this.#rule?.wants(seen) === true) throw new Broken(`${seen.path} is set free, and yet wanted`)
    }
    for (const seen of this.#told) {
      if (this.#rule?.wants(seen) !== false) continue
      this.#told.delete(seen)
      this.#judge.denied.add(seen)
      if (returned?.has(seen) === false) throw new Broken(`${seen.path} is not wanted, and not set free`)
    }
  }

  #standing(rule: Rule, seen: Seen): Standing {
    if (this.#durable.has(seen.set)) return 'durable'
    return (this.#uploads.get(seen.set)?.age ?? 0) > 3 && rule.live.has(seen) ? 'waived' : 'owed'
  }

  #see(set: SSTable): Seen {
    const known = this.#seen.get(set)
    if (known !== undefined) return known
    const seen = { path: set.path, set, fresh: !this.#returned.has(set) }
    this.#seen.set(set, seen)
    if (!this.#uploads.has(set))
      this.#uploads.set(set, {
        pinned: this.#random.chance(0.7),
        stuck: this.#random.chance(this.#failing),
        age: 0,
      })
    return seen
  }

  /** A set that comes back after it vanished is another object. */
  #forget(set: SSTable): void {
    this.#seen.delete(set)
    this.#returned.add(set)
  }
}
