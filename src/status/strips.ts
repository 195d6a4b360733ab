import type { Level } from './status.js'

const HOUR = 3_600_000
const HOURS = 24

/** Letters of a strip by rank; see `TableStatus.day`. */
const LETTERS = '.pwd'

/** What is seen of a table at one moment: its rank is higher the worse it is. */
const RANKS = { protected: 1, behind: 2, damaged: 3 } as const

/** How each table stood in each of the last 24 hours: the worst that was seen counts. Two bits an hour and table would do; a byte does, too. */
export class Strips {
  readonly #strips = new Map<string, Uint8Array>()
  /** The hour that the strips were written in last, hours since 1970. */
  #hour = 0

  /** Notes how a table stands. @param time ms since 1970 */
  note(unit: string, level: Level, time: number): void {
    this.#turn(time)
    let strip = this.#strips.get(unit)
    if (strip === undefined) this.#strips.set(unit, (strip = new Uint8Array(HOURS)))
    const index = this.#hour % HOURS
    strip[index] = Math.max(strip[index] ?? 0, RANKS[level])
  }

  /** The strip of a table. @param time ms since 1970 */
  of(unit: string, time: number): string {
    this.#turn(time)
    const strip = this.#strips.get(unit)
    if (strip === undefined) return '.'.repeat(HOURS)
    let letters = ''
    for (let hour = this.#hour + 1; hour <= this.#hour + HOURS; hour++)
      letters += LETTERS[strip[hour % HOURS] ?? 0] ?? '.'
    return letters
  }

  /** Forgets tables that are not there any more. */
  keep(units: ReadonlySet<string>): void {
    for (const unit of this.#strips.keys()) if (!units.has(unit)) this.#strips.delete(unit)
  }

  /** Another hour begins: what stands under its place is a day old. */
  #turn(time: number): void {
    const hour = Math.floor(time / HOUR)
    if (hour === this.#hour) return
    // A clock that was set back, or a long pause, leaves nothing that is known.
    const passed = hour > this.#hour ? Math.min(HOURS, hour - this.#hour) : HOURS
    for (const strip of this.#strips.values())
      for (let back = 0; back < passed; back++) strip[(hour - back) % HOURS] = 0
    this.#hour = hour
  }
}
