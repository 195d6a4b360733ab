import type { TransactionLog } from './logs.js'
import type { OwnOrders } from './own-orders.js'
import type { TableModel } from './table-model.js'

/** Changes of the table that may have been missed: they are a gap, and its directories are scanned again to make up for them. */
export class MissedChanges {
  readonly #model: TableModel
  readonly #orders: OwnOrders

  constructor(model: TableModel, orders: OwnOrders) {
    this.#model = model
    this.#orders = orders
  }

  /** @param log the transaction log that could not be read, if that is why */
  note(why: string, log?: TransactionLog): void {
    const { placement, directories } = this.#model
    placement.missed(why, directories.byPath.keys(), log)
    this.#orders.wakeNow()
  }

  /** Orders a scan if there is a gap that needs one. */
  rescan(why: string): void {
    const { placement, directories } = this.#model
    if (placement.orderScan() && directories.byPath.size > 0)
      this.#orders.rescan([...directories.byPath.keys()], why)
  }
}
