import { merge, read, type Cells } from './cells.js'
import type { Change, SSTable } from './simulated-table.js'

interface Moment {
  readonly time: number
  readonly live: readonly SSTable[]
  /** What a commit added that removed nothing. */
  readonly added: readonly SSTable[]
  readonly end: boolean
}

/** What a table really was after each of its commits, which no lineage is asked for. */
export class Oracle {
  readonly #moments: Moment[] = [{ time: 0, live: [], added: [], end: false }]
  /** By set: the commit that it came with. */
  readonly #born = new Map<SSTable, number>()
  /** By set: what it was made of. */
  readonly #inputs = new Map<SSTable, readonly SSTable[]>()

  /** A commit that is done. @param live what Cassandra would read if it started now */
  note({ adds, removes, kind }: Change, live: readonly SSTable[], time: number): void {
    const isAddition = removes.length === 0 && kind === undefined
    for (const set of adds) {
      this.#born.set(set, this.#moments.length)
      this.#inputs.set(set, removes)
    }
    this.#moments.push({ time, live, added: isAddition ? adds : [], end: kind === 'end' })
  }

  get commits(): number {
    return this.#moments.length - 1
  }

  /** The last commit not after a time. */
  at(time: number): number {
    return this.#moments.findLastIndex(moment => moment.time <= time)
  }

  /** Whether a state of commit n has what a set held: the set, or all that it was made of, or it is too young. */
  accounts(set: SSTable, n: number, named: ReadonlySet<SSTable>): boolean {
    if (named.has(set) || (this.#born.get(set) ?? Infinity) > n) return true
    const inputs = this.#inputs.get(set) ?? []
    return inputs.length > 0 && inputs.every(input => this.accounts(input, n, named))
  }

  /**
   * Whether sets read, row by row, as the node did after commit n, with its rewrites after some m postponed: as what it
   * had after m and what was added in (m, n], with no truncate or drop between the two.
   */
  reads(sets: Iterable<SSTable>, n: number): boolean {
    const text = read(cellsOf(sets))
    let added: Cells = new Map()
    for (let m = n; m >= 0; m--) {
      const moment = this.#moments[m]!
      if (read([...cellsOf(moment.live), added]) === text) return true
      if (moment.end) return false
      added = merge([added, ...cellsOf(moment.added)])
    }
    return false
  }
}

function cellsOf(sets: Iterable<SSTable>): Cells[] {
  return [...sets].map(({ cells }) => cells)
}
