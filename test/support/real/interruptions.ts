import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../manifest/random.js'

/** A time at which the process ran for a part only. */
interface Interruption {
  /** ms since 1970. */
  readonly from: number
  readonly until: number
  /** The part of the time that it ran for: 0 when it stood still. */
  readonly share: number
}

/** ms that the process runs for in each period, while it is limited to 5 % of a processor. */
const RUNS = 50
const PERIOD = 1000

/** The shortest and the longest standstill, ms. */
const SHORTEST = 10
const LONGEST = 20_000

/** ms of a phase: of three, one is limited, and in two the process stands still at random. */
const PHASE = 30_000

/** Keeps a process from running: SIGSTOP at random, and for a third of the time 5 % of a processor. */
export class Interruptions {
  readonly #pid: number
  readonly #random: Random
  readonly #all: Interruption[] = []
  #ends = false
  #done: Promise<void> = Promise.resolve()

  constructor(pid: number, random: Random) {
    this.#pid = pid
    this.#random = random
  }

  /** Begins; {@link end} ends it. */
  start(): void {
    this.#done = this.#run()
    // `end` tells of it.
    this.#done.catch(() => undefined)
  }

  /** Ends it; the process runs from then on. */
  async end(): Promise<void> {
    this.#ends = true
    await this.#done
  }

  /** How long the process could run between two times, ms. @param from ms since 1970 @param until ms since 1970 */
  ran(from: number, until: number): number {
    let ran = Math.max(0, until - from)
    for (const one of this.#all) {
      const overlap = Math.min(until, one.until) - Math.max(from, one.from)
      if (overlap > 0) ran -= overlap * (1 - one.share)
    }
    return ran
  }

  /** Standstills, and the time of all interruptions, in words. */
  summary(): string {
    const total = (some: readonly Interruption[]): string =>
      (some.reduce((sum, { from, until }) => sum + until - from, 0) / 1000).toFixed(0)
    const standstills = this.#all.filter(({ share }) => share === 0)
    const limited = this.#all.filter(({ share }) => share > 0)
    return `${standstills.length} standstills of ${total(standstills)} s; limited to 5 % for ${total(limited)} s`
  }

  async #run(): Promise<void> {
    while (this.#goesOnUntil(Infinity)) {
      const limited = this.#random.below(3)
      for (let phase = 0; phase < 3 && this.#goesOnUntil(Infinity); phase += 1) {
        const end = Date.now() + PHASE
        if (phase === limited) await this.#limit(end)
        else await this.#stop(end)
      }
    }
  }

  async #limit(end: number): Promise<void> {
    const from = Date.now()
    let ran = 0
    while (this.#goesOnUntil(end)) {
      this.#signal('SIGSTOP')
      await sleep(PERIOD - RUNS)
      this.#signal('SIGCONT')
      const continued = performance.now()
      await sleep(RUNS)
      ran += performance.now() - continued
    }
    const until = Date.now()
    this.#all.push({ from, until, share: ran / Math.max(1, until - from) })
  }

  async #stop(end: number): Promise<void> {
    while (this.#goesOnUntil(end)) {
      await sleep(this.#random.below(5000))
      const from = Date.now()
      this.#signal('SIGSTOP')
      // As often between 10 and 100 ms as between 1 and 10 s.
      await sleep(SHORTEST * (LONGEST / SHORTEST) ** this.#random.next())
      this.#signal('SIGCONT')
      this.#all.push({ from, until: Date.now(), share: 0 })
    }
  }

  #goesOnUntil(end: number): boolean {
    return !this.#ends && Date.now() < end
  }

  #signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.#pid, signal)
  }
}
