import type { Config } from '../config/config.js'
import { errorMessage } from '../errors.js'
import { KnownObjects } from '../plan/known.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import type { KeyLayout } from '../state/keys.js'
import type { States } from '../state/states.js'

import type { Fence } from './fence.js'
import type { Unit } from './unit.js'

/** What units are looked up with. */
export interface LoaderDeps {
  readonly config: Config
  readonly client: S3Client
  readonly keys: KeyLayout
  readonly log: Logger
  readonly states: States
  readonly fence: Fence
  readonly signal: AbortSignal
}

/** Units looked up at once. */
const AT_ONCE = 8

/** Asks the bucket what it knows of units: the newest state, or, where there is none, what the original put there. */
export class Loader {
  readonly #deps: LoaderDeps
  readonly #onLoaded: (unit: Unit, error?: unknown) => void
  /** There is no bucket yet, and none is made. */
  isEmpty = false
  readonly #queue: Unit[] = []
  #running = 0

  /** @param onLoaded told of every unit; with an error when nothing can be said of it */
  constructor(deps: LoaderDeps, onLoaded: (unit: Unit, error?: unknown) => void) {
    this.#deps = deps
    this.#onLoaded = onLoaded
  }

  add(unit: Unit): void {
    this.#queue.push(unit)
    // The scan that found it may still be finding directories of it.
    setImmediate(() => this.#pump())
  }

  #pump(): void {
    while (this.#running < AT_ONCE) {
      const unit = this.#queue.shift()
      if (unit === undefined) return
      this.#running++
      void this.#load(unit)
        .then(
          () => this.#onLoaded(unit),
          (error: unknown) => this.#onLoaded(unit, error),
        )
        .finally(() => {
          this.#running--
          this.#pump()
        })
    }
  }

  /** At most one LIST of one key and 2 GETs, or a LIST for each of its directories. @throws S3Error */
  async #load(unit: Unit): Promise<void> {
    const { config, client, keys, log, states, fence, signal } = this.#deps
    if (this.isEmpty) return
    const newest = await states.newest(unit.name)
    if (newest !== undefined) {
      try {
        unit.newest = await states.read(newest.key)
      } catch (error) {
        log.error(`${errorMessage(error)}; all of ${unit.name} is compared with the bucket anew`, {
          key: newest.key,
        })
        unit.newestTime = newest.time
      }
    }
    if (unit.newest !== undefined || config.mode === 'watch') return
    const known = new KnownObjects(fence.since)
    for (const { path, groups } of unit.directories.values())
      if (groups.size > 0) await known.load(client, keys, path, signal)
    unit.listed = known
  }
}
