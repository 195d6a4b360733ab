import { basename, join } from 'node:path'

import type { TransactionLog } from './logs.js'
import type { Surroundings } from './ports.js'
import { TableFiles } from './table-files.js'
import type { TableModel } from './table-model.js'

/** Finds the SSTables that a transaction log names: in the directories, among those that went, or on the disk. */
export class NamedSSTables {
  readonly #surroundings: Surroundings
  readonly #model: TableModel

  constructor(surroundings: Surroundings, model: TableModel) {
    this.#surroundings = surroundings
    this.#model = model
  }

  /** The outputs of a transaction that has committed. */
  added({ index, txn }: TransactionLog, name: string): TableFiles | undefined {
    // One that vanished from the path is another one: the line may name an SSTable that was never written.
    const files = this.known(index, name, txn.paths) ?? this.#onDisk(index, name, txn.paths)
    return files !== undefined && !files.isRemoved && this.#wasWritten(files) ? files : undefined
  }

  /** The SSTables that a transaction has removed, as far as the table has a directory that they may lie in. */
  removed({ index, txn: { removes, removedPaths } }: TransactionLog): TableFiles[] {
    const all = new Set<TableFiles | undefined>()
    for (const name of removes)
      all.add(this.find(index, name, removedPaths) ?? this.#unknown(index, name, removedPaths))
    // Two lines have one name where an operator put an SSTable of the name into another data directory.
    if (removedPaths.size > removes.size)
      for (const path of removedPaths) all.add(this.find(index, basename(path), new Set([path])))
    return [...all].filter(files => files !== undefined)
  }

  /** It is there; --delete-on-backup deleted it; it went without a reason; or before it had a place. @param paths as of {@link known} */
  find(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    const { placement } = this.#model
    const known = this.known(index, name, paths)
    const isThere = known?.has(known.main) === true
    const vanished = placement.losses.find(index, name, paths)
    // Events that were queued before a look saw its Data.db gone make files of the name known again, without a Data.db.
    const all = [
      ...(isThere ? [known, vanished] : [vanished, known]),
      placement.passedSSTable(index, name, paths),
    ]
    return (
      all.find(files => files !== undefined && paths?.has(files.path)) ??
      all.find(files => files !== undefined)
    )
  }

  /** All of a name that are there: an operator may have put one of the name into another data directory. */
  *all(index: string, name: string): Generator<TableFiles> {
    for (const directory of this.#model.directories.byPath.values()) {
      const files = directory.index === index ? directory.files.get(name) : undefined
      if (files !== undefined) yield files
    }
  }

  /**
   * It is there, or --delete-on-backup deleted it.
   * @param paths that the log names: an operator's copy in another data directory may have the name, too
   */
  known(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    const { directories, logs, points } = this.#model
    let found: TableFiles | undefined
    for (const directory of directories.byPath.values()) {
      if (directory.index !== index) continue
      const files = directory.files.get(name) ?? points.kept.sstables.get(join(directory.path, name))
      if (files === undefined || (paths !== undefined && !logs.mean(paths, name, files.path))) continue
      if (paths?.has(files.path) === true) return files
      found ??= files
    }
    return found
  }

  /** An SSTable whose files are on the disk, and whose events are still to come. */
  #onDisk(index: string, name: string, paths: ReadonlySet<string>): TableFiles | undefined {
    const { settings, disk } = this.#surroundings
    const { directories, logs, placement } = this.#model
    if (!settings.looksForUnannounced) return undefined
    const main = `${name}-Data.db`
    for (const directory of directories.byPath.values()) {
      if (directory.index !== index || disk.file(join(directory.path, main)) === undefined) continue
      if (!logs.mean(paths, name, join(directory.path, name))) continue
      const files = directories.filesOf(directory, main, placement.drains)
      files.add(main)
      return files
    }
    return undefined
  }

  /** An SSTable of which nothing was known. */
  #unknown(index: string, name: string, paths: ReadonlySet<string>): TableFiles | undefined {
    const { directories, logs, placement } = this.#model
    for (const directory of directories.byPath.values())
      if (directory.index === index && logs.mean(paths, name, join(directory.path, name)))
        return new TableFiles(directory.path, name, true, index, placement.drains)
    return undefined
  }

  /** An ADD without files is no output: its Data.db must be there, or be open already. */
  #wasWritten(files: TableFiles): boolean {
    if (files.status === 'uploading' || files.stored !== undefined) return true
    const identity = this.#surroundings.disk.file(join(files.directory, files.main))
    if (identity !== undefined) files.noteMain(identity)
    return identity !== undefined
  }
}
