import { statSync } from 'node:fs'

import type { Entry } from '../state/state.js'

import type { Group } from './group.js'

/** What tells one content of a file from another without reading it. */
export type Identity = Pick<Entry, 'size' | 'mtime' | 'inode'>

/** A complete set, or a file that belongs to none, that is to be uploaded. */
export interface Found {
  readonly group: Group
  readonly directory: string
  /** Names of its files. */
  readonly names: readonly string[]
  /** Files that are in the bucket already as they were then. */
  readonly durable: ReadonlyMap<string, Identity>
  /** The scan at the start found it, and nothing has happened to it since: what the LIST at the start says holds for it. */
  readonly untouched: boolean
}

/** Of a file that cannot be looked at: no file that can be has it. */
const UNKNOWN: Identity = { size: -1, mtime: 0n, inode: 0n }

export function sameIdentity(a: Identity | undefined, b: Identity): boolean {
  return a !== undefined && a.size === b.size && a.mtime === b.mtime && a.inode === b.inode
}

/**
 * The identity of the file under a path, through symbolic links; undefined when there is none, or no regular one. A file
 * that cannot be looked at counts as being there: whoever opens it gets the error.
 */
export function identify(path: string): Identity | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stat?.isFile() === true
      ? { size: Number(stat.size), mtime: stat.mtimeNs, inode: stat.ino }
      : undefined
  } catch {
    return UNKNOWN
  }
}

/** Whether a path is known to lead to a regular file. */
export function isFile(path: string): boolean {
  const identity = identify(path)
  return identity !== undefined && identity !== UNKNOWN
}

/** Whether a path leads to a file that has other names, too. */
export function isHardlink(path: string): boolean {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat?.isFile() === true && stat.nlink > 1
  } catch {
    return false
  }
}
