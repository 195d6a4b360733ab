import type { ObjectSettings } from '../s3/settings.js'
import type { State } from '../state/state.js'
import type { StoredState } from '../state/manifest.js'
import { timeOf } from '../state/ranked.js'
import type { States } from '../state/states.js'

import type { ManifestKey, ManifestStore } from './ports.js'

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
