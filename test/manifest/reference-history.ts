import type { Moment, Newest, Scan } from '../../src/manifest/history.js'
import type { Commit, Cut, Standing } from '../../src/manifest/lineage.js'

import type { Seen } from './judge.js'
import type { Rule } from './simulated-daemon.js'

/** A commit as it changed what was there. */
export interface Kept extends Commit<Seen> {
  /** Of what it removes, what was not there. */
  readonly absent: readonly Seen[]
}

export type StandingOf = (set: Seen) => Standing

/**
 * The History once more, as DESIGN says it and not made to be fast: it keeps every commit, and tries every m and n. The
 * parts of it are there to be broken.
 */
export class ReferenceHistory implements Rule {
  readonly live = new Set<Seen>()
  protected base: ReadonlySet<Seen> = new Set()
  protected commits: Kept[] = []
  /** Paths that were unexplained in the base. */
  protected lost: ReadonlySet<string> = new Set()
  protected scanTime = 0
  /** The newest state: its rewrites, its additions, its time. */
  protected m = 0
  protected n = -1
  protected time: number | undefined
  protected gapped: boolean
  protected waived: readonly Seen[] = []
  protected own = new Set<Cut<Seen>>()

  constructor(newest: Newest | undefined, scan: Scan<Seen>) {
    this.time = newest?.time
    this.gapped = newest !== undefined
    this.scanned(scan, this.carriedByBucket(newest, scan))
  }

  commit(commit: Commit<Seen>): boolean {
    const adds = commit.adds.filter(set => !this.live.has(set) && !commit.removes.includes(set))
    const removes = commit.removes.filter(set => this.live.has(set))
    const absent = commit.removes.filter(set => !this.live.has(set) && commit.kind === undefined)
    const explains = absent.some(set => this.isVanished(set, this.commits.length))
    if (adds.length + removes.length === 0 && commit.kind !== 'end' && !explains) return false
    this.commits.push({ ...commit, adds, removes, absent })
    for (const set of removes) this.live.delete(set)
    for (const set of adds) this.live.add(set)
    return true
  }

  gap(scan: Scan<Seen>): void {
    const found = new Set(scan.sets)
    if (!scan.lost && !scan.during?.length && [...this.live].every(set => found.has(set))) {
      this.commit({ adds: [...found], removes: [], time: scan.time })
      return
    }
    this.gapped = true
    this.waived = []
    this.own = new Set()
    this.scanned(scan, this.carriedByGap(scan))
  }

  wants(set: Seen): boolean {
    if (this.sets(this.m, this.m).has(set)) return true
    return this.commits.slice(this.m).some(({ adds }) => adds.includes(set))
  }

  next(standing: StandingOf, changed = false): Moment<Seen> | undefined {
    const choice = this.choose(standing)
    const cut = choice && this.isNews(...choice) ? this.cut(...choice) : this.again(standing, changed)
    if (cut === undefined) return undefined
    this.own.add(cut)
    return {
      sets: cut.sets,
      time: this.after(cut.time),
      gap: this.gapped,
      unexplained: [...cut.unexplained].sort(),
      unprotected: [...cut.sets].filter(set => standing(set) !== 'durable'),
      cut,
    }
  }

  accept({ cut, sets, time, unprotected }: Moment<Seen>): Seen[] {
    this.time = time
    if (!this.own.has(cut)) return [...sets].filter(set => !this.wants(set))
    const before = [...this.live, ...this.sets(this.m, this.m), ...this.commits.flatMap(({ adds }) => adds)]
    const wanted = before.filter(set => this.wants(set))
    this.gapped = false
    this.waived = unprotected
    this.m = cut.rewrites
    this.n = cut.additions
    return wanted.filter(set => !this.wants(set))
  }

  /** What must be listed as unexplained unless the first scan finds it. */
  protected carriedByBucket(newest: Newest | undefined, scan: Scan<Seen>): string[] {
    return [...(newest?.unexplained ?? []), ...(scan.lost ? (newest?.sets ?? []) : [])]
  }

  /** The same for a later scan. */
  protected carriedByGap(scan: Scan<Seen>): string[] {
    const lost = scan.lost ? [...this.live].map(({ path }) => path) : []
    return [...this.unexplained(this.commits.length, this.commits.length), ...lost]
  }

  protected scanned({ sets, time, during = [] }: Scan<Seen>, carried: Iterable<string>): void {
    this.start(new Set(sets), time, carried)
    for (const commit of during) this.commit(commit)
    const { length } = this.commits
    const base = this.sets(length, length)
    this.start(base, Math.max(time, ...during.map(commit => commit.time)), this.unexplained(length, length))
  }

  protected start(base: ReadonlySet<Seen>, time: number, carried: Iterable<string>): void {
    this.base = base
    this.commits = []
    this.live.clear()
    for (const set of base) this.live.add(set)
    const lost = new Set(carried)
    for (const set of base) if (this.returns(set)) lost.delete(set.path)
    this.lost = lost
    this.scanTime = time
    this.m = 0
    this.n = -1
  }

  protected choose(standing: StandingOf): [m: number, n: number] | undefined {
    for (let n = this.commits.length; n >= this.m; n--)
      for (let m = n; m >= this.m; m--)
        if (this.spans(m, n) && [...this.sets(m, n)].every(set => standing(set) !== 'owed')) return [m, n]
    return undefined
  }

  /** Whether the additions in (m, n] may be named without the rewrites there. */
  protected spans(m: number, n: number): boolean {
    for (let at = m; at < n; at++) {
      const { kind, absent } = this.commits[at]!
      if (kind === 'end' || absent.some(set => !this.isVanished(set, at))) return false
      if (this.usesAgain(at, m)) return false
    }
    return true
  }

  /** Whether the addition has the path of a set that a commit since m removed. */
  protected usesAgain(at: number, m: number): boolean {
    const freed = new Set(this.commits.slice(m, at).flatMap(commit => commit.removes.map(({ path }) => path)))
    return this.adds(at).some(({ path }) => freed.has(path))
  }

  /** What a pure addition adds. */
  protected adds(at: number): readonly Seen[] {
    const { adds, removes, absent, kind } = this.commits[at]!
    const explains = absent.some(set => this.isVanished(set, at))
    return removes.length === 0 && kind === undefined && !explains ? adds : []
  }

  protected sets(m: number, n: number): Set<Seen> {
    const sets = new Set(this.base)
    for (const { adds, removes } of this.commits.slice(0, m)) {
      for (const set of removes) sets.delete(set)
      for (const set of adds) sets.add(set)
    }
    for (let at = m; at < n; at++) for (const set of this.adds(at)) sets.add(set)
    return sets
  }

  protected unexplained(m: number, n: number): Set<string> {
    const paths = new Set(this.lost)
    for (const { adds, removes, absent, kind } of this.commits.slice(0, m)) {
      if (kind === 'end') paths.clear()
      if (kind === 'unexplained') for (const { path } of removes) paths.add(path)
      for (const set of [...absent, ...adds]) if (this.returns(set)) paths.delete(set.path)
    }
    for (let at = m; at < n; at++)
      for (const set of this.adds(at)) if (this.returns(set)) paths.delete(set.path)
    return paths
  }

  protected isVanished(set: Seen, at: number): boolean {
    return this.returns(set) && this.unexplained(at, at).has(set.path)
  }

  protected returns(set: Seen): boolean {
    return !set.fresh
  }

  protected isNews(m: number, n: number): boolean {
    if (this.n < 0) return true
    if (n < this.n) return false
    if (m > this.m) return true
    for (let at = this.n; at < n; at++) if (this.adds(at).length > 0) return true
    return false
  }

  protected again(standing: StandingOf, changed: boolean): Cut<Seen> | undefined {
    const mended = changed || this.waived.some(set => standing(set) === 'durable')
    if (this.n < 0 || !mended) return undefined
    const cut = this.cut(this.m, this.n)
    return [...cut.sets].some(set => standing(set) === 'owed') ? undefined : cut
  }

  protected after(time: number): number {
    return Math.max(time, (this.time ?? -Infinity) + 1)
  }

  protected cut(m: number, n: number): Cut<Seen> {
    const time = this.commits[n - 1]?.time ?? this.scanTime
    return { sets: this.sets(m, n), time, unexplained: this.unexplained(m, n), rewrites: m, additions: n }
  }
}
