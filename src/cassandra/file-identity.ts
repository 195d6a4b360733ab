import { pathStatus } from 'tablesnap-io'

/** Tells one content of a file from another without reading it. */
export interface FileIdentity {
  /** Bytes. */
  readonly size: number
  /** ns since 1970. */
  readonly mtime: bigint
  readonly inode: bigint
}

/** The identity of a file that cannot be looked at: no file that can be has it. */
const UNKNOWN: FileIdentity = { size: -1, mtime: 0n, inode: 0n }

/** Whether two identities are of one content of one file; nothing is the same as nothing. */
export function sameIdentity(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a === b || (a.size === b.size && a.mtime === b.mtime && a.inode === b.inode)
}

/**
 * The identity of the file under a path, symbolic links followed; undefined when there is none, or no regular one. A file
 * that cannot be looked at counts as being there: whoever opens it gets the error.
 */
export function identify(path: string): FileIdentity | undefined {
  try {
    const status = pathStatus(path)
    if (status?.kind !== 'file') return undefined
    const { size, mtime, inode } = status
    return { size, mtime, inode }
  } catch {
    return UNKNOWN
  }
}

/** Whether a path leads to a file that has other names, too. */
export function isHardlink(path: string): boolean {
  try {
    const status = pathStatus(path)
    return status?.kind === 'file' && status.links > 1
  } catch {
    return false
  }
}
