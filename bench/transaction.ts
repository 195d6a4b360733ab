import { randomUUID } from 'node:crypto'
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { smallNames, smallSet } from './data.js'

/** A transaction that writes one small set, as Cassandra logs it. */
export class Transaction {
  readonly #table: string
  readonly #generation: number
  readonly #inputs: readonly number[]
  readonly #log: string

  /** @param inputs generations of the sets that it takes the place of: a compaction; none: a flush */
  constructor(table: string, generation: number, inputs: readonly number[] = []) {
    this.#table = table
    this.#generation = generation
    this.#inputs = inputs
    this.#log = join(table, `nb_txn_${inputs.length === 0 ? 'flush' : 'compaction'}_${randomUUID()}.log`)
  }

  /** Begins the log, and writes the set. @returns the names of its files */
  write(): string[] {
    writeFileSync(this.#log, this.#record('ADD', this.#generation))
    return smallSet(this.#table, this.#generation)
  }

  commit(): void {
    const removes = this.#inputs.map(input => this.#record('REMOVE', input)).join('')
    appendFileSync(this.#log, removes + this.#line('COMMIT:[,0,0]'))
  }

  /** Deletes the inputs, and the log after them. */
  end(): void {
    for (const name of this.#inputs.flatMap(smallNames)) rmSync(join(this.#table, name))
    rmSync(this.#log)
  }

  /** All of it at once. */
  run(): void {
    this.write()
    this.commit()
    this.end()
  }

  #record(kind: string, generation: number): string {
    return this.#line(`${kind}:[${join(this.#table, `nb-${generation}-big`)}-,0,8]`)
  }

  /** The number in place of a checksum is another one in each log. */
  #line(text: string): string {
    return `${text}[${1_000_000 + this.#generation}]\n`
  }
}
