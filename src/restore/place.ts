import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { TablesnapError, errorCode, errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'
import { asideName } from '../sstable/names.js'

import type { Owner, Owners } from './owner.js'
import type { PlannedDirectory, PlannedSet } from './plan.js'
import { makeDirectories } from './staging.js'
import { isAbsent, type Target } from './target.js'
import type { StagedFile } from './transfer.js'

/** Errors of file systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])

/** Brings staged sets to where they belong, so that there is never a Data.db without its other components. */
export class Placer {
  readonly #target: Target
  readonly #owners: Owners
  readonly #log: Logger
  readonly #touched = new Set<string>()
  /** Made by us, and without an owner yet. */
  #ownerless: string[]

  /** @param ownerless directories that were made for the staging, topmost first */
  constructor(target: Target, owners: Owners, log: Logger, ownerless: readonly string[]) {
    this.#target = target
    this.#owners = owners
    this.#log = log
    this.#ownerless = [...ownerless]
  }

  /**
   * Places a set: Data.db comes last. When that fails, what came of it is taken away again. What is staged stays for the
   * caller to remove.
   * @param staged in the order of the plan
   * @throws TablesnapError `TARGET_CONFLICT` for a file that appeared meanwhile, `TARGET_ESCAPED`, `PLACE_FAILED`
   */
  async place(set: PlannedSet, staged: readonly StagedFile[]): Promise<void> {
    const { path } = set.directory
    const placed: string[] = []
    try {
      await this.#makeDirectory(path, staged[0]?.owner)
      if (!(await this.#target.holds(path))) throw escaped(path)
      for (const name of set.remove) await unlink(join(path, name)).catch(ignoreAbsent)
      for (const { file, path: from } of staged) {
        const to = join(path, file.name)
        if (set.exchange.includes(file.name)) {
          await rename(from, to)
          continue
        }
        await linkOrMove(from, to)
        placed.push(to)
      }
    } catch (error) {
      for (const to of placed.toReversed()) await unlink(to).catch(ignoreAbsent)
      throw error instanceof TablesnapError ? error : failure(set, error)
    }
    this.#touched.add(path)
  }

  /**
   * Moves the files of SSTables that the moment does not have to where Cassandra does not look, Data.db first.
   * @param time of the restore, ms since 1970
   */
  async moveAside(directory: PlannedDirectory, time: number): Promise<void> {
    if (directory.aside.length === 0) return
    const { base, path } = directory
    const aside = join(base, asideName(time), relative(base, path))
    await makeDirectories(aside, 0o700)
    for (const name of directory.aside) await rename(join(path, name), join(aside, name)).catch(ignoreAbsent)
    this.#touched.add(path).add(aside)
    this.#log.info(
      `Moved ${directory.aside.length} files of SSTables of another moment from ${path} to ${aside}`,
      {
        path,
        to: aside,
      },
    )
  }

  /** Makes the names of all that was placed durable. */
  async sync(): Promise<void> {
    for (const path of this.#touched) {
      const handle = await open(path, 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    }
    this.#touched.clear()
  }

  async #makeDirectory(path: string, owner: Owner | undefined): Promise<void> {
    const created = await makeDirectories(path)
    for (const one of created) this.#touched.add(dirname(one))
    const ownerless = this.#ownerless
    this.#ownerless = []
    if (owner === undefined) return
    for (const one of [...ownerless, ...created]) await this.#owners.giveDirectory(one, owner)
  }
}

/** Gives a file its final name, never over another: a rename would replace that. */
async function linkOrMove(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const code = errorCode(error) ?? ''
    if (code === 'EEXIST') throw appeared(to)
    if (!NO_LINKS.has(code)) throw error
    if (await exists(to)) throw appeared(to)
    await rename(from, to)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

function ignoreAbsent(error: unknown): void {
  if (!isAbsent(error)) throw error
}

function appeared(path: string): TablesnapError {
  const message = `${path} appeared while it was restored: is Cassandra running?`
  return new TablesnapError({ code: 'TARGET_CONFLICT', message, operation: 'restore', path })
}

function escaped(path: string): TablesnapError {
  const message = `${path} leads out of the target by a symbolic link`
  return new TablesnapError({ code: 'TARGET_ESCAPED', message, operation: 'restore', path })
}

function failure({ directory, base, name }: PlannedSet, cause: unknown): TablesnapError {
  const hint =
    errorCode(cause) === 'EXDEV'
      ? `; ${base} and ${directory.path} turn out to be on different file systems`
      : ''
  const message = `cannot bring ${join(directory.path, name)} into place: ${errorMessage(cause)}${hint}`
  return new TablesnapError({
    code: 'PLACE_FAILED',
    message,
    operation: 'restore',
    path: directory.path,
    cause,
  })
}
