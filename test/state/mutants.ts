import type { Moment, Newest, Scan } from '../../src/state/history.js'
import type { Commit, Cut } from '../../src/state/lineage.js'

import type { Seen } from './judge.js'
import { ReferenceHistory, type StandingOf } from './reference-history.js'
import type { MakeRule } from './simulated-daemon.js'

/** A rule that makes its states without a choice of m and n. */
abstract class Shortcut extends ReferenceHistory {
  #said = ''

  protected abstract named(standing: StandingOf): Iterable<Seen> | undefined

  override next(standing: StandingOf): Moment<Seen> | undefined {
    const named = this.named(standing)
    if (named === undefined) return undefined
    const { length } = this.commits
    const sets = new Set(named)
    const text = [...sets].map(({ path }) => path).join(' ')
    if (text === this.#said && this.n >= 0) return undefined
    this.#said = text
    const cut = { ...this.cut(length, length), sets }
    this.own.add(cut)
    const unprotected = [...sets].filter(set => standing(set) !== 'durable')
    return {
      ...cut,
      time: this.after(cut.time),
      gap: this.gapped,
      unexplained: [...cut.unexplained],
      unprotected,
      cut,
    }
  }
}

/** What of a scan's sets is durable is a state at once; each commit joins when its outputs are durable. */
export class PerTransaction extends Shortcut {
  protected named(standing: StandingOf): Iterable<Seen> | undefined {
    if ([...this.base].some(set => standing(set) === 'owed')) return undefined
    const sets = new Set(this.base)
    for (const { adds, removes } of this.commits) {
      if (adds.some(set => standing(set) === 'owed')) continue
      for (const set of removes) sets.delete(set)
      for (const set of adds) sets.add(set)
    }
    // An input that came too late is no longer there.
    for (const { adds, removes } of this.commits)
      if (adds.every(set => standing(set) !== 'owed')) for (const set of removes) sets.delete(set)
    return sets
  }
}

/** A state is whatever is live and durable. */
export class DurableAndLive extends Shortcut {
  protected named(standing: StandingOf): Iterable<Seen> {
    return [...this.live].filter(set => standing(set) !== 'owed')
  }
}

class SmallestRewrites extends ReferenceHistory {
  protected override choose(standing: StandingOf): [number, number] | undefined {
    const choice = super.choose(standing)
    for (let m = this.m; choice !== undefined && m < choice[0]; m++)
      if (this.spans(m, choice[1]) && [...this.sets(m, choice[1])].every(s => standing(s) !== 'owed'))
        return [m, choice[1]]
    return choice
  }
}

/** It names what is durable of S(m), if only the rewrites' outputs are. */
class LateAdditions extends ReferenceHistory {
  #standing: StandingOf = () => 'owed'

  protected override choose(standing: StandingOf): [number, number] | undefined {
    this.#standing = standing
    return super.choose(set => (this.#isAdded(set) ? 'durable' : standing(set)))
  }

  protected override cut(m: number, n: number): Cut<Seen> {
    const cut = super.cut(m, n)
    const there = [...cut.sets].filter(set => !this.#isAdded(set) || this.#standing(set) !== 'owed')
    return { ...cut, sets: new Set(there) }
  }

  #isAdded(set: Seen): boolean {
    return this.commits.some((_, at) => this.adds(at).includes(set))
  }
}

class EarlyAfterScan extends ReferenceHistory {
  #standing: StandingOf = () => 'owed'

  protected override choose(standing: StandingOf): [number, number] | undefined {
    this.#standing = standing
    return super.choose(standing) ?? (this.n < 0 && this.gapped ? [0, 0] : undefined)
  }

  protected override cut(m: number, n: number): Cut<Seen> {
    const cut = super.cut(m, n)
    return { ...cut, sets: new Set([...cut.sets].filter(set => this.#standing(set) !== 'owed')) }
  }
}

class CrossesEnds extends ReferenceHistory {
  protected override spans(m: number, n: number): boolean {
    const { commits } = this
    this.commits = commits.map(commit =>
      commit.kind === 'end' ? { ...commit, kind: 'unexplained' } : commit,
    )
    const spans = super.spans(m, n)
    this.commits = commits
    return spans
  }
}

class PassesUnknown extends ReferenceHistory {
  override commit(commit: Commit<Seen>): boolean {
    return super.commit({ ...commit, removes: commit.removes.filter(set => this.live.has(set)) })
  }
}

class NamesTwice extends ReferenceHistory {
  protected override usesAgain(): boolean {
    return false
  }
}

class TornScan extends ReferenceHistory {
  protected override scanned(scan: Scan<Seen>, carried: Iterable<string>): void {
    super.scanned({ ...scan, during: [] }, carried)
    for (const commit of scan.during ?? []) this.commit(commit)
  }
}

class Explains extends ReferenceHistory {
  override commit({ adds, removes, time, kind }: Commit<Seen>): boolean {
    return super.commit({ adds, removes, time, ...(kind === 'end' ? { kind } : {}) })
  }
}

class ForgetsUnexplained extends ReferenceHistory {
  #states = 0

  override accept(moment: Moment<Seen>): Seen[] {
    if (++this.#states > 1) this.lost = new Set()
    return super.accept(moment)
  }
}

class ForgetsAtStart extends ReferenceHistory {
  protected override carriedByBucket(newest: Newest | undefined, scan: Scan<Seen>): string[] {
    return scan.lost ? [...(newest?.sets ?? [])] : []
  }
}

class ForgetsAtGap extends ReferenceHistory {
  protected override carriedByGap(scan: Scan<Seen>): string[] {
    return scan.lost ? super.carriedByGap(scan) : []
  }
}

class IgnoresLostDisk extends ReferenceHistory {
  protected override scanned(scan: Scan<Seen>, carried: Iterable<string>): void {
    super.scanned(scan, scan.lost ? [] : carried)
  }
}

class TakesNameForSet extends ReferenceHistory {
  protected override returns(): boolean {
    return true
  }
}

class TimeAsItIs extends ReferenceHistory {
  protected override after(time: number): number {
    return time
  }
}

class GoesBack extends ReferenceHistory {
  protected override isNews(m: number, n: number): boolean {
    return n < this.n || super.isNews(m, n)
  }
}

class WaivesRemoved extends ReferenceHistory {
  readonly #excused = new Set<Seen>()

  override next(standing: StandingOf, changed = false): Moment<Seen> | undefined {
    for (const set of this.live) if (standing(set) === 'waived') this.#excused.add(set)
    const excused: StandingOf = set =>
      standing(set) === 'owed' && this.#excused.has(set) ? 'waived' : standing(set)
    return super.next(excused, changed)
  }
}

class SaysNoGap extends ReferenceHistory {
  override next(standing: StandingOf, changed = false): Moment<Seen> | undefined {
    const moment = super.next(standing, changed)
    return moment && { ...moment, gap: false }
  }
}

class AcceptsStale extends ReferenceHistory {
  override accept(moment: Moment<Seen>): Seen[] {
    this.own.add(moment.cut)
    return super.accept(moment)
  }
}

class WantsLive extends ReferenceHistory {
  override wants(set: Seen): boolean {
    return this.live.has(set)
  }
}

class FreesNothing extends ReferenceHistory {
  override accept(moment: Moment<Seen>): Seen[] {
    super.accept(moment)
    return []
  }
}

/** An addition is named though one before it is not there yet. */
class OutOfOrder extends ReferenceHistory {
  #standing: StandingOf = () => 'owed'

  protected override choose(standing: StandingOf): [number, number] | undefined {
    this.#standing = standing
    return super.choose(standing)
  }

  protected override adds(at: number): readonly Seen[] {
    return super.adds(at).filter(set => this.#standing(set) !== 'owed')
  }
}

type Mutant = new (newest: Newest | undefined, scan: Scan<Seen>) => ReferenceHistory

/** Every rule of DESIGN's State, broken. */
export const MUTANTS: readonly (readonly [title: string, rule: Mutant])[] = [
  ['a state per transaction', PerTransaction],
  ['a state of whatever is live and durable', DurableAndLive],
  ['the smallest m', SmallestRewrites],
  ['rewrites before the additions that came before them', LateAdditions],
  ['additions out of order', OutOfOrder],
  ['additions beyond a truncate', CrossesEnds],
  ['additions beyond a rewrite of sets that nothing is known of', PassesUnknown],
  ['two sets under one path', NamesTwice],
  ['a state after a gap before all of the scan is durable', EarlyAfterScan],
  ['a state between what a scan saw and the commits of that time', TornScan],
  ['a gap that no state tells of', SaysNoGap],
  ['a state that was under way at a gap passes for one after it', AcceptsStale],
  ['sets that vanish are explained', Explains],
  ['the unexplained is forgotten in the next state', ForgetsUnexplained],
  ['the unexplained is forgotten at a start', ForgetsAtStart],
  ['the unexplained is forgotten at a gap', ForgetsAtGap],
  ['a lost disk is explained', IgnoresLostDisk],
  ['a new set passes for the one that vanished from its path', TakesNameForSet],
  ['time goes as the clock does', TimeAsItIs],
  ['moments go backwards', GoesBack],
  ['sets are waived though they are gone', WaivesRemoved],
  ['sets are denied that a state names later', WantsLive],
  ['sets are never set free', FreesNothing],
]

/** Makes a rule's instances. */
export function making(Rule: Mutant): MakeRule {
  return (newest, scan) => new Rule(newest, scan)
}
