import type { Random } from '../../manifest/random.js'

/** Somebody who waits for a turn. */
interface Waiting {
  readonly at: number
  readonly go: () => void
}

/** Virtual time: one step of one actor at a time, in an order that a seed repeats. */
export class Turns {
  /** ms since 1970. */
  now = Date.UTC(2026, 10, 1)
  readonly #random: Random
  #waiting: Waiting[] = []

  constructor(random: Random) {
    this.#random = random
  }

  /** Waits for a turn: a request takes up to so long. @param most ms */
  step(most = 1_500): Promise<void> {
    return this.sleep(this.#random.below(most))
  }

  sleep(ms: number): Promise<void> {
    return new Promise(go => this.#waiting.push({ at: this.now + ms, go }))
  }

  /** Gives turns until nobody waits, or all of `work` has ended. */
  async run(work: readonly Promise<unknown>[]): Promise<void> {
    const outcome: { hasEnded: boolean; error?: Error } = { hasEnded: false }
    Promise.all(work).then(
      () => (outcome.hasEnded = true),
      (error: unknown) => (outcome.error = error instanceof Error ? error : new Error(String(error))),
    )
    for (;;) {
      await new Promise(resolve => setImmediate(resolve))
      if (outcome.error !== undefined) throw outcome.error
      if (outcome.hasEnded || this.#waiting.length === 0) return
      const next = this.#waiting.reduce((a, b) => (b.at < a.at ? b : a))
      this.#waiting = this.#waiting.filter(one => one !== next)
      this.now = Math.max(this.now, next.at)
      next.go()
    }
  }
}
