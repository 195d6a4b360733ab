import { Lineage, type Commit, type Cut, type Lined, type Standing } from './lineage.js'

/** What is known of a unit before its first scan: its newest state in the bucket. */
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

/** What a scan found. */
export interface Scan<S extends Lined> {
  /** The complete sets. */
  readonly sets: Iterable<S>
  /** When it began, ms. */
  readonly time: number
  /** Whether a data directory of the newest state is missing, or another one lies under its path. */
  readonly lost: boolean
}

/**
 * The states of a unit, one after the other, through scans, commits and gaps. Until a cut of a new scan can be written
 * the last state stays the newest. Pure, as {@link Lineage}.
 */
export class History<S extends Lined> {
  #lineage: Lineage<S>
  #newest: Newest | undefined
  /** Since the newest state something may have been missed. */
  #gap: boolean
  /** Sets that the newest state names as unprotected. */
  #waived: readonly S[] = []

  /**
   * The first scan. @param newest the unit's newest state in the bucket; undefined: it has none
   */
  constructor(newest: Newest | undefined, scan: Scan<S>) {
    this.#newest = newest
    this.#gap = newest !== undefined
    this.#lineage = this.#scanned(scan)
  }

  /** What Cassandra would read now. */
  get live(): ReadonlySet<S> {
    return this.#lineage.live
  }

  /** Commits were missed: what a new scan found takes the place of all that was known. */
  gap(scan: Scan<S>): void {
    this.#gap = true
    this.#waived = []
    this.#lineage = this.#scanned(scan)
  }

  /** Takes a commit; see {@link Lineage.commit}. */
  commit(commit: Commit<S>): boolean {
    return this.#lineage.commit(commit)
  }

  /** Whether a later state may yet name the set. */
  wants(set: S): boolean {
    return this.#lineage.wants(set)
  }

  /**
   * The state to be written next; undefined when the newest one says all that can be said.
   * @param standing `durable` stays so; `waived` only for sets that are live
   * @param changed whether a set has other contents than the newest state says
   */
  next(standing: (set: S) => Standing, changed = false): Moment<S> | undefined {
    const cut = this.#lineage.better(standing) ?? this.#again(standing, changed)
    if (cut === undefined) return undefined
    const unprotected = [...cut.sets].filter(set => standing(set) !== 'durable')
    return {
      sets: cut.sets,
      time: Math.max(cut.time, (this.#newest?.time ?? -Infinity) + 1),
      gap: this.#gap,
      unexplained: [...cut.unexplained].sort(),
      unprotected,
      cut,
    }
  }

  /** A moment is in the bucket. Returns the sets that no later one can name. */
  accept({ cut, time, sets, unexplained, unprotected }: Moment<S>): S[] {
    this.#gap = false
    this.#waived = unprotected
    this.#newest = { time, sets: new Set([...sets].map(({ path }) => path)), unexplained }
    return this.#lineage.accept(cut)
  }

  /** The cut of the newest state once more, when there is more to say of it. */
  #again(standing: (set: S) => Standing, changed: boolean): Cut<S> | undefined {
    const cut = this.#lineage.accepted
    if (cut === undefined) return undefined
    const mended = this.#waived.some(set => standing(set) === 'durable')
    // A set that is waived no longer, and not durable, keeps the cut from being said again.
    if (!(changed || mended) || [...cut.sets].some(set => standing(set) === 'owed')) return undefined
    return cut
  }

  #scanned({ sets, time, lost }: Scan<S>): Lineage<S> {
    const found = [...sets]
    const unexplained = new Set(this.#newest?.unexplained ?? [])
    if (lost) for (const path of this.#newest?.sets ?? []) unexplained.add(path)
    for (const { path } of found) unexplained.delete(path)
    return new Lineage(found, time, unexplained)
  }
}
