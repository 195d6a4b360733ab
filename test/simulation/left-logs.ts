import { isVital } from './operator.js'
import type { Directory } from './file-system.js'
import type { Store } from './store.js'
import type { TrueSSTable } from './truth.js'

/** The transaction logs of a store that are left after a directory with others was lost: Cassandra starts with what they say. */
export class LeftLogs {
  readonly #store: Store
  /** Names that a log says are written and not committed, and names that a committed one removes. */
  readonly #open = new Set<string>()
  readonly #removed = new Set<string>()

  constructor(store: Store) {
    this.#store = store
    const committed = new Set<string>()
    const all = store.directories.flatMap(({ files }) =>
      [...files].flatMap(([name, { txn }]) => (txn === undefined ? [] : [{ name, txn }])),
    )
    // One replica with COMMIT decides, as far as it is not lost.
    for (const { name, txn } of all) if (txn.committed) committed.add(name)
    for (const { name, txn } of all)
      for (const sstable of committed.has(name) ? txn.removes : txn.adds)
        (committed.has(name) ? this.#removed : this.#open).add(sstable)
  }

  /** SSTables whose COMMIT was in the lost directory alone: Cassandra deletes their files. */
  rolledBack(): TrueSSTable[] {
    return this.#there().filter(sstable => this.#truth.isLive(sstable) && this.#open.has(sstable.name))
  }

  /** SSTables that a compaction has removed, and that no log says so of any more: Cassandra would read their files again. */
  freed(): TrueSSTable[] {
    return this.#there().filter(
      sstable =>
        !this.#truth.isLive(sstable) && !this.#open.has(sstable.name) && !this.#removed.has(sstable.name),
    )
  }

  get #truth() {
    return this.#store.truth
  }

  /** The whole SSTables that are on the disk. */
  #there(): TrueSSTable[] {
    return this.#store.directories.flatMap(({ path, files }) =>
      [...files].flatMap(([file, { content }]) => {
        const sstable = file.endsWith('-Data.db')
          ? this.#truth.find(`${path}/${file.slice(0, -8)}`, content)
          : undefined
        if (sstable === undefined) return []
        const vital = [...sstable.contents.keys()].filter(isVital)
        return vital.every(component => files.has(`${sstable.name}-${component}`)) ? [sstable] : []
      }),
    )
  }
}

/**
 * Paths of what has all files of an SSTable: if they went now, nobody could tell whether a copy had filled them yet.
 */
export function assembled({ path, files }: Directory): string[] {
  return [...files.keys()]
    .filter(file => file.endsWith('-Data.db'))
    .map(file => file.slice(0, -8))
    .filter(name => {
      const has = (component: string) => files.has(`${name}-${component}`)
      return has('Statistics.db') && (has('Index.db') || (has('Partitions.db') && has('Rows.db')))
    })
    .map(name => `${path}/${name}`)
}
