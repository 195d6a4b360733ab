import { join } from 'node:path'

import type { Entry, StateSet } from '../state/state.js'

import type { Directory } from './directory.js'
import { identify, sameIdentity } from './found.js'

/**
 * `old`: was there before, none of our business; `dirty`: changed, to be judged; `written`: an open transaction log names
 * it; `obsolete`: a committed one removes it; `waiting`: not complete; `settling`: complete once quiet; `busy`: being
 * uploaded; `failed`: to be tried again; `done`: durable.
 */
export type GroupState =
  'old' | 'dirty' | 'written' | 'obsolete' | 'waiting' | 'settling' | 'busy' | 'failed' | 'done'

/** An SSTable's files, or a file that belongs to none: one generation of it, as names are used again. */
export class Group {
  state: GroupState = 'dirty'
  /** Without the component. */
  readonly path: string
  /** Names of its files that are there. */
  readonly names = new Set<string>()
  /** What is in the bucket of it, all of it as it was at one time; undefined: not all was ever durable. */
  stored: StateSet | undefined
  /** Its files that are in the bucket, by name; some may be newer than what is stored of it as a whole. */
  readonly durable = new Map<string, Entry>()
  /** A transaction log that wrote it has committed, or it was renamed into place: no quiet time is needed. */
  settled = false
  /** Something happened to it while it was busy. */
  changed = false
  /** The scan at the start found it, and nothing has happened to it since. */
  untouched = false
  /** A transaction that has committed wrote it: it is part of the table, whatever becomes of its files. */
  committed = false
  /** A transaction that removes nothing wrote it: it goes up before what rewrites others. */
  urgent = false
  /** CRC-32 of its Data.db, as it was read last. */
  crc32: number | undefined
  /** Failed tries in a row. */
  failures = 0
  /** Uploads in a row during which it changed. */
  restarts = 0
  /** Since when it has been settling, ms of the monotonic clock. */
  restless: number | undefined
  /** Since when it could not be uploaded, or was not complete, ms of the monotonic clock. */
  hindered: number | undefined
  /** Inode of its Data.db, or of the file. */
  inode: bigint | undefined
  /** What its files looked like when last seen, and since when, ms of the monotonic clock. */
  #seen = ''
  #since = 0

  /** @param sstable whether its name is a set's, not a file's */
  constructor(
    readonly directory: Directory,
    readonly name: string,
    readonly sstable: boolean,
  ) {
    this.path = join(directory.path, name)
  }

  /** Whether it is another set than any that was under its path before. */
  get fresh(): boolean {
    return this.committed || this.stored?.components.get('Data.db')?.key !== undefined
  }

  /** The component that a file is; of a file that belongs to no set, its name. */
  component(name: string): string {
    return this.sstable ? name.slice(this.name.length + 1) : name
  }

  /** The name of the file that the group stands and falls with. */
  get main(): string {
    return this.sstable ? `${this.name}-Data.db` : this.name
  }

  /** Whether none of its files is there, or its Data.db was and is no longer. */
  get isGone(): boolean {
    if (this.names.size === 0) return true
    return this.sstable && this.inode !== undefined && !this.names.has(this.main)
  }

  /** Takes over what the unit's newest state says of the path, so far as it is true of the files on the disk. */
  seed(): void {
    const stored = this.directory.unit.stored(this.path)
    if (stored === undefined || this.stored !== undefined) return
    for (const [component, entry] of stored.components) {
      const name = this.sstable ? `${this.name}-${component}` : component
      const identity = identify(join(this.directory.path, name))
      if (identity === undefined || !sameIdentity(identity, entry)) continue
      this.durable.set(name, entry)
      // The same Data.db: what the state says of the set was its content, whatever was rewritten since.
      if (name === this.main) this.stored = stored
    }
  }

  /** Whether its files are exactly those that the unit's newest state names, untouched since. */
  isAsStored(): boolean {
    this.seed()
    const { stored } = this
    if (stored === undefined || stored.components.size !== this.names.size) return false
    for (const name of this.names) if (!stored.components.has(this.component(name))) return false
    return !this.outdated()
  }

  /** All that is there now is durable: from now on states name it so. */
  adopt(names: Iterable<string>, corrupt: boolean): void {
    const components = new Map<string, Entry>()
    for (const name of names) {
      const entry = this.durable.get(name)
      if (entry !== undefined) components.set(this.component(name), entry)
    }
    const before = this.stored
    if (before !== undefined && before.corrupt === corrupt && sameComponents(before.components, components))
      return
    this.stored = { components, corrupt, kept: false }
  }

  /** Drops the names of files that are gone; returns how long the others have not changed, ms. */
  quiet(now: number): number {
    const seen = this.#look(name => this.names.delete(name))
    if (seen !== this.#seen) {
      this.#seen = seen
      this.#since = now
    }
    return now - this.#since
  }

  /** Whether its files are not as {@link quiet} saw them last. */
  differs(): boolean {
    return this.#look() !== this.#seen
  }

  /** Whether a file that is durable has changed on disk since, or one is not durable. */
  outdated(): boolean {
    for (const name of this.names) {
      const identity = identify(join(this.directory.path, name))
      if (identity !== undefined && !sameIdentity(this.durable.get(name), identity)) return true
    }
    return false
  }

  #look(gone?: (name: string) => void): string {
    let seen = ''
    for (const name of [...this.names]) {
      const identity = identify(join(this.directory.path, name))
      if (identity === undefined) gone?.(name)
      else {
        seen += `${name}/${identity.size}/${identity.mtime}/${identity.inode}\n`
        if (name === this.main) this.inode = identity.inode
      }
    }
    return seen
  }
}

function sameComponents(a: ReadonlyMap<string, Entry>, b: ReadonlyMap<string, Entry>): boolean {
  if (a.size !== b.size) return false
  for (const [component, entry] of a) {
    const other = b.get(component)
    if (other === undefined || other.key !== entry.key || other.crc64 !== entry.crc64) return false
    if (!sameIdentity(entry, other)) return false
  }
  return true
}
