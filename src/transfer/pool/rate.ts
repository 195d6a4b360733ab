import { setTimeout as sleep } from 'node:timers/promises'

import type { BodyRate } from '../../s3/outgoing.js'

/** How much unused time may be made up for later, ns: timers may be late, and disks may be slow for a moment. */
const CATCH_UP = 100_000_000n

/** Bytes of a slice: this part of a second's, within bounds. */
const SLICES_PER_SECOND = 20
const SMALLEST_SLICE = 4 * 1024
const LARGEST_SLICE = 256 * 1024

const SECOND = 1_000_000_000n

/**
 * A rate that all threads keep together: a token bucket, kept as the time at which what was taken so far is paid for. Who
 * takes more moves that time on, in one atomic step, and waits until what was taken before is paid for.
 */
export class SharedRate implements BodyRate {
  readonly slice: number
  readonly shared: SharedArrayBuffer
  readonly #bytesPerSecond: bigint
  /** One word, ns of the monotonic clock, which all threads share. */
  readonly #paid: BigInt64Array

  /** @param bytesPerSecond at least 1 @param shared from another thread's */
  constructor(bytesPerSecond: number, shared = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#bytesPerSecond = BigInt(bytesPerSecond)
    this.slice = Math.max(
      SMALLEST_SLICE,
      Math.min(LARGEST_SLICE, Math.floor(bytesPerSecond / SLICES_PER_SECOND)),
    )
    this.shared = shared
    this.#paid = new BigInt64Array(shared)
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const cost = (BigInt(bytes) * SECOND) / this.#bytesPerSecond
    for (;;) {
      const now = process.hrtime.bigint()
      const paid = Atomics.load(this.#paid, 0)
      const from = paid > now - CATCH_UP ? paid : now - CATCH_UP
      if (Atomics.compareExchange(this.#paid, 0, paid, from + cost) !== paid) continue
      const wait = Number(from - now) / 1e6
      if (wait >= 1) await sleep(wait, undefined, { signal })
      return
    }
  }
}
