import type { Moment, Newest, Scan } from '../../src/manifest/history.js'
import type { Commit, Cut } from '../../src/manifest/lineage.js'

import type { Seen } from './judge.js'
import { ReferenceHistory, type StandingOf } from './reference-history.js'

export class EarlyAfterScan extends ReferenceHistory {
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

export class TornScan extends ReferenceHistory {
  protected override scanned(scan: Scan<Seen>, carried: Iterable<string>): void {
    super.scanned({ ...scan, during: [] }, carried)
    for (const commit of scan.during ?? []) this.commit(commit)
  }
}

export class Explains extends ReferenceHistory {
  override commit({ adds, removes, time, kind }: Commit<Seen>): boolean {
    return super.commit({ adds, removes, time, ...(kind === 'end' ? { kind } : {}) })
  }
}

export class ForgetsUnexplained extends ReferenceHistory {
  #states = 0

  override accept(moment: Moment<Seen>): Seen[] {
    if (++this.#states > 1) this.lost = new Set()
    return super.accept(moment)
  }
}

export class ForgetsAtStart extends ReferenceHistory {
  protected override carriedByBucket(newest: Newest | undefined, scan: Scan<Seen>): string[] {
    return scan.lost ? [...(newest?.sets ?? [])] : []
  }
}

export class ForgetsAtGap extends ReferenceHistory {
  protected override carriedByGap(scan: Scan<Seen>): string[] {
    return scan.lost ? super.carriedByGap(scan) : []
  }
}

export class IgnoresLostDisk extends ReferenceHistory {
  protected override scanned(scan: Scan<Seen>, carried: Iterable<string>): void {
    super.scanned(scan, scan.lost ? [] : carried)
  }
}

export class TakesNameForSet extends ReferenceHistory {
  protected override returns(): boolean {
    return true
  }
}

export class SaysNoGap extends ReferenceHistory {
  override next(standing: StandingOf, changed = false): Moment<Seen> | undefined {
    const moment = super.next(standing, changed)
    return moment && { ...moment, gap: false }
  }
}

export class AcceptsStale extends ReferenceHistory {
  override accept(moment: Moment<Seen>): Seen[] {
    this.own.add(moment.cut)
    return super.accept(moment)
  }
}
