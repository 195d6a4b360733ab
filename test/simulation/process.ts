import type { Timers } from '../../src/backup/ports.js'

import type { Scheduler } from './scheduler.js'

/** The event loop of a simulated process: what is due waits here until the process has a turn. */
export class Process implements Timers {
  isAlive = true
  readonly #time: Scheduler
  readonly #ready: (() => void)[] = []

  constructor(time: Scheduler) {
    this.#time = time
  }

  get isReady(): boolean {
    return this.#ready.length > 0
  }

  after(delay: number, work: () => void): () => void {
    let isCancelled = false
    const cancel = this.#time.after(delay, () =>
      this.post(() => {
        if (!isCancelled) work()
      }),
    )
    return () => {
      isCancelled = true
      cancel()
    }
  }

  /** Has something done at the process's next turn. */
  post(work: () => void): void {
    if (this.isAlive) this.#ready.push(work)
  }

  /** Does the next thing that is due. */
  run(): void {
    this.#ready.shift()?.()
  }

  kill(): void {
    this.isAlive = false
    this.#ready.length = 0
  }
}
