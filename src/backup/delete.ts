import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

import { identify, sameIdentity } from '../cassandra/file-identity.js'
import { dataFirst, parseComponent } from '../cassandra/names.js'
import { errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import type { TableFiles } from '../tables/table-files.js'

/** Deletes files from the disk that the bucket holds (`--delete-on-backup`): whole SSTables only, as they were uploaded. */
export class UploadedFiles {
  readonly #log: Logger
  readonly #problems: Problems

  constructor(log: Logger, problems: Problems) {
    this.#log = log
    this.#problems = problems
  }

  /**
   * Deletes an SSTable, or a file that belongs to none, unless one of its files differs from what was uploaded, or is not
   * backed up: an SSTable must not be torn apart.
   * @returns whether it is gone
   */
  delete(files: TableFiles): boolean {
    const { directory, path } = files
    try {
      const names = files.isSSTable ? namesOf(files) : [files.name]
      // Cassandra may have been faster: then it is not ours to remember.
      if (!names.includes(files.main) || !names.every(name => isAsUploaded(files, name))) return false
      for (const name of dataFirst(names)) unlinkSync(join(directory, name))
      this.#log.info(`Deleted ${path}: it is in the bucket`, { path })
      return true
    } catch (error) {
      this.#problems.problem(path, `${path} is in the bucket but cannot be deleted: ${errorMessage(error)}`)
      return false
    }
  }
}

/** Names of all files of an SSTable that lie in its directory. */
function namesOf({ directory, name }: TableFiles): string[] {
  return readdirSync(directory).filter(file => parseComponent(file)?.set === name)
}

function isAsUploaded({ directory, durable }: TableFiles, name: string): boolean {
  const identity = identify(join(directory, name))
  return identity !== undefined && sameIdentity(durable.get(name), identity)
}
