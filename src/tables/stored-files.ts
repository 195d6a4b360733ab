import { join } from 'node:path'

import { sameIdentity, type FileIdentity } from '../cassandra/file-identity.js'
import { SparseMap } from '../manifest/sparse.js'
import { withKey, type Entry, type StateSet } from '../manifest/state.js'

import type { Disk } from './ports.js'
import type { SeenFiles } from './seen-files.js'

/** The objects of one SSTable, or of one file that belongs to none, compared with its files as they were seen on the disk. */
export class StoredFiles {
  readonly #seen: SeenFiles
  readonly #durable = new SparseMap<string, Entry>()
  #whole: StateSet | undefined

  constructor(seen: SeenFiles) {
    this.#seen = seen
  }

  /** Its files that are in the bucket, by name; some may be newer than {@link whole}. */
  get durable(): ReadonlyMap<string, Entry> {
    return this.#durable
  }

  /** The content that the bucket holds of it, all of it as it was at one time; undefined: not all of it was ever there. */
  get whole(): StateSet | undefined {
    return this.#whole
  }

  /** Whether its files are exactly those that are stored, as far as they were looked at. */
  get isAsStored(): boolean {
    const seen = this.#seen
    if (this.#whole?.components.size !== seen.size) return false
    for (const name of seen.names) if (!this.#whole.components.has(seen.component(name))) return false
    return !this.isOutdated
  }

  /** Whether a file of it is not in the bucket as it was when it was looked at last. */
  get isOutdated(): boolean {
    for (const [name, identity] of this.#seen.identities)
      if (identity !== undefined && !sameIdentity(this.#durable.get(name), identity)) return true
    return false
  }

  /** Bytes of those of its files that are not in the bucket as they were when they were looked at last. */
  get bytesOutdated(): number {
    let bytes = 0
    for (const [name, identity] of this.#seen.identities)
      if (identity !== undefined && !sameIdentity(this.#durable.get(name), identity)) bytes += identity.size
    return bytes
  }

  /** Whether every file of it, and no other, is in the bucket as it lies on the disk now. */
  isAsUploaded(disk: Disk): boolean {
    const seen = this.#seen
    if (seen.hasOthers || seen.size === 0) return false
    for (const name of seen.names) {
      const identity = disk.file(join(seen.directory, name))
      if (identity === undefined || !sameIdentity(this.#durable.get(name), identity)) return false
    }
    return true
  }

  /** Takes over what the newest manifest says of it, so far as it is true of the files on the disk. */
  seed(stored: StateSet | undefined, disk: Disk): void {
    if (stored === undefined || this.#whole !== undefined) return
    const seen = this.#seen
    for (const [component, entry] of stored.components) {
      const name = seen.fileOf(component)
      const identity = seen.identities.get(name) ?? disk.file(join(seen.directory, name))
      if (identity === undefined || !sameIdentity(identity, entry)) continue
      this.#durable.set(name, entry)
      seen.share(name, entry)
      // The same Data.db: the manifest says what the SSTable was, whatever was rewritten since.
      if (name === seen.main) this.#whole = stored.kept ? { ...stored, kept: false } : stored
    }
  }

  /** Its Data.db was seen. If the object of the path is of another Data.db, it belongs to another SSTable. */
  mainIs(identity: FileIdentity): void {
    const entry = this.#whole?.components.get(this.#seen.component(this.#seen.main))
    if (entry !== undefined && !sameIdentity(entry, identity)) this.#whole = undefined
  }

  /** Files of it were uploaded. */
  add(durable: ReadonlyMap<string, Entry>): void {
    for (const [name, entry] of durable) {
      this.#durable.set(name, entry)
      const seen = this.#seen.identities.get(name)
      if (seen !== undefined && sameIdentity(seen, entry)) this.#seen.share(name, entry)
    }
  }

  /** From now on manifests name these files. @returns whether that is news */
  adopt(names: Iterable<string>, corrupt: boolean): boolean {
    const components = new Map<string, Entry>()
    for (const name of names) {
      const entry = this.#durable.get(name)
      if (entry !== undefined) components.set(this.#seen.component(name), entry)
    }
    const before = this.#whole
    if (before?.corrupt === corrupt && sameComponents(before.components, components)) return false
    this.#whole = { components, corrupt, kept: false }
    return true
  }

  /** Takes over what a manifest says of an SSTable that is not on the disk. */
  take(stored: StateSet): void {
    this.#whole = stored
  }

  /** --delete-on-backup has deleted it from the disk. */
  keep(): void {
    if (this.#whole !== undefined) this.#whole = { ...this.#whole, kept: true }
  }

  /** The objects that count as uploaded, by the path of their file; a file may have two, when it was rewritten. */
  *objects(): Generator<[path: string, entry: Entry]> {
    const { directory } = this.#seen
    for (const [name, entry] of this.#durable) yield [join(directory, name), entry]
    for (const [component, entry] of this.#whole?.components ?? []) {
      const name = this.#seen.fileOf(component)
      if (this.#durable.get(name) !== entry) yield [join(directory, name), entry]
    }
  }

  /** Objects have other keys. @param keyOf as of `Table.rekey` @returns whether manifests have something else to say of it */
  rekey(keyOf: (path: string, entry: Entry) => string | undefined): boolean {
    const { directory } = this.#seen
    for (const [name, entry] of [...this.#durable]) {
      const key = keyOf(join(directory, name), entry)
      if (key !== undefined) this.#durable.set(name, withKey(entry, key))
    }
    if (this.#whole === undefined) return false
    const components = new Map<string, Entry>()
    let isNews = false
    for (const [component, entry] of this.#whole.components) {
      const key = keyOf(join(directory, this.#seen.fileOf(component)), entry)
      components.set(component, key === undefined ? entry : withKey(entry, key))
      isNews ||= key !== undefined
    }
    if (isNews) this.#whole = { ...this.#whole, components }
    return isNews
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
