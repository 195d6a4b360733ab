import { formatBytes } from './format.js'
import type { Logger } from './logger.js'
import { RecentRate } from './recent-rate.js'

/** How much there is, or has been done. */
export interface Amount {
  /** Files or SSTables, as {@link Work} says. */
  readonly count: number
  readonly bytes: number
}

/** What is done, for messages. */
export interface Work {
  readonly verb: 'Restored' | 'Uploaded'
  readonly things: 'files' | 'SSTables'
}

/** The reports of long work while it runs. */
export interface Progress {
  /** @param total that there is to do, as far as it is known */
  begin(work: Work, total: Amount): void
  /**
   * @param done of it so far; may be told as often as anything changes
   * @param total when it is another one by now
   */
  update(done: Amount, total?: Amount): void
  /** Nothing more comes, whether all is done or not. */
  end(): void
}

/** Between two lines on the progress, ms. */
const INTERVAL = 10_000

/** How far the work is. */
export interface Pace {
  readonly done: Amount
  readonly total: Amount
  /** Bytes a second in the last minute. */
  readonly rate: number
  /** Seconds that what is left takes at that rate; undefined while nothing is known of it. */
  readonly left: number | undefined
}

/** Keeps what a {@link Progress} was told, and how fast it went in the last minute. */
export class PaceKeeper {
  readonly #recent: RecentRate
  #total: Amount
  #done: Amount = { count: 0, bytes: 0 }

  /** @param now ms of a monotonic clock */
  constructor(total: Amount, now?: () => number) {
    this.#total = total
    this.#recent = new RecentRate(now)
  }

  update(done: Amount, total: Amount | undefined): void {
    this.#done = done
    if (total !== undefined) this.#total = total
    this.#recent.reached(done.bytes)
  }

  /** Never more than all. */
  get pace(): Pace {
    const { count, bytes } = this.#total
    const done = { count: Math.min(this.#done.count, count), bytes: Math.min(this.#done.bytes, bytes) }
    const { rate } = this.#recent
    return { done, total: this.#total, rate, left: rate > 0 ? (bytes - done.bytes) / rate : undefined }
  }
}

/** Seconds as `1:02:03`, or `2:03`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const tail = String(whole % 60).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`
}

/** Progress as a line in the log every 10 seconds. */
export class ProgressLines implements Progress {
  readonly #log: Logger
  readonly #interval: number
  #work: Work = { verb: 'Restored', things: 'files' }
  #keeper = new PaceKeeper({ count: 0, bytes: 0 })
  #timer: NodeJS.Timeout | undefined

  /** @param interval between two lines, ms */
  constructor(log: Logger, interval = INTERVAL) {
    this.#log = log
    this.#interval = interval
  }

  begin(work: Work, total: Amount): void {
    this.#work = work
    this.#keeper = new PaceKeeper(total)
    this.#timer = setInterval(() => this.#line(), this.#interval).unref()
  }

  update(done: Amount, total?: Amount): void {
    this.#keeper.update(done, total)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #line(): void {
    const { done, total, rate, left } = this.#keeper.pace
    const { verb, things } = this.#work
    if (total.count === 0) return
    const rest = left === undefined ? '' : `, ${clock(left)} left`
    this.#log.info(
      `${verb} ${done.count} of ${total.count} ${things}, ${formatBytes(done.bytes)} of ${formatBytes(total.bytes)}; ${formatBytes(Math.round(rate))}/s in the last minute${rest}`,
      {
        event: 'progress',
        [things === 'files' ? 'files' : 'sstables']: done.count,
        bytes: done.bytes,
        [things === 'files' ? 'totalFiles' : 'totalSstables']: total.count,
        totalBytes: total.bytes,
        rate: Math.round(rate),
        secondsLeft: left === undefined ? undefined : Math.round(left),
      },
    )
  }
}
