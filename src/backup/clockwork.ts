import { threadCpuTime } from 'tablesnap-io'

import { monotonic } from '../s3/server-time.js'

import type { Clockwork } from './ports.js'

/** The S3 server's time of day minus this machine's monotonic clock, ms; undefined before the first answer. */
export interface ServerClock {
  readonly serverOffset: number | undefined
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
    for (const { serverOffset } of this.#servers)
      if (serverOffset !== undefined) return Math.floor(monotonic() + serverOffset)
    return Date.now()
  }

  cpuTime(): number {
    return threadCpuTime()
  }
}
