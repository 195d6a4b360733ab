import type { Amount, Progress } from '../report/progress.js'

import type { Activity } from './activity.js'
import type { StatusCollector } from './collector.js'

/** How often the progress is told, ms. */
const TICK = 1_000

/** Tells how far a one-shot backup is: what has been uploaded, of that and of what waits. */
export class ProgressView {
  readonly #collector: StatusCollector
  readonly #activity: Activity
  readonly #progress: Progress
  #timer: NodeJS.Timeout | undefined

  constructor(collector: StatusCollector, activity: Activity, progress: Progress) {
    this.#collector = collector
    this.#activity = activity
    this.#progress = progress
  }

  start(): void {
    this.#progress.begin({ verb: 'Uploaded', things: 'SSTables' }, { count: 0, bytes: 0 })
    this.#timer = setInterval(() => this.#tick(), TICK).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#progress.end()
  }

  #tick(): void {
    const { waiting, totals } = this.#collector.recent
    const total: Amount = {
      count: this.#activity.sstables + waiting.sstables,
      bytes: totals.bytes + waiting.bytes,
    }
    // Parts of large files count as they are sent; those that are sent once more do not count twice for long.
    const bytes = Math.max(totals.bytes, Math.min(this.#activity.bytes, total.bytes))
    this.#progress.update({ count: this.#activity.sstables, bytes }, total)
  }
}
