import { constants } from 'node:fs'
import { access, open, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { tableOf } from '../../cassandra/table-directory.js'

import type { Target, TargetDirectory } from './target.js'

/** Linux' O_PATH: a descriptor that names a directory without opening it; Node has no name for it. */
const O_PATH = 0o10000000

/** A share of a restore: everything that goes to one file system. */
export interface FileSystemShare {
  /** Where staging is: on this file system, in the target. */
  readonly base: string
  /** Bytes that are still to be written, whole blocks. */
  readonly needed: number
  /** Bytes that a run which was cut short has written into staging. */
  readonly staged: number
  /** Bytes that are free. */
  readonly free: number
}

/**
 * Tells on which file system a directory is. Not the device alone: a rename between two bind mounts of one device fails
 * as well.
 * @param path of a directory that exists
 */
async function fileSystemOf(path: string): Promise<string> {
  const handle = await open(path, O_PATH | constants.O_DIRECTORY)
  try {
    const { dev } = await stat(path, { bigint: true })
    const info = await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8').catch(() => '')
    const mount = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? ''
    return `${dev.toString()}:${mount}`
  } finally {
    await handle.close()
  }
}

/** Finds for every directory of a restore where, on its file system, the staging is to be. */
export class StagingBases {
  readonly #target: Target
  readonly #tables: ReadonlySet<string>
  readonly #ids = new Map<string, Promise<string>>()
  readonly #found = new Map<string, Promise<string | undefined>>()

  /** @param directories that SSTables are restored into */
  constructor(target: Target, directories: readonly TargetDirectory[]) {
    this.#target = target
    const tables = directories.map(({ path }) => tableOf(path))
    this.#tables = new Set([...tables, ...tables.map(dirname)])
  }

  /**
   * The topmost directory within the target on the file system of `directory` that we may write to; a keyspace's or a
   * table's only where there is no other. A target that does not exist yet is the place itself.
   * @returns undefined where nothing may be written
   */
  baseOf({ existing }: TargetDirectory): Promise<string | undefined> {
    let base = this.#found.get(existing)
    if (base === undefined) {
      base = this.#search(existing)
      this.#found.set(existing, base)
    }
    return base
  }

  /** @see fileSystemOf */
  id(path: string): Promise<string> {
    let id = this.#ids.get(path)
    if (id === undefined) {
      id = fileSystemOf(path)
      this.#ids.set(path, id)
    }
    return id
  }

  async #search(existing: string): Promise<string | undefined> {
    if (!(await isWritable(existing))) return undefined
    const { root } = this.#target
    const below = relative(root, existing)
    // The target is to be made: it will be on the file system of what exists above it.
    if (below.startsWith('..')) return root
    const id = await this.id(existing)
    const segments = below === '' ? [] : below.split('/')
    let second: string | undefined
    for (let depth = 0; depth <= segments.length; depth++) {
      const path = join(root, ...segments.slice(0, depth))
      if ((await this.id(path)) !== id || !(await isWritable(path))) continue
      if (!this.#tables.has(path)) return path
      second ??= path
    }
    return second
  }
}

/** Bytes that a file of this size takes on the file system of `path`, and the bytes free there. */
export async function spaceAt(path: string): Promise<{ block: number; free: number }> {
  const { bsize, bavail } = await statfs(path)
  return { block: bsize, free: bavail * bsize }
}

async function isWritable(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
