import { join } from 'node:path'

import { STAGING, isAside } from '../cassandra/names.js'

/** Longest file name, bytes (Linux NAME_MAX). */
const NAME_MAX = 255

/** Longest path, bytes (Linux PATH_MAX without its closing NUL). */
const PATH_MAX = 4095

/** The path of a key's file on the node that it came from. */
export interface KeyPath {
  /** Absolute, without a trailing slash (but `/` itself). */
  readonly directory: string
  readonly name: string
}

/** Why a key is not restored. */
export interface Refusal {
  readonly key: string
  /** A phrase, e.g. `its path leads out of the target`. */
  readonly reason: string
  /** Whether the reason is of the target, and not of this key alone. */
  readonly shared?: true
}

/**
 * The path in a key, after the name and the separator. A relative one (the original's -B stored paths as they were
 * typed) counts from the root; empty and `.` segments, from `dir/` and `./dir` typed there, vanish.
 * @returns the reason where there is no such file
 */
export function parseKeyPath(path: string): KeyPath | string {
  if (path.includes('\0')) return 'its path holds a NUL'
  const segments = path.split('/')
  if (segments.includes('..')) return 'its path leads out of the target (..)'
  const last = segments.at(-1)
  if (last === '' || last === '.' || last === undefined) return 'it names no file'
  const named = segments.filter(segment => segment !== '' && segment !== '.')
  return { directory: `/${named.slice(0, -1).join('/')}`, name: last }
}

/** Why no file of this name can be made in `directory`; undefined when it can. */
export function unfit(directory: string, name: string): string | undefined {
  for (const segment of [...directory.split('/'), name]) {
    if (segment === STAGING || isAside(segment))
      return `${segment} in its path is where restores keep their own files`
    const bytes = Buffer.byteLength(segment)
    if (bytes > NAME_MAX) return `a name in its path has ${bytes} bytes, the file system allows ${NAME_MAX}`
  }
  const bytes = Buffer.byteLength(join(directory, name))
  return bytes > PATH_MAX ? `its path has ${bytes} bytes, the system allows ${PATH_MAX}` : undefined
}
