import { join } from 'node:path'

import { parseComponent } from '../cassandra/names.js'
import { errorMessage } from '../errors.js'
import { identityOf } from '../watch/identity.js'
import { readTree } from '../watch/tree.js'

/** What lies below a path. */
export interface Survey {
  readonly directories: number
  readonly sstables: number
  /** Subdirectories that a run without -r leaves out. */
  readonly leftOut: number
  /** Directories that cannot be read, and why. */
  readonly unreadable: readonly string[]
  /** The Data.db of some SSTable. */
  readonly sample: string | undefined
}

/**
 * Counts the directories that a run would watch below a path, and the SSTables in them.
 * @param skips whether a directory is left out
 * @param seen identities of directories that were counted under another path
 */
export function survey(
  path: string,
  recursive: boolean,
  skips: (path: string) => boolean,
  seen = new Set<string>(),
): Survey {
  const unreadable: string[] = []
  let [directories, sstables, leftOut] = [0, 0, 0]
  let sample: string | undefined
  const open = [path]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const identity = identityOf(at)
    if (identity === undefined || seen.has(identity)) continue
    seen.add(identity)
    directories++
    try {
      const { files, directories: below } = readTree(at)
      for (const name of files) {
        if (!name.endsWith('-Data.db') || parseComponent(name) === undefined) continue
        sstables++
        sample ??= join(at, name)
      }
      const further = below.map(name => join(at, name)).filter(one => !skips(one))
      if (recursive) open.push(...further)
      else leftOut += further.length
    } catch (error) {
      unreadable.push(errorMessage(error))
    }
  }
  return { directories, sstables, leftOut, unreadable, sample }
}
