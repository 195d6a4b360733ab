/** What a transaction log says, by the sets' names (the paths in it may name another data directory). */
export interface Txn {
  /** Sets that it creates. */
  readonly adds: ReadonlySet<string>
  /** Sets that it makes obsolete. */
  readonly removes: ReadonlySet<string>
  readonly committed: boolean
}

/**
 * Reads a transaction log (Cassandra 3.0 and later): lines `ADD:[/path/nb-4-big-,0,8][crc]`, `REMOVE:[…]`,
 * `COMMIT:[,0,0][crc]`, `ABORT:[,0,0][crc]`. A line cut off by a crash says nothing.
 */
export function parseTxn(content: string): Txn {
  const adds = new Set<string>()
  const removes = new Set<string>()
  let committed = false
  for (const line of content.split('\n')) {
    const match = /^(ADD|REMOVE|COMMIT|ABORT):\[(.*),-?\d+,\d+\]\[\d+\]$/.exec(line.trim())
    if (match === null) continue
    const [, kind, path = ''] = match
    const set = path.slice(path.lastIndexOf('/') + 1).replace(/-$/, '')
    if (kind === 'ADD') adds.add(set)
    else if (kind === 'REMOVE') removes.add(set)
    else if (kind === 'COMMIT') committed = true
  }
  return { adds, removes, committed }
}
