/** A set that a lineage is about; its identity is the object's, as Cassandra uses names again. */
export interface Lined {
  /** Path without the component. */
  readonly path: string
}

/** A change of a unit that Cassandra made at once. */
export interface Commit<S extends Lined> {
  readonly adds: readonly S[]
  readonly removes: readonly S[]
  /** When it was seen, ms. */
  readonly time: number
  /** `end`: a truncate or drop, which no state reaches across; `unexplained`: sets vanished, nobody knows why. */
  readonly kind?: 'end' | 'unexplained'
}

/** What can be said of a set: it is in the bucket; it is named as unprotected; or it is still to come. */
export type Standing = 'durable' | 'waived' | 'owed'

/** Sets that make up what Cassandra would have read, with the rewrites between two commits postponed. */
export interface Cut<S extends Lined> {
  readonly sets: ReadonlySet<S>
  /** When its last commit was seen, ms. */
  readonly time: number
  /** Paths of sets that vanished before it, nobody knows why. */
  readonly unexplained: ReadonlySet<string>
  /** Commits, of those not folded yet, whose rewrites and whose additions it has. */
  readonly rewrites: number
  readonly additions: number
}

/** How far a choice goes among the commits that are pending. */
interface Choice {
  readonly m: number
  readonly n: number
}

/**
 * The commits of a unit in the order in which they were seen. S(m) is what Cassandra would read if it started after
 * commit m. A cut is S(m) plus the outputs of the pure additions in (m, n], for the largest n, then the largest m ≤ n,
 * for which every named set is durable; no truncate or drop lies in (m, n]. Pure: it knows no files and no bucket.
 */
export class Lineage<S extends Lined> {
  /** S(m) of the newest cut that was accepted, at first S(0). */
  readonly #base: Set<S>
  /** Sets of the base that were not durable when last looked at. */
  readonly #owed: Set<S>
  /** Commits after m. */
  readonly #pending: Commit<S>[] = []
  readonly #unexplained: Set<string>
  readonly #live: Set<S>
  /** How many of the pending ones the newest accepted cut has; undefined before the first. */
  #additions: number | undefined
  #time: number

  /** @param scan the complete sets of a scan: S(0) @param time when it began, ms @param unexplained paths, from the state before */
  constructor(scan: Iterable<S>, time: number, unexplained: Iterable<string> = []) {
    this.#base = new Set(scan)
    this.#owed = new Set(this.#base)
    this.#live = new Set(this.#base)
    this.#unexplained = new Set(unexplained)
    this.#time = time
  }

  /** What Cassandra would read now. */
  get live(): ReadonlySet<S> {
    return this.#live
  }

  /** Takes a commit; what it adds that is there, and removes that is not, is passed over. Returns whether it changed anything. */
  commit(commit: Commit<S>): boolean {
    const { removes: obsolete } = commit
    const adds = commit.adds.filter(set => !this.#live.has(set) && !obsolete.includes(set))
    const removes = obsolete.filter(set => this.#live.has(set))
    if (adds.length === 0 && removes.length === 0 && commit.kind !== 'end') return false
    this.#pending.push({ ...commit, adds, removes })
    for (const set of removes) this.#live.delete(set)
    for (const set of adds) this.#live.add(set)
    return true
  }

  /** Whether a cut may yet name the set. */
  wants(set: S): boolean {
    return this.#base.has(set) || this.#pending.some(({ adds }) => adds.includes(set))
  }

  /** The best cut, if it is better than the one accepted last. @param standing `durable` stays so */
  better(standing: (set: S) => Standing): Cut<S> | undefined {
    const { m, n } = this.#choose(standing) ?? { m: 0, n: -1 }
    const before = this.#additions ?? -1
    // A set that was waived may be owed again: moments never go backwards.
    if (n < before || (n === before && m === 0)) return undefined
    return this.#cut({ m, n })
  }

  /** The cut accepted last, as it stands now; undefined before the first. */
  get accepted(): Cut<S> | undefined {
    return this.#additions === undefined ? undefined : this.#cut({ m: 0, n: this.#additions })
  }

  /** A cut was written. Returns the sets that no later one can name. */
  accept(cut: Cut<S>): S[] {
    const gone = new Set<S>()
    this.#time = cut.time
    const unexplained = this.#unexplainedAfter(cut.rewrites)
    this.#unexplained.clear()
    for (const path of unexplained) this.#unexplained.add(path)
    for (const { adds, removes } of this.#pending.splice(0, cut.rewrites)) {
      for (const set of removes) {
        this.#base.delete(set)
        this.#owed.delete(set)
        gone.add(set)
      }
      for (const set of adds) {
        this.#base.add(set)
        this.#owed.add(set)
      }
    }
    this.#additions = cut.additions - cut.rewrites
    return [...gone].filter(set => !this.wants(set))
  }

  /** The largest n, then the largest m ≤ n, for which all that is named has a standing. */
  #choose(standing: (set: S) => Standing): Choice | undefined {
    const reach = this.#reach(standing)
    let best: Choice | undefined
    for (const [m, missing] of this.#missing(standing).entries()) {
      const n = reach[m] ?? m
      if (missing === 0 && (best === undefined || n >= best.n)) best = { m, n }
    }
    return best
  }

  /** For every m: how many sets of S(m) are still owed. */
  #missing(standing: (set: S) => Standing): number[] {
    for (const set of this.#owed) if (standing(set) === 'durable') this.#owed.delete(set)
    const owes = (set: S) => (standing(set) === 'owed' ? 1 : 0)
    let missing = 0
    for (const set of this.#owed) missing += owes(set)
    const counts = [missing]
    for (const { adds, removes } of this.#pending) {
      for (const set of removes) missing -= owes(set)
      for (const set of adds) missing += owes(set)
      counts.push(missing)
    }
    return counts
  }

  /** For every m: the largest n to which the additions after m can be named, past rewrites, up to a truncate or drop. */
  #reach(standing: (set: S) => Standing): number[] {
    const { length } = this.#pending
    const reach = new Array<number>(length + 1).fill(length)
    for (let m = length - 1; m >= 0; m--) {
      const next = this.#pending[m]
      const passes =
        next !== undefined &&
        next.kind !== 'end' &&
        (!isAddition(next) || next.adds.every(set => standing(set) !== 'owed'))
      reach[m] = passes ? (reach[m + 1] ?? length) : m
    }
    return reach
  }

  #cut({ m, n }: Choice): Cut<S> {
    const sets = new Set(this.#base)
    for (const { adds, removes } of this.#pending.slice(0, m)) {
      for (const set of removes) sets.delete(set)
      for (const set of adds) sets.add(set)
    }
    const unexplained = this.#unexplainedAfter(m)
    for (const commit of this.#pending.slice(m, n)) {
      if (!isAddition(commit)) continue
      for (const set of commit.adds) {
        sets.add(set)
        unexplained.delete(set.path)
      }
    }
    return {
      sets,
      time: this.#pending[n - 1]?.time ?? this.#time,
      unexplained,
      rewrites: m,
      additions: n,
    }
  }

  #unexplainedAfter(m: number): Set<string> {
    const unexplained = new Set(this.#unexplained)
    for (const { adds, removes, kind } of this.#pending.slice(0, m)) {
      if (kind === 'end') unexplained.clear()
      if (kind === 'unexplained') for (const { path } of removes) unexplained.add(path)
      for (const { path } of adds) unexplained.delete(path)
    }
    return unexplained
  }
}

/** Whether a commit removes nothing: a flush, a stream, an import. */
function isAddition({ removes, kind }: Pick<Commit<Lined>, 'removes' | 'kind'>): boolean {
  return removes.length === 0 && kind === undefined
}
