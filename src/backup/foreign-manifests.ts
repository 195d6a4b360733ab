import { TablesnapError } from '../errors.js'
import type { ManifestStore } from '../manifest/manifest-store.js'
import type { State } from '../manifest/state.js'
import type { Table } from '../tables/table.js'

/**
 * The manifests that another run of this node writes beside this one. They are looked for right before this run writes: the
 * newest of all, and, as two may be under way at once, the one right behind the newest, if this run wrote that.
 */
export class ForeignManifests {
  readonly #store: ManifestStore
  /** By table: the latest time that was known before the table's newest manifest, ms since 1970. */
  readonly #before = new WeakMap<Table, number>()

  constructor(store: ManifestStore) {
    this.#store = store
  }

  /** The table is about to have another newest manifest: one of its own, or one that it takes up. */
  note(table: Table): void {
    const time = table.newest?.time ?? -Infinity
    this.#before.set(table, Math.max(time, this.#before.get(table) ?? -Infinity))
  }

  /**
   * A manifest of this epoch that the table does not know, the newest one first. One LIST, and mostly no GET.
   * @throws S3Error
   */
  async unknown(table: Table, epoch: number): Promise<State | undefined> {
    const found = (await this.#store.newest(table.name, 2)).find(({ time }) => this.#isUnknown(table, time))
    if (found === undefined) return undefined
    try {
      const state = { ...(await this.#store.read(found.key)), time: found.time }
      return state.epoch === epoch ? state : undefined
    } catch (error) {
      if (error instanceof TablesnapError && error.code === 'STATE_CORRUPT') return undefined
      throw error
    }
  }

  #isUnknown(table: Table, time: number): boolean {
    const known = table.newest?.time ?? -Infinity
    return time > known || (time < known && time > (this.#before.get(table) ?? Infinity))
  }
}
