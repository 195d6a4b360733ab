import { Judge } from './judge.js'
import { Oracle } from './oracle.js'
import { Random } from './random.js'
import { SimulatedDaemon, type MakeRule } from './simulated-daemon.js'
import { SimulatedTable, type Change, type SSTable } from './simulated-table.js'

/** What may happen. */
export type Operation =
  | 'flush'
  | 'slowFlush'
  | 'compact'
  | 'compactNow'
  | 'cleanup'
  | 'garbagecollect'
  | 'anticompact'
  | 'finish'
  | 'purgeAll'
  | 'stream'
  | 'import'
  | 'settle'
  | 'truncate'
  | 'drop'
  | 'crash'
  | 'kill'
  | 'overflow'
  | 'scan'
  | 'step'
  | 'vanish'
  | 'wipe'
  | 'loseDisk'
  | 'returnDisk'
  | 'nothing'

/** A table, its node and a daemon that watches it, through operations that a seed chooses. */
export class RandomHistory {
  readonly #random: Random
  readonly #table: SimulatedTable
  readonly #oracle = new Oracle()
  readonly #judge: Judge
  readonly daemon: SimulatedDaemon
  readonly #wildClock: boolean
  /** Imported sets that are not yet known to be complete. */
  readonly #unsettled = new Set<SSTable>()
  #away: SSTable[] = []
  #now = 0

  constructor(seed: number, make: MakeRule, wildClock: boolean) {
    this.#random = new Random(seed)
    this.#wildClock = this.#random.chance(0.1) || wildClock
    this.#table = new SimulatedTable(this.#random)
    this.#judge = new Judge(this.#oracle, this.#wildClock)
    this.daemon = new SimulatedDaemon(this.#random, make, this.#judge)
  }

  /** The daemon is there before the table, or is started later. */
  begin(): void {
    if (this.#random.chance(0.6)) this.#rescan()
  }

  do(operation: Operation): void {
    this.#now += 1000
    this.#operations()[operation]()
    this.daemon.work(this.#onDisk)
  }

  /** Everything comes to rest. */
  rest(): void {
    this.#now += 1000
    for (const job of this.#table.jobs) this.#commit(job)
    this.#settle()
    this.#rescan()
    for (let round = 0; round < 8; round++) this.daemon.work(this.#onDisk, true)
    this.#judge.judgeEnd(this.daemon.newest, this.#live)
  }

  /** What is complete, on disk, and was in the table before now. */
  get #live(): SSTable[] {
    return this.#table.live.filter(set => !this.#unsettled.has(set))
  }

  get #onDisk(): Set<SSTable> {
    return new Set(this.#table.live)
  }

  #operations(): Readonly<Record<Operation, () => unknown>> {
    const table = this.#table
    const random = this.#random
    return {
      flush: () => this.#commit(table.begin({ adds: [table.written()], removes: [] })),
      slowFlush: () => table.begin({ adds: [table.written()], removes: [] }),
      compact: () => table.rewrite('compact', random.some(table.idle, 2)),
      compactNow: () => this.#finish(table.rewrite('compact', random.some(table.idle, 2))),
      cleanup: () => table.rewrite('cleanup', random.some(table.idle).slice(0, 1)),
      garbagecollect: () => table.rewrite('garbagecollect', random.some(table.idle).slice(0, 1)),
      anticompact: () => table.rewrite('anticompact', random.some(table.idle).slice(0, 1)),
      finish: () => this.#finish(random.pick(table.jobs)),
      purgeAll: () => this.#finish(table.rewrite('compact', table.idle)),
      stream: () => this.#commit({ adds: [table.streamed(), table.streamed()], removes: [] }),
      import: () => this.#import(table.streamed()),
      settle: () => this.#settle(),
      truncate: () => this.#truncate(),
      drop: () => this.#truncate(),
      crash: () => table.restart(),
      kill: () => this.daemon.kill(),
      overflow: () => this.daemon.overflow(),
      scan: () => this.#startScan(),
      step: () => this.daemon.step(this.#live),
      vanish: () => this.#vanish(random.some(this.#live).slice(0, 2)),
      wipe: () => {
        this.#vanish(this.#live)
        table.restart()
      },
      loseDisk: () => this.#loseDisk(),
      returnDisk: () => this.#returnDisk(),
      nothing: () => undefined,
    }
  }

  #import(set: SSTable): void {
    this.#unsettled.add(set)
    this.#table.commit({ adds: [set], removes: [] })
  }

  #finish(change: Change | undefined): void {
    if (change !== undefined) this.#commit(change)
  }

  #commit(change: Change): void {
    // Cassandra read an import before we knew it to be complete.
    const early = change.removes.filter(set => this.#unsettled.delete(set))
    if (early.length > 0) {
      this.#now += 10
      this.#oracle.note({ adds: early, removes: [] }, this.#live, this.#now)
    }
    this.#done(this.#table.commit(change))
    for (const set of change.removes) this.#judge.unexplained.delete(set)
  }

  /** A change that the table has seen is told to all others. */
  #done(change: Change): void {
    this.#now += 10
    this.#oracle.note(change, this.#live, this.#now)
    const skew = this.#wildClock ? this.#random.below(20_000) - 10_000 : 0
    this.daemon.see(change, this.#now + skew)
  }

  #settle(): void {
    const adds = [...this.#unsettled]
    this.#unsettled.clear()
    if (adds.length > 0) this.#done({ adds, removes: [] })
  }

  #truncate(): void {
    for (const { adds, removes } of this.#table.jobs)
      if (removes.length === 0) this.#commit({ adds, removes })
    const change = this.#table.truncate()
    for (const set of change.removes) this.#unsettled.delete(set)
    this.#done(change)
    this.#judge.unexplained.clear()
    this.#away = []
  }

  #startScan(): void {
    if (this.daemon.watches) return
    this.daemon.scan(this.#now, false)
    if (this.#random.chance(0.5)) this.#rescan()
  }

  #walkOn(): void {
    while (this.daemon.scanning) this.daemon.step(this.#live)
  }

  #rescan(): void {
    if (this.daemon.watches) return
    if (!this.daemon.scanning) this.daemon.scan(this.#now, false)
    this.#walkOn()
  }

  #vanish(chosen: readonly SSTable[]): void {
    if (this.daemon.scanning) return
    // Nobody can tell two sets apart that vanish from one path.
    const sets = chosen.filter(({ path }) => !this.#judge.suspects.has(path))
    if (sets.length === 0) return
    for (const set of sets) {
      this.#judge.suspects.add(set.path)
      if (this.daemon.watches && this.daemon.knows(set)) this.#judge.unexplained.add(set)
    }
    this.#done(this.#table.vanish(sets))
  }

  /** A disk does not come up again: Cassandra and the daemon, or its scan, find the other one alone. */
  #loseDisk(): void {
    if (this.daemon.scanning || this.#unsettled.size > 0 || this.#away.length > 0) return
    if (this.#random.chance(0.5)) this.daemon.kill()
    else this.daemon.overflow()
    const lost = this.#live.filter(({ disk }) => disk === 1)
    const blamed = new Set(this.#judge.suspects)
    for (const path of this.daemon.newest?.sets ?? []) this.#judge.suspects.add(path)
    for (const set of this.daemon.known) this.#judge.suspects.add(set.path)
    for (const set of lost) {
      this.#judge.suspects.add(set.path)
      const known = this.daemon.runs ? this.daemon.knows(set) : this.daemon.newest?.sets.has(set.path)
      if (blamed.has(set.path)) this.#judge.excuse(set.path)
      else if (known === true) this.#judge.unexplained.add(set)
    }
    this.#oracle.note(this.#table.vanish(lost), this.#live, this.#now)
    this.#table.restart()
    this.#away.push(...lost)
    this.daemon.lose(lost)
    this.daemon.scan(this.#now, true)
    this.#walkOn()
  }

  #returnDisk(): void {
    if (this.#away.length === 0) return
    const change = this.#table.returned(this.#away)
    this.#away = []
    for (const set of change.adds) this.#judge.unexplained.delete(set)
    if (change.adds.length > 0) this.#done(change)
    this.#table.restart()
  }
}
