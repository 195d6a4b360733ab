import type { Logger } from '../report/logger.js'

import type { StatusCollector } from './collector.js'
import type { Status } from './status.js'
import { caughtUpLine, statusLine } from './text.js'

const TICK = 1_000
const MINUTE = 60_000

/** How long it waits before it looks again whether everything is protected, although nothing waits, ms. */
const AGAIN = 10_000

const HOUR = 3_600_000

/** How long something waits before the log tells of it, ms: every flush waits for some seconds. */
const WORTH_TELLING = 30_000

/** Writes the status into the log: every minute while something waits for long, else every hour; and once when nothing waits any more. */
export class StatusLog {
  readonly #collector: StatusCollector
  readonly #log: Logger
  readonly #tellsEnd: boolean
  #timer: NodeJS.Timeout | undefined
  #hasCaughtUp = false
  /** No look for the end before that time. */
  #notBefore = 0
  #looked = performance.now()
  #told = performance.now()

  /** @param tellsEnd whether it says that everything is backed up: a run that ends has a summary for that */
  constructor(collector: StatusCollector, log: Logger, tellsEnd: boolean) {
    this.#collector = collector
    this.#log = log
    this.#tellsEnd = tellsEnd
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Writes a line now. */
  tell(): void {
    const status = this.#collector.status()
    const { waiting, newest, failed, totals, isProtected } = status
    this.#log.info(statusLine(status), {
      event: 'status',
      isReachable: status.s3.isReachable,
      isProtected,
      waiting: waiting.sstables,
      waitingBytes: waiting.bytes,
      waitingAge: waiting.age,
      rate: waiting.rate,
      uploading: waiting.uploading,
      protectedBytes: status.protected.bytes,
      newest: newest ?? undefined,
      uploaded: totals.files,
      bytes: totals.bytes,
      failed,
    })
  }

  #tick(): void {
    const now = performance.now()
    const looksForEnd = this.#tellsEnd && !this.#hasCaughtUp && now >= this.#notBefore
    if (looksForEnd && this.#collector.isCaughtUp) this.#catchUp(now)
    if (now - this.#looked < MINUTE) return
    this.#looked = now
    const isLong = isWorthTelling(this.#collector.recent)
    if (!isLong && now - this.#told < HOUR) return
    this.#told = now
    // Whoever was told that something waits is told when nothing does.
    if (isLong) this.#hasCaughtUp = false
    this.tell()
  }

  #catchUp(now: number): void {
    const status = this.#collector.recent
    if (!status.isProtected) {
      this.#notBefore = now + AGAIN
      return
    }
    this.#hasCaughtUp = true
    this.#log.info(caughtUpLine(status), {
      event: 'caught-up',
      tables: status.tableCount,
      sstables: status.protected.sstables,
      bytes: status.protected.bytes,
    })
  }
}

function isWorthTelling({ waiting, s3 }: Status): boolean {
  return waiting.age > WORTH_TELLING || !s3.isReachable
}
