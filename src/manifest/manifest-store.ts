import type { ObjectSettings } from '../s3/settings.js'

import type { StoredState } from './manifest.js'
import { timeOf } from './ranked.js'
import type { State } from './state.js'
import type { States } from './states.js'

/** The key of a manifest. */
export interface ManifestKey {
  readonly key: string
  /** The moment as of which its restore point counts, ms since 1970. */
  readonly time: number
}

/** The manifests of a node in the bucket. */
export interface ManifestStore {
  /** The keys of a table's newest manifests, the newest first. @throws S3Error */
  newest(unit: string, count: number): Promise<readonly ManifestKey[]>
  /** @throws S3Error; TablesnapError `STATE_CORRUPT` */
  read(key: string): Promise<State>
  /**
   * @param guard runs before each attempt; what it throws ends them
   * @returns key, bytes, and CPU time of the main thread, ms
   * @throws S3Error 412 when another manifest has the key
   */
  write(
    stored: StoredState,
    guard: () => Promise<void>,
  ): Promise<{ readonly key: string; readonly bytes: number; readonly busy: number }>
}

/** The manifests of a node in its bucket. */
export class BucketManifests implements ManifestStore {
  readonly #states: States
  readonly #settings: ObjectSettings

  constructor(states: States, settings: ObjectSettings) {
    this.#states = states
    this.#settings = settings
  }

  async newest(unit: string, count: number): Promise<readonly ManifestKey[]> {
    const keys = await this.#states.some(unit, count)
    return keys.map(key => ({ key: key.key, time: timeOf(key) }))
  }

  read(key: string): Promise<State> {
    return this.#states.read(key)
  }

  write(
    stored: StoredState,
    guard: () => Promise<void>,
  ): Promise<{ readonly key: string; readonly bytes: number; readonly busy: number }> {
    return this.#states.write(stored, this.#settings, guard)
  }
}
