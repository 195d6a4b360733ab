import type { Logger } from './logger.js'

/** How much there is, or has been done. */
export interface Amount {
  readonly files: number
  readonly bytes: number
}

/** The reports of long work while it runs. */
export interface Progress {
  /** @param total that there is to do */
  begin(total: Amount): void
  /** @param done of it so far; may be told as often as anything changes */
  update(done: Amount): void
  /** Nothing more comes, whether all is done or not. */
  end(): void
}

/** Between two lines on the progress, ms. */
const INTERVAL = 10_000

/** Bytes per second, and the seconds that what is left takes at that rate; undefined while nothing is known of it. */
export function pace(
  done: number,
  total: number,
  elapsed: number,
): { rate: number; left: number | undefined } {
  const rate = elapsed > 0 ? (done / elapsed) * 1000 : 0
  return { rate, left: rate > 0 ? Math.max(0, total - done) / rate : undefined }
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
  #total: Amount = { files: 0, bytes: 0 }
  #done: Amount = { files: 0, bytes: 0 }
  #began = 0
  #timer: NodeJS.Timeout | undefined

  /** @param interval between two lines, ms */
  constructor(log: Logger, interval = INTERVAL) {
    this.#log = log
    this.#interval = interval
  }

  begin(total: Amount): void {
    this.#total = total
    this.#began = performance.now()
    this.#timer = setInterval(() => this.#line(), this.#interval).unref()
  }

  update(done: Amount): void {
    this.#done = done
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #line(): void {
    const [done, total] = [this.#done, this.#total]
    const { rate, left } = pace(done.bytes, total.bytes, performance.now() - this.#began)
    const rest = left === undefined ? '' : `, ${clock(left)} left`
    this.#log.info(
      `Restored ${done.files} of ${total.files} files, ${done.bytes} of ${total.bytes} bytes; ${(rate / 1e6).toFixed(1)} MB/s${rest}`,
      {
        files: done.files,
        bytes: done.bytes,
        totalFiles: total.files,
        totalBytes: total.bytes,
        rate: Math.round(rate),
        secondsLeft: left === undefined ? undefined : Math.round(left),
      },
    )
  }
}
