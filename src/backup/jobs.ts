import { TablesnapError } from '../errors.js'

import type { Found } from './found.js'
import { OpenSet } from './open-set.js'

/** How jobs are done. */
export interface JobsOptions {
  /** Jobs at once. */
  readonly width: number
  /** Descriptors that waiting jobs may hold. */
  readonly descriptors: number
  /** Does one; `open` is undefined when there are no descriptors left. Must not throw. */
  readonly work: (found: Found, open: OpenSet | undefined) => Promise<void>
}

/** A complete set on its way. */
interface Job {
  readonly found: Found
  /** Undefined when too many descriptors are held: it is opened when its turn comes. */
  open: OpenSet | undefined
}

/** Complete sets in the order in which they came, pinned by descriptor as far as those go. */
export class Jobs {
  readonly #options: JobsOptions
  readonly #queue: Job[] = []
  #pinned = 0
  #running = 0

  constructor(options: JobsOptions) {
    this.#options = options
  }

  add(found: Found): void {
    const job: Job = { found, open: undefined }
    if (this.#pinned + found.names.length <= this.#options.descriptors) this.#open(job)
    this.#queue.push(job)
    this.#pump()
  }

  /** Opens a set's files at once: from here on Cassandra may unlink them. */
  #open(job: Job): void {
    try {
      job.open = new OpenSet(job.found)
      this.#pinned += job.open.files.length
    } catch (error) {
      if (!(error instanceof TablesnapError)) throw error
      // Tried again when its turn comes.
    }
  }

  #pump(): void {
    while (this.#running < this.#options.width) {
      const job = this.#queue.shift()
      if (job === undefined) return
      this.#running++
      void this.#work(job).finally(() => {
        this.#running--
        this.#pump()
      })
    }
  }

  async #work(job: Job): Promise<void> {
    if (job.open === undefined) this.#open(job)
    const held = job.open?.files.length ?? 0
    try {
      await this.#options.work(job.found, job.open)
    } finally {
      job.open?.close()
      this.#pinned -= held
    }
  }
}
