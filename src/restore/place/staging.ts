import { lstat, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { STAGING } from '../../cassandra/names.js'
import { TablesnapError, errorMessage, isAbsent } from '../../errors.js'
import { partialName, partialOf } from '../plan/partial.js'
import type { MomentFile } from '../read/moment.js'

import { makeDirectoriesTo } from './directories.js'
import { takeLock } from './lock.js'

/** The mode of a directory that has no owner yet: one that nobody else gives to any, and that survives a crash. */
const UNOWNED = 0o1700

/**
 * The place where files are until they are whole: one directory on one file system, ours alone while it is open. The
 * files' names in it say nothing, so that nothing reads them as an SSTable's.
 */
export class Staging {
  readonly path: string
  /** Directories that were made to hold it, topmost first. */
  readonly #created: readonly string[]
  readonly #release: () => Promise<void>
  #count = 0

  private constructor(path: string, created: readonly string[], release: () => Promise<void>) {
    this.path = path
    this.#created = created
    this.#release = release
  }

  /**
   * Makes or takes over the staging in `base`, and empties it but for what a run that was cut short left of large files.
   * @param files that are to come through it
   * @throws TablesnapError `RESTORE_RUNNING`, `STAGING_FAILED`
   */
  static async open(base: string, files: Iterable<MomentFile>): Promise<Staging> {
    const path = join(base, STAGING)
    try {
      const created = await makeDirectories(base)
      await refuseLink(path)
      const release = await takeLock(path)
      const staging = new Staging(path, created, release)
      const wanted = new Set<string>()
      for (const file of files) wanted.add(partialName(file))
      await staging.#empty(name => wanted.has(partialOf(name) ?? ''))
      return staging
    } catch (error) {
      if (error instanceof TablesnapError) throw error
      const message = `cannot make ${path}: ${errorMessage(error)}`
      throw new TablesnapError({
        code: 'STAGING_FAILED',
        message,
        step: { operation: 'restore', path },
        cause: error,
      })
    }
  }

  /** A path that nothing has yet. */
  next(): string {
    return join(this.path, String(this.#count++))
  }

  /** The path of a large file, the same in every run. */
  partial(file: MomentFile): string {
    return join(this.path, partialName(file))
  }

  /**
   * Removes it, and what was made for it and holds nothing.
   * @param keep what there is of large files, for the next run
   * @returns whether something was kept
   */
  async close(keep: boolean): Promise<boolean> {
    const kept = await this.#empty(name => keep && partialOf(name) !== undefined)
    await this.#release()
    for (const path of [this.path, ...this.#created.toReversed()]) {
      // Another restore may have come into it, or what was restored lies there.
      await rmdir(path).catch(() => undefined)
    }
    return kept
  }

  /** @returns whether something stays */
  async #empty(stays: (name: string) => boolean): Promise<boolean> {
    const names = (await readdir(this.path)).filter(name => name !== 'lock')
    const gone = names.filter(name => !stays(name))
    await Promise.all(gone.map(name => rm(join(this.path, name), { recursive: true, force: true })))
    return gone.length < names.length
  }
}

/** The target of a symbolic link belongs to somebody else: it is never emptied. */
async function refuseLink(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw error
  })
  if (found !== undefined && !found.isDirectory()) throw new Error('it exists, but is not a directory')
}

/**
 * Makes a directory and those above it.
 * @returns those that were made, now or by a restore that was cut short, and have no owner yet; topmost first
 */
export async function makeDirectories(path: string): Promise<string[]> {
  await makeDirectoriesTo(path, UNOWNED)
  const unowned: string[] = []
  for (let at = path; await isUnowned(at); at = dirname(at)) unowned.unshift(at)
  return unowned
}

async function isUnowned(path: string): Promise<boolean> {
  const { mode, uid } = await stat(path)
  return (mode & 0o7777) === UNOWNED && uid === process.geteuid?.()
}
