import { parseComponent } from '../cassandra/names.js'
import type { FileIdentity } from '../cassandra/file-identity.js'
import { SparseMap } from '../manifest/sparse.js'
import type { DirectoryIdentity } from '../manifest/state.js'

import type { DirectoryScan } from './ports.js'
import type { TableDirectory } from './table-facts.js'
import { TableFiles } from './table-files.js'

/** A watched directory with the files in it. */
export interface WatchedDirectory extends TableDirectory {
  readonly files: SparseMap<string, TableFiles>
  /** The files that the last scan saw, where no events tell of changes. */
  readonly lastScan: ReadonlyMap<string, FileIdentity> | undefined
}

/** The watched directories of a table, and the SSTables and files that lie in them. */
export class WatchedDirectories {
  readonly #all = new Map<string, WatchedDirectory>()

  get byPath(): ReadonlyMap<string, WatchedDirectory> {
    return this.#all
  }

  /** Whether any is of a secondary index, whose transactions are not the table's. */
  get hasIndexes(): boolean {
    for (const { index } of this.#all.values()) if (index !== '') return true
    return false
  }

  /** Whether events tell of every change in each. */
  get haveEvents(): boolean {
    for (const { lastScan } of this.#all.values()) if (lastScan !== undefined) return false
    return true
  }

  /** All SSTables, and files that belong to none, that are there. */
  *files(): Generator<TableFiles> {
    for (const { files } of this.#all.values()) yield* files.values()
  }

  /** @param name of an SSTable, or of a file that belongs to none */
  find(directory: string, name: string): TableFiles | undefined {
    return this.#all.get(directory)?.files.get(name)
  }

  /** Whether files are those of their name, and no others have taken their place. */
  holds(files: TableFiles): boolean {
    return this.find(files.directory, files.name) === files
  }

  /** The SSTable, or file that belongs to none, that a file is of; made when it is new. @param drains how many drained points there were */
  filesOf({ path, index, files: all }: WatchedDirectory, name: string, drains: number): TableFiles {
    const component = parseComponent(name)
    const key = component?.set ?? name
    let files = all.get(key)
    if (files === undefined) {
      files = new TableFiles(path, key, component !== undefined, index, drains)
      all.set(key, files)
    }
    return files
  }

  /** A directory was scanned: it is watched from now on, if it was not before. */
  scanned({ path, index, identity, files: found, isWatched }: DirectoryScan): WatchedDirectory {
    const files = this.#all.get(path)?.files ?? new SparseMap<string, TableFiles>()
    const directory = { path, index, identity, files, lastScan: isWatched ? undefined : found }
    this.#all.set(path, directory)
    return directory
  }

  /** A directory will be scanned. */
  announce(path: string, index: string, identity: DirectoryIdentity | undefined): void {
    this.#all.set(path, { path, index, identity, files: new SparseMap(), lastScan: undefined })
  }

  /** Files are gone. */
  drop({ directory, name }: TableFiles): void {
    this.#all.get(directory)?.files.delete(name)
  }

  /** A directory is watched no longer. */
  delete(path: string): void {
    this.#all.delete(path)
  }
}
