const HOUR = 3_600_000
const DAY = 24 * HOUR
const WEEK = 7 * DAY

/** 1970-01-05 was a Monday: with this added, weeks begin with one. */
const TO_MONDAY = 3 * DAY

/** Which restore points --keep-… names; undefined: the flag was not given. */
export interface KeepFlags {
  /** All that are not older than this before the newest one, ms. */
  readonly within?: number | undefined
  readonly last?: number | undefined
  readonly hourly?: number | undefined
  readonly daily?: number | undefined
  readonly weekly?: number | undefined
  readonly monthly?: number | undefined
}

/** Whether a flag was given. */
export function hasKeepFlags(flags: KeepFlags): boolean {
  return Object.values(flags).some(value => value !== undefined)
}

/** A flag that keeps the newest restore point of each of the newest n periods that have one, as restic's and kopia's do. */
class Periods {
  #last: number | string | undefined
  #left: number

  constructor(
    count: number,
    readonly name: string,
    readonly periodOf: (time: number) => number | string,
  ) {
    this.#left = count
  }

  /** @param time not later than that of the call before */
  keeps(time: number): boolean {
    const period = this.periodOf(time)
    if (this.#left === 0 || period === this.#last) return false
    this.#last = period
    this.#left--
    return true
  }
}

/** Applies the --keep-… flags to the restore points of a table, the newest first. Hours, days, weeks and months are UTC's. */
export class KeepRules {
  readonly #periods: Periods[]
  readonly #within: number | undefined
  #newest: number | undefined

  constructor({ within, last, hourly, daily, weekly, monthly }: KeepFlags) {
    this.#within = within
    let order = 0
    const flags = [
      ['last', last, () => order++],
      ['hourly', hourly, time => Math.floor(time / HOUR)],
      ['daily', daily, time => Math.floor(time / DAY)],
      ['weekly', weekly, time => Math.floor((time + TO_MONDAY) / WEEK)],
      ['monthly', monthly, time => new Date(time).toISOString().slice(0, 7)],
    ] as const satisfies readonly [string, number | undefined, (time: number) => number | string][]
    this.#periods = flags.flatMap(([name, count, periodOf]) =>
      count === undefined ? [] : [new Periods(count, name, periodOf)],
    )
  }

  /**
   * The flags that keep a restore point. --keep-within takes those of any kind, the others complete ones only.
   * @param time ms since 1970
   */
  of(time: number, isComplete: boolean): string[] {
    this.#newest ??= time
    const reasons: string[] = []
    if (this.#within !== undefined && time >= this.#newest - this.#within) reasons.push('within')
    // Each flag counts for itself: a restore point may use up a place of several.
    if (isComplete) for (const periods of this.#periods) if (periods.keeps(time)) reasons.push(periods.name)
    return reasons
  }
}
