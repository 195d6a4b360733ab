import { randomFillSync } from 'node:crypto'

/** The settings of a load. */
export interface LoadPlan {
  readonly address: string
  readonly port: number
  /** With its keyspace. */
  readonly table: string
  /** How many rows it has: their ids are 0 and up. */
  readonly rows: number
  /** Bytes of a row's value. */
  readonly valueSize: number
  /** Requests a second. */
  readonly rate: number
  /** How long requests are sent that do not count, ms. */
  readonly warmUp: number
  /** How long those are sent that count. */
  readonly seconds: number
  readonly seed: number
}

/** The latencies that a load measured. */
export interface LoadReport {
  /** From the moment at which each was due to its answer, ms. */
  readonly reads: readonly number[]
  readonly writes: readonly number[]
  /** Requests that were refused, or that the server gave up. */
  readonly failed: number
}

/** The share of reads among the requests. */
const READS = 0.8

/** This share of the requests goes to the hot rows, and this share of the rows is hot. */
const HOT_REQUESTS = 0.8
const HOT_ROWS = 0.2

/** Which request comes when: the same for every load of the same seed. */
export class Arrivals {
  readonly #plan: LoadPlan
  readonly #value: Buffer
  #state: number

  constructor(plan: LoadPlan) {
    this.#plan = plan
    this.#state = plan.seed
    this.#value = randomFillSync(Buffer.allocUnsafe(plan.valueSize))
  }

  next(): { readonly isRead: boolean; readonly id: number } {
    const { rows } = this.#plan
    const isRead = this.#random() < READS
    const isHot = this.#random() < HOT_REQUESTS
    return { isRead, id: Math.floor(this.#random() * rows * (isHot ? HOT_ROWS : 1)) }
  }

  /** The value of a write; it cannot be compressed. */
  value(): Buffer {
    return this.#value
  }

  /** In [0, 1), by mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The value below which so many percent of the latencies are, ms. @param sorted from the least to the most */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? NaN
}
