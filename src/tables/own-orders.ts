import type { Clock, Orders, Ready, TableNews } from './ports.js'
import type { TableFiles } from './table-files.js'
import type { Table } from './table.js'

/** The orders that one table gives. It owns when the table asked to be woken: a later time does not take the place of an earlier one. */
export class OwnOrders {
  readonly #table: Table
  readonly #orders: Orders
  readonly #clock: Clock
  /** ms of the monotonic clock. */
  #wakesAt: number | undefined
  #isStopped = false

  constructor(table: Table, orders: Orders, clock: Clock) {
    this.#table = table
    this.#orders = orders
    this.#clock = clock
  }

  upload(ready: Ready): void {
    this.#orders.upload(this.#table, ready)
  }

  present(files: TableFiles): void {
    this.#orders.present(this.#table, files)
  }

  unlinked(files: TableFiles): void {
    this.#orders.unlinked(this.#table, files)
  }

  restorePoint(): void {
    this.#orders.restorePoint(this.#table)
  }

  rescan(directories: readonly string[], why: string): void {
    this.#orders.rescan(this.#table, directories, why)
  }

  tell(news: Iterable<TableNews>): void {
    for (const one of news) this.#orders.tell(this.#table, one)
  }

  /** Something is to be judged. */
  wakeNow(): void {
    this.#wake(this.#clock.now())
  }

  /** In place of a time asked for before. @param at ms of the monotonic clock; undefined: nothing is due */
  wakeAt(at: number | undefined): void {
    if (this.#isStopped) return
    this.#wakesAt = undefined
    if (at !== undefined) this.#wake(at)
  }

  /** The table is woken no more. */
  stop(): void {
    this.#isStopped = true
    this.#wakesAt = undefined
    this.#orders.wake(this.#table, undefined)
  }

  #wake(at: number): void {
    if (this.#isStopped || (this.#wakesAt !== undefined && this.#wakesAt <= at)) return
    this.#wakesAt = at
    this.#orders.wake(this.#table, at)
  }
}
