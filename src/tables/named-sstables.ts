import { join } from 'node:path'

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
    const files = this.known(index, name, txn.paths) ?? this.#onDisk(index, name)
    return files !== undefined && !files.isRemoved && this.#wasWritten(files) ? files : undefined
  }

  /** An SSTable that a transaction has removed; undefined: the table has no directory that it may lie in. */
  removed({ index, txn }: TransactionLog, name: string): TableFiles | undefined {
    return this.find(index, name, txn.removedPaths) ?? this.#unknown(index, name)
  }

  /** It is there; --delete-on-backup deleted it; it went without a reason; or before it had a place. */
  find(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    const { placement } = this.#model
    const known = this.known(index, name, paths)
    const vanished = placement.losses.find(index, name)
    // Events that were queued before a look saw its Data.db gone make files of the name known again, without a Data.db.
    if (vanished !== undefined && known?.has(known.main) !== true) return vanished
    return known ?? placement.passedSSTable(index, name)
  }

  /**
   * It is there, or --delete-on-backup deleted it.
   * @param paths that the log names: an operator's copy in another data directory may have the name, too
   */
  known(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    const { directories, points } = this.#model
    let found: TableFiles | undefined
    for (const directory of directories.byPath.values()) {
      if (directory.index !== index) continue
      const files = directory.files.get(name) ?? points.kept.sstables.get(join(directory.path, name))
      if (files !== undefined && paths?.has(files.path) === true) return files
      found ??= files
    }
    return found
  }

  /** An SSTable whose files are on the disk, and whose events are still to come. */
  #onDisk(index: string, name: string): TableFiles | undefined {
    const { settings, disk } = this.#surroundings
    const { directories, placement } = this.#model
    if (!settings.looksForUnannounced) return undefined
    const main = `${name}-Data.db`
    for (const directory of directories.byPath.values()) {
      if (directory.index !== index || disk.file(join(directory.path, main)) === undefined) continue
      const files = directories.filesOf(directory, main, placement.drains)
      files.add(main)
      return files
    }
    return undefined
  }

  /** An SSTable of which nothing was known. */
  #unknown(index: string, name: string): TableFiles | undefined {
    const { directories, placement } = this.#model
    for (const directory of directories.byPath.values())
      if (directory.index === index)
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
