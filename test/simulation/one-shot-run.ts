import type { Clockwork } from '../../src/backup/ports.js'
import type { Rescans } from '../../src/backup/rescans.js'
import type { Turns } from '../../src/backup/turns.js'
import type { UploadQueue } from '../../src/backup/upload-queue.js'

import { tableOf, type CoreTable } from './core.js'
import type { Process } from './process.js'
import type { Writer } from './program.js'
import type { SimulatedSensor } from './sensor.js'

/** What a one-shot run consists of. */
export interface OneShotParts {
  readonly process: Process
  readonly clockwork: Clockwork
  readonly settle: number
  readonly tables: ReadonlyMap<string, CoreTable>
  readonly turns: Turns
  readonly rescans: Rescans
  readonly writer: Writer
  /** Whether it scans again what it could not watch, and fails when a table has no restore point. */
  readonly isThorough: boolean
  readonly queue: UploadQueue
  readonly sensor: SimulatedSensor
  readonly isLoaded: () => boolean
  readonly isFenced: () => boolean
}

/** As in the program: how often it looks whether it is done, ms, and how many settle times a table may go on changing. */
const LOOK = 50
const PATIENCE = 10

/** The end of a one-shot backup, as the program has it, in virtual time. */
export class OneShotRun {
  /** Whether it says that all is backed up; undefined: it has not ended. */
  exit: 'success' | 'failure' | undefined
  readonly #parts: OneShotParts
  readonly #covered = new Map<CoreTable, number>()

  constructor(parts: OneShotParts) {
    this.#parts = parts
  }

  async run(): Promise<void> {
    const { tables, turns, queue, writer, sensor } = this.#parts
    await this.#until(() => this.#isDone())
    const { unwatched } = sensor
    if (unwatched.length > 0 && this.#parts.isThorough) {
      sensor.rescan(unwatched)
      await this.#until(() => this.#isDone())
    }
    turns.finish()
    for (const table of tables.values()) table.stop()
    await queue.whenEmpty()
    for (const table of tables.values()) {
      table.expose()
      turns.touch(tableOf(table))
      writer.changed(tableOf(table))
    }
    turns.finish()
    await writer.flush()
    this.exit = this.#isComplete() ? 'success' : 'failure'
  }

  async #until(isSo: () => boolean): Promise<void> {
    do await new Promise<void>(resolve => this.#parts.process.after(LOOK, resolve))
    while (
      // The program ends at once when another writer has the name.
      !isSo() &&
      !this.#parts.isFenced()
    )
  }

  #isDone(): boolean {
    const { tables, turns, rescans, writer, clockwork, settle, isLoaded } = this.#parts
    if (turns.size > 0 || rescans.size > 0 || !isLoaded()) return false
    let isCovered = true
    for (const table of tables.values()) {
      if (table.isCovered && !this.#covered.has(table)) this.#covered.set(table, clockwork.now())
      const since = this.#covered.get(table)
      isCovered &&= since !== undefined
      if (!table.isIdle && (since === undefined || clockwork.now() - since < PATIENCE * settle)) return false
    }
    return isCovered || !writer.isBusy
  }

  #isComplete(): boolean {
    const { tables, writer, isFenced, isThorough } = this.#parts
    if (writer.failed.size > 0 || isFenced()) return false
    for (const table of tables.values()) {
      const all = [...table.files()].filter(({ isSSTable }) => isSSTable)
      if (isThorough && table.lacksGone === true) return false
      if ([...table.missing()].length > 0 || (isThorough && !table.isCovered && all.length > 0)) return false
    }
    return true
  }
}
