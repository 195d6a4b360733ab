import {
  isAddition,
  noteReturns,
  noteUnexplained,
  type Commit,
  type Lined,
  type Pending,
  type Standing,
} from './commit.js'
import { SparseMap, SparseSet } from './sparse.js'

export type { Commit, Lined, Standing } from './commit.js'

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
 * for which every named set is durable. In (m, n] lies no truncate or drop, no rewrite of sets that nothing was known of
 * (its outputs have what no addition brought), and no addition under a path that was freed there (a state has one set
 * for a path). Pure: it knows no files and no bucket.
 */
export class Lineage<S extends Lined> {
  /** S(m) of the newest cut that was accepted, at first S(0). */
  readonly #base: SparseSet<S>
  /** Sets of the base that were not durable when last looked at. */
  readonly #owed: SparseSet<S>
  /** Commits after m. */
  readonly #pending: Pending<S>[] = []
  /** How often the pending ones add a set. */
  readonly #added = new SparseMap<S, number>()
  /** The pending commit that freed a path last. */
  readonly #freed = new SparseMap<string, Pending<S>>()
  /** The number of the first addition, of all commits ever, that uses a path again which a pending commit frees. */
  readonly #reusedBy = new SparseMap<Pending<S>, number>()
  /** Commits that are folded into the base. */
  #folded = 0
  /** Unexplained in the base, and after all commits. */
  readonly #unexplained: SparseSet<string>
  readonly #vanished: SparseSet<string>
  readonly #live: SparseSet<S>
  /** How many commits, folded ones included, the widest cut has that {@link better} gave out: it may have become known. */
  #given = 0
  /** How many of the pending ones the newest accepted cut has; undefined before the first. */
  #additions: number | undefined
  #time: number

  /** @param scan the complete sets of a scan: S(0) @param time when it began, ms @param unexplained paths, from before */
  constructor(scan: Iterable<S>, time: number, unexplained: Iterable<string> = []) {
    this.#base = new SparseSet(scan)
    this.#owed = new SparseSet(this.#base)
    this.#live = new SparseSet(this.#base)
    this.#unexplained = new SparseSet(unexplained)
    noteReturns(this.#unexplained, this.#base)
    this.#vanished = new SparseSet(this.#unexplained)
    this.#time = time
  }

  /** The SSTables that Cassandra would read now. */
  get live(): ReadonlySet<S> {
    return this.#live
  }

  /** Paths of sets that have vanished until now, nobody knows why. */
  get vanished(): ReadonlySet<string> {
    return this.#vanished
  }

  /** Takes a commit; what it adds that is there, and removes that is not, is passed over. Returns whether it changed anything. */
  commit(commit: Commit<S>): boolean {
    const obsolete = new Set(commit.removes)
    const adds = commit.adds.filter(set => !this.#live.has(set) && !obsolete.has(set))
    const removes = commit.removes.filter(set => this.#live.has(set))
    const absent = commit.kind === undefined ? commit.removes.filter(set => !this.#live.has(set)) : []
    const explained = absent
      .filter(({ path, fresh }) => fresh !== true && this.#vanished.has(path))
      .map(({ path }) => path)
    if (adds.length + removes.length + explained.length === 0 && commit.kind !== 'end') return false
    const passable = commit.kind !== 'end' && commit.isMerged !== true && absent.length === explained.length
    const pending: Pending<S> = { ...commit, adds, removes, explained, passable }
    this.#append(pending)
    for (const set of removes) this.#live.delete(set)
    for (const set of adds) this.#live.add(set)
    noteUnexplained(this.#vanished, pending)
    return true
  }

  /** An SSTable had vanished before the first commit, and the reason is known now. */
  explain(path: string): void {
    this.#unexplained.delete(path)
    this.#vanished.delete(path)
  }

  /** Makes all commits until now part of the base: they happened while the scan ran, which saw something of each. */
  fold(): void {
    const all = this.#pending.length
    this.accept(this.#cut({ m: all, n: all }))
    this.#additions = undefined
  }

  /** Whether a cut may yet name the set. */
  wants(set: S): boolean {
    return this.#base.has(set) || this.#added.has(set)
  }

  /** The sets that a cut may yet name. */
  *wanted(): Generator<S> {
    yield* this.#base
    yield* this.#added.keys()
  }

  /** The best cut, if it says more than the one accepted last. @param standing `durable` stays so */
  better(standing: (set: S) => Standing): Cut<S> | undefined {
    const choice = this.#choose(standing)
    // A set that was waived may be owed again: moments never go backwards, nor behind one whose writing seemed to fail.
    if (choice === undefined || this.#folded + choice.n < this.#given) return undefined
    const accepted = this.#additions
    const isMore = accepted === undefined || choice.m > 0
    if (!isMore && !this.#pending.slice(accepted, choice.n).some(isAddition)) return undefined
    this.#given = this.#folded + choice.n
    return this.#cut(choice)
  }

  /** The cut accepted last, as it stands now; undefined before the first, and while a wider one was given out. */
  get accepted(): Cut<S> | undefined {
    const n = this.#additions
    return n === undefined || this.#folded + n < this.#given ? undefined : this.#cut({ m: 0, n })
  }

  /** A cut was written. Returns the sets that no later one can name. */
  accept(cut: Cut<S>): S[] {
    const gone = new Set<S>()
    this.#time = cut.time
    const folded = this.#pending.splice(0, cut.rewrites)
    for (const commit of folded) {
      for (const set of commit.removes) {
        this.#base.delete(set)
        this.#owed.delete(set)
        gone.add(set)
        if (this.#freed.get(set.path) === commit) this.#freed.delete(set.path)
      }
      for (const set of commit.adds) {
        this.#base.add(set)
        this.#owed.add(set)
        const count = this.#added.get(set) ?? 1
        if (count === 1) this.#added.delete(set)
        else this.#added.set(set, count - 1)
      }
      noteUnexplained(this.#unexplained, commit)
      this.#reusedBy.delete(commit)
    }
    noteReturns(this.#unexplained, this.#base)
    noteReturns(this.#vanished, this.#live)
    this.#folded += folded.length
    this.#additions = cut.additions - cut.rewrites
    return [...gone].filter(set => !this.wants(set))
  }

  #append(commit: Pending<S>): void {
    const number = this.#folded + this.#pending.length
    this.#pending.push(commit)
    for (const set of commit.adds) {
      this.#added.set(set, (this.#added.get(set) ?? 0) + 1)
      const freed = this.#freed.get(set.path)
      if (freed !== undefined && isAddition(commit) && !this.#reusedBy.has(freed))
        this.#reusedBy.set(freed, number)
    }
    for (const { path } of commit.removes) this.#freed.set(path, commit)
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

  /** For every m: the largest n to which the additions after m can be named, past rewrites. */
  #reach(standing: (set: S) => Standing): number[] {
    const { length } = this.#pending
    const reach = new Array<number>(length + 1).fill(length)
    for (let m = length - 1; m >= 0; m--) {
      const next = this.#pending[m]
      const passes =
        next !== undefined &&
        next.passable &&
        (!isAddition(next) || next.adds.every(set => standing(set) !== 'owed'))
      const reusedBy = next === undefined ? undefined : this.#reusedBy.get(next)
      const reused = (reusedBy ?? Infinity) - this.#folded
      reach[m] = passes ? Math.min(reach[m + 1] ?? length, reused) : m
    }
    return reach
  }

  #cut({ m, n }: Choice): Cut<S> {
    const sets = new Set(this.#base)
    const unexplained = new Set(this.#unexplained)
    for (const commit of this.#pending.slice(0, m)) {
      for (const set of commit.removes) sets.delete(set)
      for (const set of commit.adds) sets.add(set)
      noteUnexplained(unexplained, commit)
    }
    for (const commit of this.#pending.slice(m, n)) {
      if (!isAddition(commit)) continue
      for (const set of commit.adds) sets.add(set)
    }
    noteReturns(unexplained, sets)
    return {
      sets,
      time: this.#pending[n - 1]?.time ?? this.#time,
      unexplained,
      rewrites: m,
      additions: n,
    }
  }
}
