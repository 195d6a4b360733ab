/** What is done again and again. */
export interface RoundsOptions {
  /** Those that are watched. */
  readonly directories: () => string[]
  readonly rescan: (paths: string[]) => void
  /** Names what cannot be protected. */
  readonly expose: () => void
  /** Looks whether the node's name is still ours. */
  readonly check: () => Promise<void>
}

/** Within this time every directory is scanned again, ms: no event is trusted to be the only news of a file. */
const ROUND = 3_600_000

/** At most so often a directory is scanned for that, ms. */
const LEAST = 1_000

/** How often what waits is looked at, ms. */
const LOOK = 30_000

/** A daemon's slow rounds: every directory once an hour, what waits twice a minute. */
export class Rounds {
  readonly #options: RoundsOptions
  #queue: string[] = []
  #scan: NodeJS.Timeout | undefined
  #look: NodeJS.Timeout | undefined

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  start(): void {
    this.#look = setInterval(() => {
      this.#options.expose()
      void this.#options.check()
    }, LOOK).unref()
    this.#next()
  }

  stop(): void {
    clearTimeout(this.#scan)
    clearInterval(this.#look)
  }

  #next(): void {
    const count = Math.max(1, this.#options.directories().length)
    const batch = Math.ceil((count * LEAST) / ROUND)
    this.#scan = setTimeout(
      () => {
        if (this.#queue.length === 0) this.#queue = this.#options.directories()
        this.#options.rescan(this.#queue.splice(0, batch))
        this.#next()
      },
      Math.max(LEAST, ROUND / count),
    ).unref()
  }
}
