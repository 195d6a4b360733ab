import type { Clockwork } from '../../src/backup/ports.js'
import { Scheduler } from '../simulation/scheduler.js'

/** A clockwork whose time passes when the test says so. */
export class VirtualTime implements Clockwork {
  /** What {@link cpuTime} tells, ms. */
  cpu = 0
  readonly #scheduler = new Scheduler()

  after(delay: number, work: () => void): () => void {
    return this.#scheduler.after(delay, work)
  }

  now(): number {
    return this.#scheduler.now
  }

  time(): number {
    return Date.UTC(2026, 10, 25) + this.#scheduler.now
  }

  cpuTime(): number {
    return this.cpu
  }

  /** Lets time pass, with all that is to happen in it. */
  async pass(duration: number): Promise<void> {
    const end = this.now() + duration
    await settle()
    while (this.#scheduler.next(end)) await settle()
  }
}

/** Lets promises settle that wait for no timer. */
async function settle(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}
