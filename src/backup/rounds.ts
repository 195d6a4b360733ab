import type { Timers } from './ports.js'

/** The work that a daemon does again and again. */
export interface Chores {
  /** Directories that are scanned. */
  directories(): readonly string[]
  /** Directories without an inotify watch: only scans show what happens in them. */
  unwatched(): readonly string[]
  rescan(paths: readonly string[]): void
  /** Makes sure that the node's name is still ours. */
  check(): void
  /** Lets go of what is not there any more. */
  tidy(): void
}

/** Within this time every directory is scanned again, ms: no event is trusted to be the only news of a file. */
const ROUND = 3_600_000

/** At most so often a directory is scanned for that, ms. */
const LEAST = 1_000

/** How often the name is checked, ms. */
const CHECK = 30_000

/** How often directories without a watch are scanned, ms. */
const UNWATCHED = 60_000

/** A daemon's slow rounds: every directory once an hour, those without a watch once a minute. */
export class Rounds {
  readonly #chores: Chores
  readonly #timers: Timers
  #queue: string[] = []
  readonly #cancels = new Map<string, () => void>()

  constructor(chores: Chores, timers: Timers) {
    this.#chores = chores
    this.#timers = timers
  }

  start(): void {
    this.#every('check', CHECK, () => {
      this.#chores.check()
      this.#chores.tidy()
    })
    this.#every('unwatched', UNWATCHED, () => this.#chores.rescan(this.#chores.unwatched()))
    this.#next()
  }

  stop(): void {
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
  }

  #every(name: string, pause: number, work: () => void): void {
    this.#cancels.set(
      name,
      this.#timers.after(pause, () => {
        work()
        this.#every(name, pause, work)
      }),
    )
  }

  #next(): void {
    const count = Math.max(1, this.#chores.directories().length)
    const batch = Math.ceil((count * LEAST) / ROUND)
    this.#cancels.set(
      'round',
      this.#timers.after(Math.max(LEAST, ROUND / count), () => {
        if (this.#queue.length === 0) this.#queue = [...this.#chores.directories()]
        this.#chores.rescan(this.#queue.splice(0, batch))
        this.#next()
      }),
    )
  }
}
