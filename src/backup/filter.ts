import { basename, join } from 'node:path'

import { LISTING_SUFFIX } from '../bucket-names.js'
import { BACKUPS, SNAPSHOTS, STAGING, isAside, isTemporary } from '../cassandra/names.js'
import type { FilterSettings } from '../config/config.js'

/** Decides which files and directories are backed up. */
export class Filter {
  readonly #settings: FilterSettings
  readonly #paths: readonly string[]

  /** @param paths the watched ones: a snapshot that is named itself is not left out */
  constructor(settings: FilterSettings, paths: readonly string[]) {
    this.#settings = settings
    this.#paths = paths
  }

  /** Whether a file is backed up. */
  file(directory: string, name: string): boolean {
    // A listing that the original's -D brought back to the disk has the key of the one we write.
    if (isTemporary(name) || name.endsWith(`Data.db${LISTING_SUFFIX}`)) return false
    const { exclude, include } = this.#settings
    const path = join(directory, name)
    if (exclude.some(pattern => pattern.test(path))) return false
    return include.length === 0 || include.some(pattern => pattern.test(path))
  }

  /** Whether a directory and all below it is left out. */
  skips(path: string): boolean {
    if (this.#paths.includes(path)) return false
    const name = basename(path)
    if (name === STAGING || isAside(name)) return true
    if (name === SNAPSHOTS) return !this.#settings.snapshots
    return name === BACKUPS && !this.#settings.backups
  }
}
