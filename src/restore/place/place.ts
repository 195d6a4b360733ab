import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { asideName } from '../../cassandra/names.js'
import { TablesnapError, errorCode, errorMessage, isAbsent } from '../../errors.js'
import type { Logger } from '../../report/logger.js'
import { findLinkAside } from '../plan/aside.js'
import type { PlannedDirectory, PlannedSet } from '../plan/restore-plan.js'
import type { Target } from '../plan/target.js'
import { counted } from '../../report/format.js'

import { makeDirectoriesTo } from './directories.js'
import type { Owner, Owners } from './owner.js'
import { makeDirectories } from './staging.js'
import type { StagedFile } from './transfer.js'

/** Errors of file systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])

/** Brings staged sets to where they belong, so that there is never a Data.db without its other components. */
export class Placer {
  readonly #target: Target
  readonly #owners: Owners
  readonly #log: Logger
  readonly #touched = new Set<string>()

  constructor(target: Target, owners: Owners, log: Logger) {
    this.#target = target
    this.#owners = owners
    this.#log = log
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
    const begun = await begunIn(directory)
    const aside = begun ?? join(base, asideName(time), relative(base, path))
    await makeDirectoriesTo(aside, 0o700)
    // First all of it is in both places: a crash leaves SSTables that can be brought back as a whole.
    const linked = new Set<string>()
    for (const name of directory.aside)
      if (await linkAside(join(path, name), join(aside, name))) linked.add(name)
    await syncDirectory(aside)
    for (const name of directory.aside) {
      const from = join(path, name)
      await (linked.has(name) ? unlink(from) : rename(from, join(aside, name))).catch(ignoreAbsent)
    }
    this.#touched.add(path).add(aside)
    this.#log.info(
      `Moved ${counted(directory.aside.length, 'file')} of SSTables that are not in the restore point from ${path} to ${aside}`,
      {
        path,
        to: aside,
      },
    )
  }

  /** Makes the names of all that was placed durable. */
  async sync(): Promise<void> {
    for (const path of this.#touched) await syncDirectory(path)
    this.#touched.clear()
  }

  async #makeDirectory(path: string, owner: Owner | undefined): Promise<void> {
    const unowned = await makeDirectories(path)
    for (const one of unowned) this.#touched.add(dirname(one))
    if (owner === undefined) return
    for (const one of unowned) await this.#owners.giveDirectory(one, owner)
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The directory into which an interrupted restore has begun to move these files. */
async function begunIn({ path, aside }: PlannedDirectory): Promise<string | undefined> {
  for (const name of aside) {
    const found = await findLinkAside(path, name)
    if (found !== undefined) return dirname(found)
  }
  return undefined
}

/** @returns false where the file system has no links */
async function linkAside(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
  } catch (error) {
    const code = errorCode(error) ?? ''
    if (NO_LINKS.has(code)) return false
    if (code !== 'EEXIST') ignoreAbsent(error)
    else if ((await lstat(from)).ino !== (await lstat(to)).ino) throw appeared(to)
  }
  return true
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
  return new TablesnapError({ code: 'TARGET_CONFLICT', message, step: { operation: 'restore', path } })
}

function escaped(path: string): TablesnapError {
  const message = `${path} leads out of the target by a symbolic link`
  return new TablesnapError({ code: 'TARGET_ESCAPED', message, step: { operation: 'restore', path } })
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
    step: { operation: 'restore', path: directory.path },
    cause,
  })
}
