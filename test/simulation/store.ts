import type { Directory } from './file-system.js'
import { SSTable } from './sstable.js'
import type { Truth } from './truth.js'

/** How a table's SSTables are named and made. */
export interface Format {
  /** Version letters: `nb`, `da`, `jb`. */
  readonly version: string
  readonly isTrie: boolean
  /** Whether names have identifiers that are never used again, not numbers. */
  readonly hasUniqueIds: boolean
  /** Whether flushes and compactions write SAI components. */
  readonly hasSai: boolean
}

/** Whether Cassandra writes transaction logs. */
export function hasLogs({ version }: Format): boolean {
  return version !== 'jb'
}

const BIG = ['Data.db', 'Index.db', 'Summary.db', 'Statistics.db', 'TOC.txt']
const TRIE = ['Data.db', 'Rows.db', 'Partitions.db', 'Statistics.db', 'TOC.txt']
const SAI = ['SAI+aa+idx+Meta.db', 'SAI+aa+idx+Terms.db']

/** A table's SSTables, or those of one of its secondary indexes, over all data directories. */
export class Store {
  /** What Cassandra has open. */
  readonly live = new Set<SSTable>()
  /** Its table was dropped. */
  isDropped = false
  #generation = 1

  constructor(
    /** Of the table that it belongs to, as the daemon's unit of a directory: `ks/t-0a1b…`. */
    readonly unit: string,
    /** The secondary index, or ''. */
    readonly index: string,
    public directories: readonly Directory[],
    readonly format: Format,
    readonly truth: Truth,
  ) {}

  /** SSTables that no job works on. */
  get idle(): SSTable[] {
    return [...this.live].filter(({ isBusy }) => !isBusy)
  }

  /** A new SSTable, without files. @param generation as an operator chooses it; the next one that is free unless given */
  sstable(directory: Directory, generation?: number): SSTable {
    if (generation !== undefined) return this.#make(directory, generation)
    for (;;) {
      const sstable = this.#make(directory, this.#generation++)
      const isTaken = this.directories.some(({ files }) => files.has(sstable.file('Data.db')))
      if (!isTaken) return sstable
    }
  }

  /** Another SSTable under the name of one. */
  again({ directory, name, components }: SSTable): SSTable {
    return new SSTable(this, directory, name, components)
  }

  #make(directory: Directory, generation: number): SSTable {
    const { version, isTrie, hasUniqueIds, hasSai } = this.format
    const id = hasUniqueIds ? `3h5r_09tz_${generation}a` : String(generation)
    const name = version === 'jb' ? `ks-t-jb-${id}` : `${version}-${id}-${isTrie ? 'bti' : 'big'}`
    const basic = isTrie ? TRIE : BIG
    return new SSTable(this, directory, name, hasSai ? [...basic, ...SAI] : basic)
  }

  /** As when Cassandra starts: generations go on after the largest that is there. */
  recount(): void {
    if (this.format.hasUniqueIds) return
    let largest = 0
    for (const { files } of this.directories) {
      for (const name of files.keys()) {
        const generation = Number(/-(\d+)-/.exec(name)?.[1] ?? 0)
        // Below 3.0 the order of generations says what was compacted: an output has a larger one than its inputs.
        if (generation > largest && (generation < FOREIGN || !hasLogs(this.format))) largest = generation
      }
    }
    this.#generation = largest + 1
  }
}

/** Generations from here on are of SSTables that an operator brings from elsewhere. */
export const FOREIGN = 500
