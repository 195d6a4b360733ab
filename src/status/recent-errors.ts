import type { Logger } from '../report/logger.js'

import type { Problem } from './status.js'

/** How many are kept. */
const KEPT = 20

/** Characters of a message that are kept. */
const LONGEST = 1_000

/** The last errors and warnings of the log. */
export class RecentErrors {
  #problems: Problem[] = []

  /** The newest first. */
  get list(): readonly Problem[] {
    return this.#problems
  }

  /** A logger that writes to `log`, of which errors and warnings are kept here. */
  listenTo(log: Logger): Logger {
    return {
      debug: (message, fields) => log.debug(message, fields),
      info: (message, fields) => log.info(message, fields),
      warn: (message, fields) => {
        this.#keep(message)
        log.warn(message, fields)
      },
      error: (message, fields) => {
        this.#keep(message)
        log.error(message, fields)
      },
    }
  }

  #keep(message: string): void {
    const problem = { time: new Date().toISOString(), message: message.slice(0, LONGEST) }
    this.#problems = [problem, ...this.#problems.slice(0, KEPT - 1)]
  }
}
