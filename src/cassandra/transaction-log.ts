/** What a transaction log says, by the sets' names (the paths in it may name another data directory). */
export interface Txn {
  /** Sets that it creates. */
  readonly adds: ReadonlySet<string>
  /** Sets that it makes obsolete. */
  readonly removes: ReadonlySet<string>
  /** The paths of what it creates, as Cassandra wrote them, without the component. */
  readonly paths: ReadonlySet<string>
  /** The paths of what it makes obsolete. */
  readonly removedPaths: ReadonlySet<string>
  readonly committed: boolean
}

/** Says nothing. */
export const EMPTY_TXN: Txn = {
  adds: new Set(),
  removes: new Set(),
  paths: new Set(),
  removedPaths: new Set(),
  committed: false,
}

/**
 * Reads a transaction log (Cassandra 3.0 and later): lines `ADD:[/path/nb-4-big-,0,8][crc]`, `REMOVE:[…]`,
 * `COMMIT:[,0,0][crc]`, `ABORT:[,0,0][crc]`. A line cut off by a crash says nothing.
 */
export function parseTxn(content: string): Txn {
  const adds = new Set<string>()
  const removes = new Set<string>()
  const paths = new Set<string>()
  const removedPaths = new Set<string>()
  let committed = false
  for (const line of content.split('\n')) {
    const match = /^(ADD|REMOVE|COMMIT|ABORT):\[(.*),-?\d+,\d+\]\[\d+\]$/.exec(line.trim())
    if (match === null) continue
    const [, kind, text = ''] = match
    const path = text.replace(/-$/, '')
    const set = path.slice(path.lastIndexOf('/') + 1)
    if (kind === 'ADD') {
      adds.add(set)
      paths.add(path)
    } else if (kind === 'REMOVE') {
      removes.add(set)
      removedPaths.add(path)
    } else if (kind === 'COMMIT') committed = true
  }
  return { adds, removes, paths, removedPaths, committed }
}

/** What the replicas of one log, one in each data directory, say together: a COMMIT in any counts. */
export function mergeTxns(txns: Iterable<Txn>): Txn {
  const adds = new Set<string>()
  const removes = new Set<string>()
  const paths = new Set<string>()
  const removedPaths = new Set<string>()
  let committed = false
  for (const txn of txns) {
    for (const set of txn.adds) adds.add(set)
    for (const set of txn.removes) removes.add(set)
    for (const path of txn.paths) paths.add(path)
    for (const path of txn.removedPaths) removedPaths.add(path)
    committed ||= txn.committed
  }
  return { adds, removes, paths, removedPaths, committed }
}

/** Whether a log's name is that of a truncate or drop (OperationType.UNKNOWN): what it removes is gone for good. */
export function isEnd(name: string): boolean {
  return name.includes('_txn_unknowncompactiontype_')
}
