import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { identify } from '../cassandra/file-identity.js'
import { parseComponent } from '../cassandra/names.js'
import type { Config } from '../config/config.js'
import { counted, formatBytes } from '../report/format.js'
import type { Logger } from '../report/logger.js'
import type { Problems } from '../report/problems.js'
import { identityOf } from '../watch/identity.js'

import type { Filter } from './filter.js'
import type { TableRegistry } from './table-registry.js'

/** Files and bytes that are not in the bucket. */
interface Count {
  files: number
  bytes: number
}

/** The same below directories that nobody looks into, and how many of the files are Data.db of SSTables. */
interface Below extends Count {
  sstables: number
}

/** Directories that one log line names. */
const SHOWN = 3

/** Tells the operator what is not protected: files that were there before, and directories that nobody watches. */
export class Unprotected {
  readonly #filter: Filter
  readonly #log: Logger

  constructor(filter: Filter, log: Logger) {
    this.#filter = filter
    this.#log = log
  }

  /** Says how much below the paths is unprotected, once the bucket was asked for what it holds. */
  async report(tables: TableRegistry, { paths, recursive }: Config): Promise<void> {
    const old: Count = { files: 0, bytes: 0 }
    for (const table of tables) {
      for (const { status, names, directory } of table.files()) {
        if (status !== 'old') continue
        for (const name of names) {
          old.files++
          old.bytes += identify(join(directory, name))?.size ?? 0
        }
      }
    }
    if (old.files > 0) {
      const advice = 'tablesnap -B uploads what exists, --watch goes on after that'
      this.#log.warn(`Not backed up, as it was there before the start: ${count(old)}; ${advice}`, { ...old })
    }
    if (!recursive) await this.reportBelow(paths)
  }

  /**
   * Says which files lie below the paths, in directories that are left out as -r was not given.
   * @param problems is told when SSTables are among them; undefined: that is a warning only
   */
  async reportBelow(paths: readonly string[], problems?: Problems): Promise<void> {
    const below: Below = { files: 0, bytes: 0, sstables: 0 }
    const directories: string[] = []
    for (const path of paths) await this.#subdirectories(path, below, directories)
    if (below.files === 0) return
    const shown = directories.slice(0, SHOWN).join(', ')
    const more = directories.length > SHOWN ? ` and ${counted(directories.length - SHOWN, 'other')}` : ''
    const sstables = counted(below.sstables, 'SSTable')
    const message = `Not backed up: ${count(below)} of ${sstables} below ${shown}${more}; add -r to include the directories below`
    if (problems !== undefined && below.sstables > 0) problems.problem(directories[0] ?? '', message)
    else this.#log.warn(message, { ...below })
  }

  /** A directory came into being that is not watched. */
  appeared(path: string): void {
    this.#log.warn(
      `${path} is new and not watched: nothing in it is backed up; add -a to watch new directories`,
      {
        path,
      },
    )
  }

  async #subdirectories(path: string, below: Below, directories: string[]): Promise<void> {
    for (const directory of (await entries(path)).directories) {
      const sub = join(path, directory)
      if (this.#filter.skips(sub)) continue
      directories.push(sub)
      await this.#walk(sub, below)
    }
  }

  async #walk(path: string, sum: Below, seen = new Set<string>()): Promise<void> {
    const identity = identityOf(path)
    // Symbolic links may lead in a circle.
    if (identity === undefined || seen.has(identity)) return
    seen.add(identity)
    const { files, directories } = await entries(path)
    for (const name of files) {
      if (!this.#filter.file(path, name)) continue
      sum.files++
      if (name.endsWith('-Data.db') && parseComponent(name) !== undefined) sum.sstables++
      sum.bytes += (await stat(join(path, name)).catch(() => undefined))?.size ?? 0
    }
    for (const name of directories) {
      const below = join(path, name)
      if (!this.#filter.skips(below)) await this.#walk(below, sum, seen)
    }
  }
}

async function entries(path: string): Promise<{ files: string[]; directories: string[] }> {
  const files: string[] = []
  const directories: string[] = []
  try {
    for await (const entry of await opendir(path)) {
      const kind = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => entry) : entry
      if (kind.isDirectory()) directories.push(entry.name)
      else if (kind.isFile()) files.push(entry.name)
    }
  } catch {
    // It went, or may not be read: the watcher says so.
  }
  return { files, directories }
}

function count({ files, bytes }: Count): string {
  return `${counted(files, 'file')} (${formatBytes(bytes)})`
}
