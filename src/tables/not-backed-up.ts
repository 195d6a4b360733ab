import { join } from 'node:path'

import { SparseSet } from '../manifest/sparse.js'

import type { TableNews } from './ports.js'
import type { TableFiles } from './table-files.js'

const NONE: ReadonlySet<TableFiles> = new Set()

/** The directories, SSTables and files that the next restore point names as not backed up although no commit tells of them. */
export class NotBackedUp {
  /** Directories with SSTables of the table that are not watched. */
  readonly #directories = new SparseSet<string>()
  /** SSTables and files that do not come to rest, as far as the operator was told. */
  #restless: ReadonlySet<TableFiles> = NONE
  #isChanged = false
  readonly #news: TableNews[] = []

  /** Whether restore points have something else to say of it than the last draft. */
  get isChanged(): boolean {
    return this.#isChanged
  }

  /** The paths; `…/*` stands for a directory. */
  *paths(): Generator<string> {
    for (const directory of this.#directories) yield join(directory, '*')
    for (const { path } of this.#restless) yield path
  }

  /** Takes out the news for the operator that were not told yet. */
  takeNews(): TableNews[] {
    return this.#news.splice(0)
  }

  hasDirectory(path: string): boolean {
    return this.#directories.has(path)
  }

  /** SSTables of the table lie in a directory that is not watched. @param isTold whether the operator was told why */
  addDirectory(path: string, isTold = false): void {
    if (this.#directories.has(path)) return
    this.#directories.add(path)
    this.#isChanged = true
    if (!isTold) this.#news.push({ kind: 'directory-unwatched', path })
  }

  /** A directory is watched now. */
  deleteDirectory(path: string): void {
    if (this.#directories.delete(path)) this.#isChanged = true
  }

  /** SSTables and files that do not come to rest, also SSTables that are in no commit for that reason. */
  noteRestless(restless: readonly TableFiles[]): void {
    const before = this.#restless
    this.#restless = restless.length === 0 ? NONE : new Set(restless)
    for (const files of before) {
      if (this.#restless.has(files)) continue
      this.#news.push({ kind: 'complete', path: files.path })
      this.#isChanged = true
    }
    for (const files of this.#restless) {
      if (before.has(files)) continue
      this.#news.push({ kind: 'incomplete', path: files.path, isPart: true, missing: [] })
      this.#isChanged = true
    }
  }

  /** A draft says it. */
  drafted(): void {
    this.#isChanged = false
  }
}
