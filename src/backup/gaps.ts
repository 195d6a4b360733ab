import { Schedule } from './schedule.js'
import type { Unit } from './unit.js'

/** How units whose commits were missed are scanned anew. */
export interface GapsOptions {
  /** The unit's history begins anew with the scan that follows. */
  readonly begin: (unit: Unit) => void
  readonly rescan: (paths: string[]) => void
  /** Whether the scans keep their distance; a one-shot backup waits for none. */
  readonly paced: boolean
}

/** A scan for a gap comes after so many times what the last one of the unit took: 1 % of a core. */
const SHARE = 100

/** Scans units of which commits were missed: as one loss follows the other where the machine is busy, at a bounded cost. */
export class Gaps {
  readonly #options: GapsOptions
  /** Units whose scan is still to begin. */
  readonly #due = new Set<Unit>()
  readonly #later = new Schedule<Unit>()
  /** When the next scan of a unit may begin, ms of the monotonic clock. */
  readonly #next = new WeakMap<Unit, number>()

  constructor(options: GapsOptions) {
    this.#options = options
  }

  /** A commit of the unit was missed. */
  missed(unit: Unit): void {
    const isDue = this.#due.has(unit)
    if (unit.rescans.size > 0 && !isDue) {
      // Part of it is scanned already, and not again by this scan.
      unit.voided = true
      return
    }
    this.#options.begin(unit)
    if (isDue) return
    this.#due.add(unit)
    const wait = this.#options.paced ? (this.#next.get(unit) ?? 0) - performance.now() : 0
    if (wait > 0) this.#later.set(unit, Math.ceil(wait), () => this.#scan(unit))
    else setImmediate(() => this.#scan(unit))
  }

  /** Scans no more. */
  stop(): void {
    this.#later.clear()
  }

  #scan(unit: Unit): void {
    this.#due.delete(unit)
    const began = performance.now()
    this.#options.rescan([...unit.directories.keys()])
    const end = performance.now()
    this.#next.set(unit, end + SHARE * (end - began))
  }
}
