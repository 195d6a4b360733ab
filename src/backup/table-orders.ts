import type { Activity } from '../status/activity.js'
import type { Orders, Ready, TableNews } from '../tables/ports.js'
import type { TableFiles } from '../tables/table-files.js'
import type { Table } from '../tables/table.js'

import type { ManifestWriter } from './manifest-writer.js'
import type { Outcomes } from './outcomes.js'
import type { Rescans } from './rescans.js'
import type { TableReporter } from './table-reporter.js'
import type { Turns } from './turns.js'
import type { UploadQueue } from './upload-queue.js'

/** Who carries out the orders of tables. */
export interface Workers {
  readonly queue: Pick<UploadQueue, 'add' | 'unlinked'>
  readonly writer: Pick<ManifestWriter, 'changed'>
  readonly rescans: Pick<Rescans, 'order'>
  readonly turns: Pick<Turns, 'wake'>
  readonly activity: Pick<Activity, 'gap' | 'finished'>
}

/** Hands each order of a table to whom it concerns. */
export class TableOrders implements Orders {
  readonly #workers: Workers
  readonly #reporter: TableReporter
  readonly #outcomes: Pick<Outcomes, 'gone' | 'present'>

  constructor(workers: Workers, reporter: TableReporter, outcomes: Pick<Outcomes, 'gone' | 'present'>) {
    this.#workers = workers
    this.#reporter = reporter
    this.#outcomes = outcomes
  }

  upload(table: Table, ready: Ready): void {
    this.#workers.queue.add(table, ready)
  }

  present(_table: Table, files: TableFiles): void {
    this.#outcomes.present(files)
    this.#workers.activity.finished()
  }

  unlinked(_table: Table, files: TableFiles): void {
    this.#outcomes.gone(files)
    this.#workers.queue.unlinked(files)
  }

  restorePoint(table: Table): void {
    this.#workers.writer.changed(table)
  }

  rescan(table: Table, directories: readonly string[]): void {
    this.#workers.rescans.order(table, directories)
  }

  wake(table: Table, at: number | undefined): void {
    this.#workers.turns.wake(table, at)
  }

  tell(table: Table, news: TableNews): void {
    if (news.kind === 'gap') this.#workers.activity.gap()
    this.#reporter.tell(table, news)
  }
}
