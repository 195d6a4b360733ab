import type { Moment, Newest } from '../../src/manifest/history.js'
import type { Lined } from '../../src/manifest/lineage.js'

import type { Oracle } from './oracle.js'
import type { SSTable } from './simulated-table.js'

/** A set as one run of the daemon knows it. */
export interface Seen extends Lined {
  readonly set: SSTable
  readonly fresh: boolean
}

/** A State rule that is broken, and what shows it. */
export class Broken extends Error {}

/** Finds whatever is wrong with the states that a daemon writes. */
export class Judge {
  readonly #oracle: Oracle
  /** Whether commit times may run backwards, so that a state's time does not tell its commit. */
  readonly #wildClock: boolean
  #time = -Infinity
  #n = 0
  /** Sets that vanished under the daemon's eyes, and that nothing has explained since. */
  readonly unexplained = new Set<SSTable>()
  /** Every path from which a set ever vanished. */
  readonly suspects = new Set<string>()
  /** Sets of which the rule said that no state will name them. */
  readonly denied = new Set<Seen>()
  /** Commits are known to be missed since the newest state. */
  missed = false

  constructor(oracle: Oracle, wildClock: boolean) {
    this.#oracle = oracle
    this.#wildClock = wildClock
  }

  /** A state is about to be written. Returns the commit that it reads as. */
  judge(moment: Moment<Seen>, live: ReadonlySet<Seen>, durable: ReadonlySet<SSTable>): number {
    const { sets, time, gap, unexplained, unprotected } = moment
    if (!(time > this.#time)) throw new Broken(`time went from ${this.#time} to ${time}`)
    for (const seen of sets) {
      if (!durable.has(seen.set) && !unprotected.includes(seen))
        throw new Broken(`${seen.path} is not durable`)
      if (this.denied.has(seen)) throw new Broken(`${seen.path} was said not to be wanted`)
    }
    const idle = unprotected.find(seen => !live.has(seen))
    if (idle) throw new Broken(`${idle.path} is named as unprotected though a later commit removed it`)
    if (new Set([...sets].map(({ path }) => path)).size < sets.size)
      throw new Broken('one path names two sets')
    if (this.missed && !gap) throw new Broken('it does not say that something may be missed')
    const false_ = unexplained.find(path => !this.suspects.has(path))
    if (false_ !== undefined) throw new Broken(`${false_} did not vanish`)
    return this.#read(moment)
  }

  /** Two sets vanished from one path: nobody can tell which of them comes back. */
  excuse(path: string): void {
    for (const set of this.unexplained) if (set.path === path) this.unexplained.delete(set)
  }

  /** It is in the bucket. */
  stored(time: number, n: number): void {
    this.#time = time
    this.#n = n
  }

  /** All is quiet, and everything live is durable or waived. */
  judgeEnd(newest: Newest | undefined, live: readonly SSTable[]): void {
    const expected = live.map(({ path }) => path).sort()
    const found = [...(newest?.sets ?? ['nothing'])].sort()
    if (expected.join(' ') !== found.join(' '))
      throw new Broken(`in the end the state names ${found.join(' ')}, live are ${expected.join(' ')}`)
  }

  /** Whether a restorable state has the rows of its moment. */
  #read({ sets, time, unexplained, unprotected }: Moment<Seen>): number {
    const named = new Set([...sets].map(({ set }) => set))
    const restorable = unprotected.length === 0 && unexplained.length === 0
    if (this.#wildClock) {
      if (!restorable) return this.#n
      const { commits } = this.#oracle
      for (let n = this.#n; n <= commits; n++) if (this.#oracle.reads(named, n)) return n
      throw new Broken('it has not the rows of any moment')
    }
    const n = this.#oracle.at(time)
    for (const set of this.unexplained) {
      if (unexplained.includes(set.path) || this.#oracle.accounts(set, n, named)) continue
      throw new Broken(`${set.path} vanished, and it does not say so`)
    }
    if (n < this.#n) throw new Broken('a moment went backwards')
    if (restorable && !this.#oracle.reads(named, n)) throw new Broken('it has not the rows of its moment')
    return n
  }
}
