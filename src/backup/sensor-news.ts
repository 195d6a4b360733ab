import type { TablesnapError } from '../errors.js'
import type { Logger } from '../report/logger.js'

import type { Outcomes } from './outcomes.js'
import type { Problems } from './ports.js'
import type { Unprotected } from './unprotected.js'

/** Says what the watcher and the scans ran into, as far as an operator should know. */
export class SensorNews implements Problems {
  readonly #log: Logger
  readonly #outcomes: Outcomes
  /** Undefined in a one-shot run, which takes up no new directory. */
  readonly #unprotected: Unprotected | undefined
  readonly #unreadable = new Set<string>()

  constructor(log: Logger, outcomes: Outcomes, unprotected: Unprotected | undefined) {
    this.#log = log
    this.#outcomes = outcomes
    this.#unprotected = unprotected
  }

  problem(about: string, message: string): void {
    this.#outcomes.problem(about, message)
  }

  solved(about: string): void {
    this.#outcomes.solved(about)
  }

  /** A file is gone: there is nothing to be said of it any more. */
  gone(path: string): void {
    this.#outcomes.solved(path)
  }

  goneBelow(directory: string): void {
    this.#outcomes.goneBelow(directory)
  }

  /** A directory could be read. */
  scanned(directory: string): void {
    this.#outcomes.solved(directory)
  }

  overflow(): void {
    this.#log.warn(
      'the kernel dropped inotify events (queue overflow): tablesnap scans every watched directory again',
    )
  }

  /** A name that is not UTF-8. */
  unreadable(path: string): void {
    if (this.#unreadable.has(path)) return
    this.#unreadable.add(path)
    const message = `${path} cannot be backed up: its name is not UTF-8, which S3 keys must be; rename it`
    this.#outcomes.problem(path, message)
  }

  failed(directory: string, error: TablesnapError): void {
    this.#outcomes.problem(directory, error.message)
  }

  unwatched(directory: string): void {
    this.#unprotected?.appeared(directory)
  }

  awaited(path: string): void {
    this.#log.warn(`${path} is not there: tablesnap watches it as soon as it is`, { path })
  }
}
