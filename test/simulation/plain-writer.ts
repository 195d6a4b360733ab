import type { ManifestStore, Ownership, Timers } from '../../src/backup/ports.js'

import type { CoreTable } from './core.js'

/** Writes manifests without any finesse, one at a time for each table. */
export class PlainWriter {
  readonly #store: ManifestStore
  readonly #ownership: Ownership
  readonly #timers: Timers
  readonly #node: string
  readonly #due = new Set<CoreTable>()
  readonly #busy = new Set<CoreTable>()
  isFenced = false

  constructor(store: ManifestStore, ownership: Ownership, timers: Timers, node: string) {
    this.#store = store
    this.#ownership = ownership
    this.#timers = timers
    this.#node = node
  }

  get isIdle(): boolean {
    return this.#due.size + this.#busy.size === 0
  }

  changed(table: CoreTable, delay = 50): void {
    if (this.#due.has(table) || this.isFenced) return
    this.#due.add(table)
    this.#timers.after(delay, () => {
      this.#due.delete(table)
      if (this.#busy.has(table)) this.changed(table, 500)
      else void this.#write(table)
    })
  }

  async #write(table: CoreTable): Promise<void> {
    this.#busy.add(table)
    const newest = table.newest
    try {
      const there = await this.#store.newest(table.name)
      if (there !== undefined && there.time > (newest?.time ?? -Infinity))
        table.adopt(await this.#store.read(there.key))
    } catch {
      this.#busy.delete(table)
      this.changed(table, 2000)
      return
    }
    const draft = table.draft()
    if (draft === undefined) {
      this.#busy.delete(table)
      return
    }
    const state = { ...draft.state, node: this.#node, epoch: this.#ownership.epoch }
    try {
      await this.#ownership.check()
      await this.#store.write({ state, delta: undefined })
      this.#busy.delete(table)
      table.written(draft, state)
      for (const files of draft.leaving) void files
    } catch (error) {
      this.#busy.delete(table)
      this.isFenced ||= error instanceof Error && 'code' in error && error.code === 'FENCED'
      table.failed(draft)
      this.changed(table, 2000)
    }
  }
}
