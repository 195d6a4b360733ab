import { basename, dirname } from 'node:path'

import { SparseMap } from '../manifest/sparse.js'
import type { Entry, State, StateSet } from '../manifest/state.js'

import type { TableDirectory } from './table-facts.js'
import { TableFiles } from './table-files.js'

/** The SSTables and files that --delete-on-backup deleted from the disk: each stays in every restore point until a commit removes it. */
export class KeptFiles {
  readonly #sstables = new SparseMap<string, TableFiles>()
  /** Files that belong to no SSTable. */
  readonly #files = new SparseMap<string, Entry>()
  /** SSTables that a manifest of another run says so of, until their directories are known. */
  readonly #inherited = new SparseMap<string, StateSet>()
  /** When commits removed SSTables, ms by the server's clock, by path: those that the newest manifest does not tell of. */
  readonly #removedAt = new SparseMap<string, number>()

  /** By path. */
  get sstables(): ReadonlyMap<string, TableFiles> {
    return this.#sstables
  }

  /** Files that belong to no SSTable, by path. */
  get files(): ReadonlyMap<string, Entry> {
    return this.#files
  }

  /** A manifest of ours says `kept` before the SSTable is deleted, and Cassandra may be faster: only others' are taken at their word. */
  inherit(other: State | undefined, isOver: (path: string) => boolean = () => false): void {
    for (const [path, stored] of other?.sets ?? [])
      if (stored.kept && !isOver(path)) this.#inherited.set(path, stored)
  }

  /** Whether a commit removed an SSTable after a time, ms since 1970. */
  isRemovedSince(path: string, time: number): boolean {
    return (this.#removedAt.get(path) ?? -Infinity) > time
  }

  /** Takes over the SSTables that an earlier run deleted from the disk. @param has whether a path is there */
  take(directories: ReadonlyMap<string, TableDirectory>, has: (path: string) => boolean): TableFiles[] {
    for (const [path, stored] of [...this.#inherited]) {
      const directory = directories.get(dirname(path))
      if (directory === undefined) continue
      this.#inherited.delete(path)
      if (this.#sstables.has(path) || has(path)) continue
      const files = new TableFiles(directory.path, basename(path), true, directory.index, 0)
      files.takeStored(stored)
      this.#sstables.set(path, files)
    }
    return [...this.#sstables.values()].filter(({ path, isRemoved }) => !isRemoved && !has(path))
  }

  /** --delete-on-backup has deleted the files from the disk. */
  add(files: TableFiles): void {
    if (files.isSSTable) {
      // A commit removed it while its manifest was being written.
      if (files.isRemoved) return
      files.remote.keep()
      this.#sstables.set(files.path, files)
      return
    }
    const entry = files.stored?.components.get(files.name)
    if (entry !== undefined) this.#files.set(files.path, entry)
  }

  /** An SSTable is no part of the table any more. @param time ms by the server's clock */
  removed(path: string, time: number): void {
    this.#sstables.delete(path)
    this.#inherited.delete(path)
    this.#removedAt.set(path, time)
  }

  /** A manifest is in the bucket that tells of every removal until a time, ms since 1970. */
  written(until: number): void {
    for (const [path, time] of [...this.#removedAt]) if (time <= until) this.#removedAt.delete(path)
  }
}
