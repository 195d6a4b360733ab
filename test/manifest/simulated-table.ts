import { merge, type Cell, type Cells } from './cells.js'
import type { Random } from './random.js'

/** An SSTable. */
export class SSTable {
  readonly path: string
  readonly cells: Cells
  /** Of the data directories the one that it is in. */
  readonly disk: number

  constructor(path: string, cells: Cells, disk: number) {
    this.path = path
    this.cells = cells
    this.disk = disk
  }
}

/** What a transaction does at its end. */
export interface Change {
  readonly adds: readonly SSTable[]
  readonly removes: readonly SSTable[]
  readonly kind?: 'end' | 'unexplained'
}

/** How sets are rewritten. */
export type Rewriting = 'compact' | 'cleanup' | 'garbagecollect' | 'anticompact'

const ROWS = ['a', 'b', 'c', 'd']
/** A row of a range that the node owns no longer: cleanup drops it. */
const FOREIGN = 'z'

/** A table as Cassandra keeps it: sets, what is being written, and when tombstones may be purged. */
export class SimulatedTable {
  readonly #random: Random
  /** What Cassandra reads. */
  readonly #open = new Set<SSTable>()
  /** Sets whose files are gone though Cassandra still has them open. */
  readonly #unlinked = new Set<SSTable>()
  /** Transactions that are not committed. */
  #jobs: Change[] = []
  #timestamp = 0
  #value = 0
  #generation = 1
  readonly #grace: number

  constructor(random: Random) {
    this.#random = random
    this.#grace = random.pick([0, 0, 2, 6]) ?? 0
  }

  /** What Cassandra would read if it started now. */
  get live(): SSTable[] {
    return [...this.#open].filter(set => !this.#unlinked.has(set))
  }

  get jobs(): readonly Change[] {
    return this.#jobs
  }

  /** Sets that no compaction has taken. */
  get idle(): SSTable[] {
    const taken = new Set(this.#jobs.flatMap(({ removes }) => removes))
    return [...this.#open].filter(set => !taken.has(set))
  }

  /** New writes and deletes, as one set. */
  written(): SSTable {
    this.#timestamp++
    return this.#set(this.#rows(() => this.#timestamp))
  }

  /** Rows of another node, some of them older than what is here. */
  streamed(): SSTable {
    this.#timestamp++
    const stale = this.#random.chance(0.4)
    return this.#set(this.#rows(() => (stale ? 1 + this.#random.below(this.#timestamp) : this.#timestamp)))
  }

  /** Starts a transaction. */
  begin(change: Change): Change {
    this.#jobs.push(change)
    return change
  }

  /** Starts to rewrite sets; undefined: there is nothing to rewrite. */
  rewrite(how: Rewriting, inputs: readonly SSTable[]): Change | undefined {
    if (inputs.length === 0) return undefined
    const outputs = this.#outputs(how, inputs).filter(cells => cells.size > 0)
    return this.begin({ adds: outputs.map(cells => this.#set(cells)), removes: inputs })
  }

  /** Ends a transaction. */
  commit(change: Change): Change {
    this.#jobs = this.#jobs.filter(job => job !== change)
    for (const set of change.removes) {
      this.#open.delete(set)
      this.#unlinked.delete(set)
    }
    for (const set of change.adds) this.#open.add(set)
    return change
  }

  /** Compactions are given up, flushes are to be ended before; what was finished meanwhile stays. */
  truncate(): Change {
    this.#jobs = []
    const stays = this.#random.chance(0.4) ? this.live.at(-1) : undefined
    return this.commit({ adds: [], removes: [...this.#open].filter(set => set !== stays), kind: 'end' })
  }

  /** Files go away behind Cassandra's back; it has them open as long as it runs. */
  vanish(sets: readonly SSTable[]): Change {
    for (const set of sets) this.#unlinked.add(set)
    return { adds: [], removes: sets, kind: 'unexplained' }
  }

  /** Cassandra is killed and starts again: what was not committed vanishes, flushes are replayed, numbers begin anew. */
  restart(): void {
    const replayed = this.#jobs.filter(({ removes }) => removes.length === 0).flatMap(({ adds }) => adds)
    this.#jobs = []
    for (const set of this.#unlinked) this.#open.delete(set)
    this.#unlinked.clear()
    const numbers = [...this.#open].map(({ path }) => Number(path.slice(path.indexOf('-') + 1)))
    // Now and then more names are used again than Cassandra would.
    this.#generation = this.#random.chance(0.3) ? 1 : Math.max(0, ...numbers) + 1
    if (replayed.length > 0) this.begin({ adds: [this.#set(merge(replayed.map(s => s.cells)))], removes: [] })
  }

  /** Sets whose disk was away are there again when Cassandra starts. */
  returned(sets: readonly SSTable[]): Change {
    const taken = new Set(this.live.map(({ path }) => path))
    return this.commit({ adds: sets.filter(({ path }) => !taken.has(path)), removes: [] })
  }

  #set(cells: Cells): SSTable {
    const disk = this.#random.below(2)
    const taken = [...this.#open, ...this.#jobs.flatMap(({ adds }) => adds)].map(({ path }) => path)
    for (;;) {
      const path = `/d${disk}/nb-${this.#generation++}`
      if (!taken.includes(path)) return new SSTable(path, cells, disk)
    }
  }

  #rows(timestamp: () => number): Map<string, Cell> {
    const keys = this.#random.some(this.#random.chance(0.2) ? [...ROWS, FOREIGN] : ROWS).slice(0, 2)
    return new Map(
      keys.map(key => {
        const value = this.#random.chance(0.4) ? undefined : ++this.#value
        return [key, { timestamp: timestamp(), value }]
      }),
    )
  }

  #outputs(how: Rewriting, inputs: readonly SSTable[]): Cells[] {
    const among = new Set(inputs)
    const others = [...this.#open].filter(set => !among.has(set))
    const memtables = this.#jobs.filter(({ removes }) => removes.length === 0).flatMap(({ adds }) => adds)
    const merged = merge(inputs.map(({ cells }) => cells))
    switch (how) {
      case 'cleanup':
        return [new Map([...merged].filter(([key]) => key !== FOREIGN))]
      case 'garbagecollect': {
        const shadows = merge(others.map(({ cells }) => cells))
        const isShadowed = ([key, cell]: [string, Cell]) =>
          (shadows.get(key)?.timestamp ?? 0) > cell.timestamp && cell.value !== undefined
        return [new Map([...merged].filter(entry => !isShadowed(entry)))]
      }
      case 'anticompact':
        return [0, 1].map(half => new Map([...merged].filter(([key]) => key.charCodeAt(0) % 2 === half)))
      case 'compact': {
        const purged = [...merged].filter(
          ([key, cell]) => !this.#purges(key, cell, [...others, ...memtables]),
        )
        return [new Map(purged)]
      }
    }
  }

  /** A tombstone goes when its grace is over and no other set has anything older of its row. */
  #purges(key: string, { timestamp, value }: Cell, others: readonly SSTable[]): boolean {
    if (value !== undefined || timestamp > this.#timestamp - this.#grace) return false
    return !others.some(({ cells }) => (cells.get(key)?.timestamp ?? Infinity) <= timestamp)
  }
}
