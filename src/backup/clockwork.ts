import { threadCpuTime } from 'tablesnap-io'

import type { Clockwork } from './ports.js'

/** Offset of the S3 server's clock from this machine's, as far as an answer has told it, ms. */
export interface ServerClock {
  readonly clockOffset: number | undefined
}

/** The timers and clocks of this process, with the server's time of day. */
export class RealClockwork implements Clockwork {
  readonly #servers: readonly ServerClock[]

  /** @param servers the first that knows the offset is believed */
  constructor(servers: readonly ServerClock[]) {
    this.#servers = servers
  }

  after(delay: number, work: () => void): () => void {
    if (delay <= 0) {
      const immediate = setImmediate(work)
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(work, delay)
    return () => clearTimeout(timer)
  }

  now(): number {
    return performance.now()
  }

  time(): number {
    for (const { clockOffset } of this.#servers) {
      if (clockOffset !== undefined) return Date.now() + Math.round(clockOffset)
    }
    return Date.now()
  }

  cpuTime(): number {
    return threadCpuTime()
  }
}
