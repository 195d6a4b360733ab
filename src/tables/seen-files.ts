import { join } from 'node:path'

import { sameIdentity, type FileIdentity } from '../cassandra/file-identity.js'
import { isMutable } from '../cassandra/names.js'
import { SparseMap } from '../manifest/sparse.js'

import type { Disk } from './ports.js'

/** The changes that a look at the disk showed. */
export interface Look {
  /** A file that it cannot be without is not what it was when it was looked at last. */
  readonly hasChanged: boolean
  /** Data.db was whole, and has another size or inode now. */
  readonly isReplaced: boolean
  /** A file of it is gone. */
  readonly hasLost: boolean
}

/**
 * The files of one SSTable, or one file that belongs to none, as they lay on the disk when they were looked at last. It owns their
 * identities and nothing else: what follows from them is for others to say.
 */
export class SeenFiles {
  /** Without the component. */
  readonly path: string
  readonly #files = new SparseMap<string, FileIdentity | undefined>()
  #inode: bigint | undefined
  #changedAt = 0
  /** An event told since the last look that a file went which was looked at before. */
  #hasLost = false
  #hasOthers = false
  /** Statistics.db of the SSTable whose place it took. */
  #foreign: FileIdentity | undefined

  /**
   * @param directory its path
   * @param name of the SSTable without component, or of the file
   * @param isSSTable whether the name is an SSTable's
   */
  constructor(
    readonly directory: string,
    readonly name: string,
    readonly isSSTable: boolean,
  ) {
    this.path = join(directory, name)
  }

  /** The file that it stands and falls with. */
  get main(): string {
    return this.isSSTable ? `${this.name}-Data.db` : this.name
  }

  /** Names of its files that are backed up, as far as they are known. */
  get names(): Iterable<string> {
    return this.#files.keys()
  }

  /** Its files by name, as they were when they were looked at last; undefined: nobody has looked at it. */
  get identities(): ReadonlyMap<string, FileIdentity | undefined> {
    return this.#files
  }

  /** How many files it has. */
  get size(): number {
    return this.#files.size
  }

  has(name: string): boolean {
    return this.#files.has(name)
  }

  /** Whether a file of it was ever looked at. */
  isSeen(name: string): boolean {
    return this.#files.get(name) !== undefined
  }

  /** Whether a file of it was of this identity when it was looked at last. */
  isSame(name: string, identity: FileIdentity): boolean {
    return sameIdentity(this.#files.get(name), identity)
  }

  /** Whether a look has shown anything else than a scan. @param scan by name */
  differs(scan: ReadonlyMap<string, FileIdentity>): boolean {
    for (const [name, identity] of this.#files)
      if (identity !== undefined && !sameIdentity(scan.get(name), identity)) return true
    return false
  }

  /** Inode of its Data.db, or of the file, when it was looked at last. */
  get inode(): bigint | undefined {
    return this.#inode
  }

  /** Whether none of its files is there, or its Data.db was and is no longer. */
  get isGone(): boolean {
    if (this.#files.size === 0) return true
    return this.isSSTable && this.#inode !== undefined && !this.#files.has(this.main)
  }

  /** Whether a component of it is there that is not backed up. */
  get hasOthers(): boolean {
    return this.#hasOthers
  }

  /** The component that a file is; of a file that belongs to no SSTable, its name. */
  component(name: string): string {
    return this.isSSTable ? name.slice(this.name.length + 1) : name
  }

  /** The name of the file that a component is. */
  fileOf(component: string): string {
    return this.isSSTable ? `${this.name}-${component}` : component
  }

  /** The components that are known to be there. */
  components(): Set<string> {
    return new Set([...this.#files.keys()].map(name => this.component(name)))
  }

  /** A file of it was announced. */
  add(name: string): void {
    if (!this.#files.has(name)) this.#files.set(name, undefined)
  }

  /** A scan saw a file of it that was never looked at: its quiet time begins. @param now ms of the monotonic clock */
  addSeen(name: string, identity: FileIdentity, now: number): void {
    this.#files.set(name, identity)
    this.#changedAt = now
    if (name === this.main) this.#inode = identity.inode
  }

  /** A file of it is as somebody else holds it already: of 100,000 files that are unchanged nothing is kept twice. */
  share(name: string, identity: FileIdentity): void {
    if (this.#files.has(name)) this.#files.set(name, identity)
  }

  /** Its Data.db was seen before anybody looked at all of it: should it be renamed soon, that is known by its inode. */
  noteMain({ inode }: FileIdentity): void {
    if (this.#files.has(this.main)) this.#inode ??= inode
  }

  /** A component of it is there that is not backed up. */
  noteOther(): void {
    this.#hasOthers = true
  }

  /** A file of it is gone. @param now ms of the monotonic clock */
  remove(name: string, now: number): void {
    const identity = this.#files.get(name)
    if (!this.#files.delete(name)) return
    this.#changedAt = now
    if (identity !== undefined) this.#hasLost = true
  }

  /** How long none of its files has changed, as far as looks have shown, ms. */
  quiet(now: number): number {
    return now - this.#changedAt
  }

  /** Its Data.db took the place of another SSTable's, whose other files are there still: until its own have come it is not whole. */
  replaces(before: SeenFiles): void {
    this.#foreign = before.#files.get(`${before.name}-Statistics.db`)
  }

  /** Whether a file that has the name of its Data.db now is another one. */
  isReplacedBy({ inode, size }: FileIdentity): boolean {
    const before = this.#files.get(this.main)
    return before !== undefined && (before.inode !== inode || before.size !== size)
  }

  /**
   * Looks at its files on the disk. Files that are gone leave it.
   * @param now ms of the monotonic clock
   * @param wasWhole whether it was whole before: until then its writer may be at work
   * @returns also its Data.db, where that is not what it was
   */
  protected compare(disk: Disk, now: number, wasWhole: boolean): { look: Look; main?: FileIdentity } {
    let [isQuiet, hasChanged, isReplaced, hasLost] = [true, false, false, this.#hasLost]
    let main: FileIdentity | undefined
    this.#hasLost = false
    for (const [name, before] of [...this.#files]) {
      const identity = disk.file(join(this.directory, name))
      if (before !== undefined && sameIdentity(before, identity)) continue
      isQuiet = false
      hasChanged ||= this.#isChange(name, before, identity)
      const isMain = name === this.main
      if (isMain && before !== undefined && identity !== undefined && wasWhole)
        isReplaced = this.isReplacedBy(identity)
      if (identity === undefined) {
        hasLost ||= before !== undefined
        this.#files.delete(name)
      } else {
        this.#files.set(name, identity)
        if (isMain) main = identity
      }
    }
    if (main !== undefined) this.#inode = main.inode
    if (!isQuiet) this.#changedAt = now
    const look = { hasChanged, isReplaced, hasLost }
    return main === undefined ? { look } : { look, main }
  }

  /** Whether a file has changed in a way that says when the SSTable became whole. */
  #isChange(name: string, before: FileIdentity | undefined, now: FileIdentity | undefined): boolean {
    const component = this.component(name)
    if (!isMutable(component)) return true
    const isRewritten = before !== undefined && now !== undefined && before.inode === now.inode
    // Cassandra replaces Statistics.db of a whole SSTable by a rename: one that grows in place is being written.
    if (component !== 'Statistics.db' || (isRewritten && before.size === now.size)) return false
    return isRewritten || (before !== undefined && sameIdentity(before, this.#foreign))
  }
}
