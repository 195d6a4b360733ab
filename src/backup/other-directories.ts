import { dirname } from 'node:path'

import type { TablesnapError } from '../errors.js'
import type { State } from '../manifest/state.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import { isKnownElsewhere, isSameDataDirectory } from '../tables/data-directories.js'
import type { Disk } from '../tables/ports.js'
import type { Table } from '../tables/table.js'

/** Who watches one more directory. */
export interface DirectoryTaker {
  /** Watches and scans it at once. @returns why it cannot be */
  include(path: string): TablesnapError | undefined
}

/**
 * Takes in the data directories of a table that the paths of this run do not hold, and that the newest manifest names: another run
 * of the node backs them up. A restore point is of the whole table, so one -B line for each data directory adds up only if each run
 * sees all directories of the tables that it backs up.
 *
 * It leaves out a directory that is another one by now, one that is watched under another path, and a copy: Cassandra never gives
 * two SSTables of a table the same name, so a directory with the same names is what a move has left behind.
 */
export class OtherDirectories {
  readonly #taker: DirectoryTaker
  readonly #disk: Disk
  readonly #problems: Problems
  readonly #log: Logger
  readonly #told = new Set<string>()

  constructor(taker: DirectoryTaker, disk: Disk, problems: Problems, log: Logger) {
    this.#taker = taker
    this.#disk = disk
    this.#problems = problems
    this.#log = log
  }

  /** To be called before the table is told of its newest manifest. */
  take(table: Table, newest: State): void {
    if (!table.isTable) return
    for (const path of newest.directories.keys()) {
      if (table.directories.has(path) || !isSameDataDirectory(path, newest, this.#disk)) continue
      if (isKnownElsewhere(path, table.directories.values(), this.#disk)) continue
      if (isCopy(path, newest, table)) continue
      const error = this.#taker.include(path)
      if (error === undefined) this.#tell(path)
      else this.#problems.problem(path, error.message)
    }
  }

  /** Once for all tables of a data directory. */
  #tell(path: string): void {
    const data = dirname(dirname(path))
    if (this.#told.has(data)) return
    this.#told.add(data)
    this.#log.info(
      `${data} is another data directory of this node: tables of this run that have SSTables there are backed up whole`,
      { path: data },
    )
  }
}

/** Whether a directory has an SSTable of a name that one in a directory of the table has, too. */
function isCopy(path: string, newest: State, table: Table): boolean {
  const names = new Set<string>()
  for (const set of newest.sets.keys()) if (set.startsWith(`${path}/`)) names.add(set.slice(path.length + 1))
  for (const { name, isSSTable, index } of table.files())
    if (isSSTable && index === '' && names.has(name)) return true
  return false
}
