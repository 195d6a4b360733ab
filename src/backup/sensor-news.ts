import { join } from 'node:path'

import type { TablesnapError } from '../errors.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import type { Activity } from '../status/activity.js'
import type { WatchNews } from '../watch/listener.js'
import { hiddenError } from '../watch/watch-error.js'

import type { Outcomes } from './outcomes.js'
import type { Unprotected } from './unprotected.js'

/** How news of directories are taken. */
export interface SensorNewsSettings {
  readonly isBackedUp: (directory: string, name: string) => boolean
  readonly activity: Activity
  /** Is told of directories that appear and are not watched; undefined in a one-shot run, which takes up no new directory. */
  readonly unprotected?: Unprotected
  /** Ends a one-shot run, which cannot wait for a file system that was unmounted; undefined: it is waited for. */
  readonly fail?: (error: TablesnapError) => void
}

/** Says what the watcher and the scans ran into, as far as an operator should know. */
export class SensorNews implements Problems, WatchNews {
  readonly #log: Logger
  readonly #outcomes: Outcomes
  readonly #settings: SensorNewsSettings
  readonly #unreadable = new Set<string>()

  constructor(log: Logger, outcomes: Outcomes, settings: SensorNewsSettings) {
    this.#log = log
    this.#outcomes = outcomes
    this.#settings = settings
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
    this.#settings.activity.overflow()
    this.#log.warn(
      'the kernel dropped inotify events (queue overflow): tablesnap scans every watched directory again',
    )
  }

  /** A name that is not UTF-8. */
  unreadable(directory: string, name: string): void {
    const path = join(directory, name)
    if (this.#unreadable.has(path)) return
    this.#unreadable.add(path)
    const message = `${path} cannot be backed up: its name is not UTF-8, which S3 keys must be; rename it`
    this.#outcomes.problem(path, message)
  }

  broken(directory: string, name: string): void {
    if (!this.#settings.isBackedUp(directory, name)) return
    const path = join(directory, name)
    this.#outcomes.problem(
      path,
      `${path} is a symbolic link that leads nowhere: nothing is backed up through it`,
    )
  }

  /** A directory's file system was unmounted. */
  hidden(directory: string): void {
    this.#settings.fail?.(hiddenError(directory))
  }

  mounted(path: string): void {
    this.#outcomes.solved(path)
    this.#log.info(`${path} is mounted again: tablesnap scans all directories below it`, { path })
  }

  failed(directory: string, error: TablesnapError): void {
    this.#outcomes.problem(directory, error.message)
  }

  unwatched(directory: string): void {
    this.#settings.unprotected?.appeared(directory)
  }

  awaited(path: string): void {
    this.#log.warn(`${path} is not there: tablesnap watches it as soon as it is`, { path })
  }
}
