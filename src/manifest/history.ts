import { Lineage, type Commit, type Cut, type Lined, type Standing } from './lineage.js'
import { SparseSet } from './sparse.js'

/** The knowledge about a table before its first scan: its newest manifest in the bucket. */
export interface Newest {
  /** ms since 1970. */
  readonly time: number
  /** Paths of its sets. */
  readonly sets: ReadonlySet<string>
  readonly unexplained: readonly string[]
}

/** A state that is to be written. */
export interface Moment<S extends Lined> {
  readonly sets: ReadonlySet<S>
  /** ms; later than every state before. */
  readonly time: number
  readonly gap: boolean
  /** Paths of sets that vanished, nobody knows why. */
  readonly unexplained: readonly string[]
  /** Sets of the moment that are not in the bucket. */
  readonly unprotected: readonly S[]
  readonly cut: Cut<S>
}

/** The result of a scan. */
export interface Scan<S extends Lined> {
  /** The complete sets. */
  readonly sets: Iterable<S>
  /** When it began, ms. */
  readonly time: number
  /** Whether a data directory of the newest state is missing, or another one lies under its path. */
  readonly lost: boolean
  /** The commits seen since it began: what it found was never there at one moment, but with these it is. */
  readonly during?: readonly Commit<S>[]
}

/**
 * The states of a unit, one after the other, through scans, commits and gaps. Until a cut of a new scan can be written
 * the last state stays the newest. Pure, as {@link Lineage}.
 */
export class History<S extends Lined> {
  #lineage: Lineage<S>
  /** When the newest state was, ms; undefined: there is none. */
  #time: number | undefined
  /** Since the newest state something may have been missed. */
  #gap: boolean
  /** Sets that the newest state names as unprotected. */
  #waived: readonly S[] = []
  /** Paths of sets that were unexplained before this run, and of which it has seen nothing itself. */
  readonly #inherited: SparseSet<string>
  /** The cut of the moment that was given out; a gap may come between it and its being in the bucket. */
  #given: Cut<S> | undefined

  /**
   * The first scan. @param newest the unit's newest state in the bucket; undefined: it has none
   */
  constructor(newest: Newest | undefined, scan: Scan<S>) {
    this.#time = newest?.time
    this.#gap = newest !== undefined
    const vanished = [...(newest?.unexplained ?? []), ...(scan.lost ? (newest?.sets ?? []) : [])]
    this.#inherited = new SparseSet(vanished)
    this.#lineage = scanned(scan, vanished)
  }

  /** The SSTables that Cassandra would read now. */
  get live(): ReadonlySet<S> {
    return this.#lineage.live
  }

  /** Paths of sets that have vanished until now, nobody knows why. */
  get vanished(): ReadonlySet<string> {
    return this.#lineage.vanished
  }

  /**
   * Commits were missed: what a new scan found takes the place of all that was known. While everything that was
   * there still is, what was missed can only have added.
   */
  gap(scan: Scan<S>): void {
    const { live, vanished } = this.#lineage
    const sets = new Set(scan.sets)
    if (!scan.lost && !scan.during?.length && [...live].every(set => sets.has(set))) {
      this.#lineage.commit({ adds: [...sets], removes: [], time: scan.time })
      return
    }
    this.#gap = true
    this.#waived = []
    this.#given = undefined
    const lost = scan.lost ? [...live].map(({ path }) => path) : []
    this.#lineage = scanned({ ...scan, sets }, [...vanished, ...lost])
  }

  /**
   * Another run wrote a newer state: whatever was unexplained before both, and neither vanished nor there for that run, has a
   * reason, as when it has seen the truncate.
   */
  adopt(newer: {
    readonly sets: ReadonlyMap<string, unknown>
    readonly unexplained: readonly string[]
  }): void {
    // Both runs may know an SSTable that was given the name of the one that vanished.
    const live = new Set([...this.live].map(({ path }) => path))
    for (const path of this.#inherited) {
      const isThere = newer.sets.has(path) && !live.has(path)
      if (!isThere && !newer.unexplained.includes(path)) this.#lineage.explain(path)
    }
  }

  /** Takes a commit; see {@link Lineage.commit}. */
  commit(commit: Commit<S>): boolean {
    // A new SSTable that was given the name says nothing of the one that vanished.
    for (const { path, fresh } of [...commit.adds, ...commit.removes])
      if (fresh !== true) this.#inherited.delete(path)
    return this.#lineage.commit(commit)
  }

  /** The sets that a later state may yet name. */
  wanted(): Iterable<S> {
    return this.#lineage.wanted()
  }

  /** Whether a later state may yet name the set. */
  wants(set: S): boolean {
    return this.#lineage.wants(set)
  }

  /**
   * The state to be written next; undefined when the newest one says all that can be said. It must be accepted, or have
   * failed, before the next one is asked for.
   * @param standing `durable` stays so; `waived` only for sets that are live
   * @param changed whether a set has other contents than the newest state says
   */
  next(standing: (set: S) => Standing, changed = false): Moment<S> | undefined {
    const cut = this.#lineage.better(standing) ?? this.#again(standing, changed)
    if (cut === undefined) return undefined
    this.#given = cut
    return {
      sets: cut.sets,
      time: Math.max(cut.time, (this.#time ?? -Infinity) + 1),
      gap: this.#gap,
      unexplained: [...cut.unexplained].sort(),
      unprotected: [...cut.sets].filter(set => standing(set) !== 'durable'),
      cut,
    }
  }

  /** A moment is in the bucket, whatever has happened since. Returns the sets that no later one can name. */
  accept({ cut, time, sets, unprotected }: Moment<S>): S[] {
    this.#time = time
    if (this.#given !== cut) return [...sets].filter(set => !this.wants(set))
    this.#given = undefined
    this.#gap = false
    this.#waived = unprotected
    return this.#lineage.accept(cut)
  }

  /** The cut of the newest state once more, when there is more to say of it. */
  #again(standing: (set: S) => Standing, changed: boolean): Cut<S> | undefined {
    if (!changed && !this.#waived.some(set => standing(set) === 'durable')) return undefined
    const cut = this.#lineage.accepted
    // A set that is waived no longer, and not durable, keeps the cut from being said again.
    if (cut === undefined || [...cut.sets].some(set => standing(set) === 'owed')) return undefined
    return cut
  }
}

/** @param vanished paths of sets of which it is not known why they are not there, if they are not */
function scanned<S extends Lined>(scan: Scan<S>, vanished: Iterable<string>): Lineage<S> {
  const { sets, during = [] } = scan
  const time = during.reduce((latest, commit) => Math.max(latest, commit.time), scan.time)
  const lineage = new Lineage(sets, time, vanished)
  for (const commit of during) lineage.commit({ ...commit, time })
  lineage.fold()
  return lineage
}
