import type { Moment } from '../../src/manifest/history.js'
import type { Commit, Cut } from '../../src/manifest/lineage.js'

import type { Seen } from './judge.js'
import { ReferenceHistory, type StandingOf } from './reference-history.js'

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

export class SmallestRewrites extends ReferenceHistory {
  protected override choose(standing: StandingOf): [number, number] | undefined {
    const choice = super.choose(standing)
    for (let m = this.m; choice !== undefined && m < choice[0]; m++)
      if (this.spans(m, choice[1]) && [...this.sets(m, choice[1])].every(s => standing(s) !== 'owed'))
        return [m, choice[1]]
    return choice
  }
}

/** It names what is durable of S(m), if only the rewrites' outputs are. */
export class LateAdditions extends ReferenceHistory {
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

export class CrossesEnds extends ReferenceHistory {
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

export class PassesUnknown extends ReferenceHistory {
  override commit(commit: Commit<Seen>): boolean {
    return super.commit({ ...commit, removes: commit.removes.filter(set => this.live.has(set)) })
  }
}

export class NamesTwice extends ReferenceHistory {
  protected override usesAgain(): boolean {
    return false
  }
}

export class TimeAsItIs extends ReferenceHistory {
  protected override after(time: number): number {
    return time
  }
}

export class GoesBack extends ReferenceHistory {
  protected override isNews(m: number, n: number): boolean {
    return n < this.n || super.isNews(m, n)
  }
}

export class WaivesRemoved extends ReferenceHistory {
  readonly #excused = new Set<Seen>()

  override next(standing: StandingOf, changed = false): Moment<Seen> | undefined {
    for (const set of this.live) if (standing(set) === 'waived') this.#excused.add(set)
    const excused: StandingOf = set =>
      standing(set) === 'owed' && this.#excused.has(set) ? 'waived' : standing(set)
    return super.next(excused, changed)
  }
}

export class WantsLive extends ReferenceHistory {
  override wants(set: Seen): boolean {
    return this.live.has(set)
  }
}

export class FreesNothing extends ReferenceHistory {
  override accept(moment: Moment<Seen>): Seen[] {
    super.accept(moment)
    return []
  }
}

/** An addition is named though one before it is not there yet. */
export class OutOfOrder extends ReferenceHistory {
  #standing: StandingOf = () => 'owed'

  protected override choose(standing: StandingOf): [number, number] | undefined {
    this.#standing = standing
    return super.choose(standing)
  }

  protected override adds(at: number): readonly Seen[] {
    return super.adds(at).filter(set => this.#standing(set) !== 'owed')
  }
}
