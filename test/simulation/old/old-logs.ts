import { isAddition } from '../../../src/cassandra/names.js'
import { EMPTY_TXN, isEnd, mergeTxns, type Txn } from '../../../src/cassandra/transaction-log.js'

/** A transaction log as the program knew it before. */
export class OldLog {
  txn: Txn = EMPTY_TXN
  isTold = false
  readonly replicas = new Set<string>()

  constructor(
    readonly name: string,
    readonly index: string,
  ) {}

  get isEnd(): boolean {
    return isEnd(this.name)
  }

  get isAddition(): boolean {
    return isAddition(this.name)
  }
}

export class OldLogs {
  readonly #all = new Map<string, OldLog>()
  readonly #told = new Set<string>()

  of(name: string, index: string): OldLog {
    const key = `${index}/${name}`
    let log = this.#all.get(key)
    if (log === undefined) {
      log = new OldLog(name, index)
      log.isTold = this.#told.has(key)
      this.#all.set(key, log)
    }
    return log
  }

  read(log: OldLog, directory: string, txn: Txn): void {
    log.replicas.add(directory)
    log.txn = mergeTxns([txn, log.txn])
  }

  tidy(log: OldLog): void {
    if (log.replicas.size > 0) return
    this.#all.delete(`${log.index}/${log.name}`)
    if (log.isTold) this.#told.add(`${log.index}/${log.name}`)
  }

  in(directory: string): OldLog[] {
    return [...this.#all.values()].filter(({ replicas }) => replicas.has(directory))
  }

  isWritten(index: string, name: string): boolean {
    return [...this.#all.values()].some(
      ({ txn, index: of }) => of === index && !txn.committed && txn.adds.has(name),
    )
  }

  isObsolete(index: string, name: string): boolean {
    return [...this.#all.values()].some(
      ({ txn, index: of }) => of === index && txn.committed && txn.removes.has(name),
    )
  }
}
