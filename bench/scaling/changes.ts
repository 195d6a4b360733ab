import { randomUUID } from 'node:crypto'
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { smallNames, smallSet } from '../data.js'

/**
 * Changes a table of small sets as Cassandra does, with a transaction log.
 * @param generation of the set that is written
 * @param inputs generations that it takes the place of: a compaction; none: a flush
 */
export function change(table: string, generation: number, inputs: readonly number[] = []): void {
  const log = join(table, `nb_txn_${inputs.length === 0 ? 'flush' : 'compaction'}_${randomUUID()}.log`)
  const line = (text: string): string => `${text}[${1_000_000 + generation}]\n`
  const record = (kind: string, set: number): string => line(`${kind}:[${join(table, `nb-${set}-big`)}-,0,8]`)
  writeFileSync(log, record('ADD', generation))
  smallSet(table, generation)
  appendFileSync(log, inputs.map(input => record('REMOVE', input)).join('') + line('COMMIT:[,0,0]'))
  for (const name of inputs.flatMap(smallNames)) rmSync(join(table, name))
  rmSync(log)
}
