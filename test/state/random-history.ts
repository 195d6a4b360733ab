import { Broken, Judge } from './judge.js'
import { Oracle } from './oracle.js'
import { Random } from './random.js'
import { SimulatedDaemon, type MakeRule } from './simulated-daemon.js'
import { SimulatedTable, type Change, type SSTable } from './simulated-table.js'

/** What may happen, and how often. */
const WEIGHTS = {
  flush: 24,
  slowFlush: 3,
  compact: 10,
  compactNow: 6,
  cleanup: 2,
  garbagecollect: 2,
  anticompact: 2,
  finish: 16,
  purgeAll: 2,
  stream: 4,
  import: 3,
  settle: 4,
  truncate: 2,
  drop: 0.4,
  crash: 2,
  kill: 3,
  overflow: 2,
  scan: 6,
  step: 6,
  vanish: 1,
  wipe: 0.4,
  loseDisk: 0.8,
  returnDisk: 1,
  nothing: 4,
}

type Operation = keyof typeof WEIGHTS

/** Only what a table does while all goes well: the rows of its states depend on the rule alone. */
export const PLAIN: Partial<Record<Operation, number>> = { flush: 5, compactNow: 3 }

/** How a history went: its operations, the states that were written, and what was wrong. */
export interface Outcome {
  readonly operations: readonly string[]
  readonly states: readonly string[]
  readonly broken: string | undefined
}

/** A table, its node and a daemon that watches it, through operations that a seed chooses. */
class RandomHistory {
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
    this.#operate(operation)
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

  #operate(operation: Operation): void {
    const table = this.#table
    switch (operation) {
      case 'flush':
        return this.#commit(table.begin({ adds: [table.written()], removes: [] }))
      case 'slowFlush':
        return void table.begin({ adds: [table.written()], removes: [] })
      case 'compact':
        return void table.rewrite('compact', this.#random.some(table.idle, 2))
      case 'compactNow':
        return this.#finish(table.rewrite('compact', this.#random.some(table.idle, 2)))
      case 'cleanup':
      case 'garbagecollect':
      case 'anticompact':
        return void table.rewrite(operation, this.#random.some(table.idle, 1).slice(0, 1))
      case 'finish':
        return this.#finish(this.#random.pick(table.jobs))
      case 'purgeAll':
        return this.#finish(table.rewrite('compact', table.idle))
      case 'stream':
        return this.#commit({ adds: [table.streamed(), table.streamed()], removes: [] })
      case 'import': {
        const set = table.streamed()
        this.#unsettled.add(set)
        return void table.commit({ adds: [set], removes: [] })
      }
      case 'settle':
        return this.#settle()
      case 'truncate':
      case 'drop':
        return this.#truncate()
      case 'crash':
        return table.restart()
      case 'kill':
        return this.daemon.kill()
      case 'overflow':
        return this.daemon.overflow()
      case 'scan':
        return this.#startScan()
      case 'step':
        return this.daemon.step(this.#live)
      case 'vanish':
        return this.#vanish(this.#random.some(this.#live).slice(0, 2))
      case 'wipe':
        this.#vanish(this.#live)
        return table.restart()
      case 'loseDisk':
        return this.#loseDisk()
      case 'returnDisk':
        return this.#returnDisk()
      case 'nothing':
        return
    }
  }

  #finish(change: Change | undefined): void {
    if (change !== undefined) this.#commit(change)
  }

  #commit(change: Change): void {
    // Cassandra read an import before we knew it to be complete.
    const early = change.removes.filter(set => this.#unsettled.delete(set))
    if (early.length > 0) this.#oracle.note({ adds: early, removes: [] }, this.#live, this.#now)
    this.#done(this.#table.commit(change))
    for (const set of change.removes) this.#judge.unexplained.delete(set)
  }

  /** A change that the table has seen is told to all others. */
  #done(change: Change): void {
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

  #rescan(): void {
    if (this.daemon.watches) return
    if (!this.daemon.scanning) this.daemon.scan(this.#now, false)
    while (this.daemon.scanning) this.daemon.step(this.#live)
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
      if (known === true && !blamed.has(set.path)) this.#judge.unexplained.add(set)
    }
    this.#oracle.note(this.#table.vanish(lost), this.#live, this.#now)
    this.#table.restart()
    this.#away.push(...lost)
    this.daemon.lose(lost)
    this.daemon.scan(this.#now, true)
    while (this.daemon.scanning) this.daemon.step(this.#live)
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

/** How histories differ from what the seed says. */
export interface Shape {
  readonly length?: number
  /** Of the operations; all of them unless given. */
  readonly weights?: Partial<Record<Operation, number>>
  /** States may be of any moment, in order, whatever time they claim. */
  readonly anyMoment?: boolean
}

/** Runs one history. */
export function runHistory(
  seed: number,
  make: MakeRule,
  { length, weights = WEIGHTS, anyMoment = false }: Shape = {},
): Outcome {
  const random = new Random(seed ^ 0x5bd1e995)
  const history = new RandomHistory(seed, make, anyMoment)
  const operations: string[] = []
  const count = length ?? 8 + random.below(23)
  try {
    history.begin()
    while (operations.length < count) {
      const operation = random.weighted({ ...weights } as Record<Operation, number>)
      operations.push(operation)
      history.do(operation)
    }
    history.rest()
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    return { operations, states: history.daemon.states, broken: error.message }
  }
  return { operations, states: history.daemon.states, broken: undefined }
}
