import type { Random } from '../manifest/random.js'

import type { Scheduler } from './scheduler.js'

/** How the process runs: how often it stands still between two steps, and for how long, ms. */
export interface PaceShape {
  readonly chance: number
  readonly least: number
  readonly most: number
}

/** A machine of its own; a busy one; a cgroup limit that makes every step long; a process that is stopped now and then. */
export const PACES: Readonly<Record<'quick' | 'busy' | 'starved' | 'stopped', PaceShape>> = {
  quick: { chance: 0.1, least: 0.01, most: 0.5 },
  busy: { chance: 0.08, least: 1, most: 200 },
  starved: { chance: 0.9, least: 0.5, most: 40 },
  stopped: { chance: 0.004, least: 100, most: 600_000 },
}

/** Makes the process stand still between any two of its steps, while the world goes on. */
export class Pace {
  readonly #time: Scheduler
  readonly #random: Random
  readonly #shape: PaceShape
  readonly #stepCost: number
  #isCalm = false
  #stop = 0
  /** Until when the process was last seen to be at work without a pause, and how long the pauses since then were. */
  longest = 0

  /** CPU time that the process has had, ms. */
  cpuTime = 0

  /** @param stepCost CPU time of one step, ms */
  constructor(time: Scheduler, random: Random, shape: PaceShape, stepCost: number) {
    this.#time = time
    this.#random = random
    this.#shape = shape
    this.#stepCost = stepCost
  }

  /** From now on it runs on a machine of its own. */
  calm(): void {
    this.#isCalm = true
    this.#stop = 0
  }

  /** SIGSTOP for so many ms, at its next step. */
  stop(duration: number): void {
    this.#stop = Math.max(this.#stop, duration)
  }

  /** Between two steps of the process. */
  pass(): void {
    this.cpuTime += this.#stepCost
    const { chance, least, most } = this.#isCalm ? PACES.quick : this.#shape
    if (this.#stop > 0) {
      const duration = this.#stop
      this.#stop = 0
      this.#stand(duration)
    }
    if (this.#random.next() >= chance) return
    // Short pauses are more frequent than long ones.
    const share = this.#random.next() ** 3
    this.#stand(least + share * (most - least))
  }

  #stand(duration: number): void {
    this.longest = Math.max(this.longest, duration)
    this.#time.advance(duration)
  }
}
