import { join } from 'node:path'

import { identify, sameIdentity, type Identity } from './found.js'

/**
 * `old`: was there before, none of our business; `dirty`: changed, to be judged; `written`: an open transaction log names
 * it; `obsolete`: a committed one removes it; `waiting`: not complete; `settling`: complete once quiet; `busy`: being
 * uploaded; `failed`: to be tried again; `done`: durable.
 */
export type UnitState =
  'old' | 'dirty' | 'written' | 'obsolete' | 'waiting' | 'settling' | 'busy' | 'failed' | 'done'

/** A set, or a file that belongs to none. */
export class Unit {
  state: UnitState = 'dirty'
  /** Names of its files that are there. */
  readonly names = new Set<string>()
  /** Its files that are in the bucket, as they were then. */
  readonly durable = new Map<string, Identity>()
  /** Those of them that lie under versions/, as their key holds other content. */
  readonly versions = new Set<string>()
  /** A log of ours ended its writing, or it was renamed into place: no quiet time is needed. */
  settled = false
  /** Something happened to it while it was busy. */
  changed = false
  /** The scan at the start found it, and nothing has happened to it since. */
  untouched = false
  /** Failed tries in a row. */
  failures = 0
  /** Uploads in a row during which it changed. */
  restarts = 0
  /** Since when it has been settling, ms of the monotonic clock. */
  restless: number | undefined
  /** What its files looked like when last seen, and since when, ms of the monotonic clock. */
  #seen = ''
  #since = 0

  constructor(
    readonly name: string,
    readonly sstable: boolean,
  ) {}

  /** Drops the names of files that are gone; returns how long the others have not changed, ms. */
  quiet(directory: string, now: number): number {
    const seen = this.#look(directory, name => this.names.delete(name))
    if (seen !== this.#seen) {
      this.#seen = seen
      this.#since = now
    }
    return now - this.#since
  }

  /** Whether its files are not as {@link quiet} saw them last. */
  differs(directory: string): boolean {
    return this.#look(directory) !== this.#seen
  }

  /** Whether a file that is durable has changed on disk since, or one is not durable. */
  outdated(directory: string): boolean {
    for (const name of this.names) {
      const identity = identify(join(directory, name))
      if (identity !== undefined && !sameIdentity(this.durable.get(name), identity)) return true
    }
    return false
  }

  #look(directory: string, gone?: (name: string) => void): string {
    let seen = ''
    for (const name of [...this.names]) {
      const identity = identify(join(directory, name))
      if (identity === undefined) gone?.(name)
      else seen += `${name}/${identity.size}/${identity.mtime}/${identity.inode}\n`
    }
    return seen
  }
}
