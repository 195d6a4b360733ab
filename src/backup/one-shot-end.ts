import { setTimeout as sleep } from 'node:timers/promises'

import type { Config } from '../config/config.js'
import type { Table } from '../tables/table.js'
import type { Watcher } from '../watch/watcher.js'
import { counted } from '../report/format.js'

import type { Parts } from './parts.js'
import { nameOf } from './table-reporter.js'

/** How often a one-shot backup looks whether it is done, ms. */
const LOOK = 50

/** How many settle times a table may go on changing once it has a restore point of this run. */
const PATIENCE = 10

/** The end of a one-shot backup: when it has come, and what is missing then. */
export class OneShotEnd {
  readonly #parts: Parts
  readonly #watcher: Watcher
  readonly #config: Config
  /** When each table had a restore point of all that was found, ms of the monotonic clock. */
  readonly #covered = new Map<Table, number>()

  constructor(parts: Parts, watcher: Watcher, config: Config) {
    this.#parts = parts
    this.#watcher = watcher
    this.#config = config
  }

  /** Waits for the end, writes the last restore points, and names what is missing. */
  async run(): Promise<void> {
    const { tables, outcomes } = this.#parts
    const { turns } = this.#parts.disk
    const { emptyPaths, leftUploads } = this.#parts.bucket
    const { queue, writer } = this.#parts.uploads
    await this.#whenDone()
    if (this.#watcher.unwatched.length > 0) {
      // No event has told what happened in them since their scan.
      this.#watcher.rescan(this.#watcher.unwatched)
      await this.#whenDone()
    }
    await emptyPaths.check(this.#config.paths, outcomes)
    turns.finish()
    this.#watcher.close()
    for (const table of tables) table.stop()
    await queue.whenEmpty()
    for (const table of tables) {
      table.expose()
      turns.touch(table)
      writer.changed(table)
    }
    turns.finish()
    await writer.flush()
    if (!this.#config.dryRun) await leftUploads.end()
    for (const table of tables) this.#judge(table)
  }

  async #whenDone(): Promise<void> {
    do await sleep(LOOK)
    while (!this.#isDone())
  }

  #isDone(): boolean {
    const { tables, clockwork } = this.#parts
    const { turns, rescans } = this.#parts.disk
    const { loader, audits } = this.#parts.bucket
    const { writer } = this.#parts.uploads
    if (turns.size > 0 || rescans.size > 0 || this.#watcher.isBehind) return false
    if (!loader.isIdle || !audits.isIdle) return false
    let isCovered = true
    for (const table of tables) {
      if (table.isCovered && !this.#covered.has(table)) this.#covered.set(table, clockwork.now())
      const since = this.#covered.get(table)
      isCovered &&= since !== undefined
      const isPatient = since === undefined || clockwork.now() - since < PATIENCE * this.#config.settle
      if (!table.isIdle && isPatient) return false
    }
    return isCovered || !writer.isBusy
  }

  #judge(table: Table): void {
    const { outcomes } = this.#parts
    const { writer } = this.#parts.uploads
    const { summary } = outcomes
    outcomes.known(table)
    for (const { path, why } of table.missing()) {
      if (why === 'incomplete') summary.leave(path, false)
      else if (why === 'written') summary.leave(path, true)
    }
    if (this.#config.dryRun || writer.failed.has(table.name)) return
    if (table.lacksGone)
      outcomes.problem(
        table.name,
        `${nameOf(table)} changed while it was backed up, and its newest restore point lacks SSTables: run tablesnap -B again`,
      )
    if (table.isCovered) return
    const sstables = [...table.files()].filter(({ isSSTable }) => isSSTable).length
    if (sstables === 0) return
    const count = counted(sstables, 'SSTable')
    outcomes.problem(
      table.name,
      `${nameOf(table)} has ${count}, and no restore point of this run: run tablesnap -B again`,
    )
  }
}
