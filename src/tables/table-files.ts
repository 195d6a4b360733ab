import { join } from 'node:path'

import { sameIdentity, type FileIdentity } from '../cassandra/file-identity.js'
import { isMutable } from '../cassandra/names.js'
import { SparseMap } from '../manifest/sparse.js'
import { withKey, type Entry, type StateSet } from '../manifest/state.js'

import { REST_PATIENCE } from './patience.js'
import type { Disk, UploadResult } from './ports.js'

/**
 * `old`: it was there at the start, and this run does not back it up; `dirty`: it changed and is to be judged; `written`: an
 * open transaction log names it; `obsolete`: a committed one removes it; `waiting`: files of it are missing; `settling`:
 * complete once it is unchanged for the settle time; `uploading`; `failed`: to be tried again; `done`: it is in the bucket.
 */
export type FilesStatus =
  'old' | 'dirty' | 'written' | 'obsolete' | 'waiting' | 'settling' | 'uploading' | 'failed' | 'done'

/** The changes that a look at the disk showed. */
export interface Look {
  /** A file that it cannot be without is not what it was when it was looked at last. */
  readonly hasChanged: boolean
  /** Data.db was whole, and has another size or inode now. */
  readonly isReplaced: boolean
  /** A file of it is gone. */
  readonly hasLost: boolean
}

/** When an SSTable became whole, by the number of drained points (see Table): later than `after`, not later than `until`. */
export interface WholeSpan {
  readonly after: number
  /** Undefined: it is not whole, as far as is known. */
  readonly until: number | undefined
  /** When it was first seen to be whole: by the server's clock, and by the monotonic one, ms. */
  readonly time: number
  readonly at: number
}

const NOTHING: readonly string[] = []

/**
 * The files of one SSTable, or one file that belongs to none: one generation of it, as Cassandra uses names again. It owns
 * what is known of it; the table that it belongs to decides.
 */
export class TableFiles {
  /** Without the component. */
  readonly path: string
  /** How many drained points the table had when it was first seen. */
  readonly firstSeen: number
  readonly #files = new SparseMap<string, FileIdentity | undefined>()
  readonly #durable = new SparseMap<string, Entry>()
  #status: FilesStatus = 'dirty'
  #stored: StateSet | undefined
  #inode: bigint | undefined
  #changedAt = 0
  #whole: WholeSpan
  #membership: 'unplaced' | 'part' | 'given-up' | 'removed' = 'unplaced'
  #isSettled = false
  #isCommitted = false
  /** A transaction log that nobody could read may have been its own. */
  #mayBeNew = false
  #isUrgent = false
  #isUntouched = false
  #isDisturbed = false
  /** An event told since the last look that a file went which was looked at before. */
  #hasLost = false
  #wasGiven = false
  #hasOthers = false
  /** Statistics.db of the SSTable whose place it took. */
  #foreign: FileIdentity | undefined
  #wasOld = false
  #isTorn = false
  /** It was whole, and has lost a file since. */
  #isBreaking = false
  #failures = 0
  #restarts = 0
  #restlessSince: number | undefined
  #hinderedSince: number | undefined
  #missing: readonly string[] = NOTHING

  /**
   * @param directory its path
   * @param name of the SSTable without component, or of the file
   * @param isSSTable whether the name is an SSTable's
   * @param index the secondary index that it belongs to, or ''
   * @param drains how many drained points the table has had
   */
  constructor(
    readonly directory: string,
    readonly name: string,
    readonly isSSTable: boolean,
    readonly index: string,
    drains: number,
  ) {
    this.path = join(directory, name)
    this.firstSeen = drains
    this.#whole = { after: drains, until: undefined, time: 0, at: 0 }
  }

  get status(): FilesStatus {
    return this.#status
  }

  /** When it became whole. */
  get whole(): WholeSpan {
    return this.#whole
  }

  /** Whether it is part of the table: a commit added it, or a scan found it. */
  get isPart(): boolean {
    return this.#membership === 'part' || this.#membership === 'given-up'
  }

  /** Whether it is part of the table only because it was there at the start: nobody has judged whether it is whole. */
  get isPresumed(): boolean {
    return this.#wasOld && this.#whole.until === undefined && this.isPart
  }

  /** Whether a commit removed it. */
  get isRemoved(): boolean {
    return this.#membership === 'removed'
  }

  /** Whether restore points name it as not backed up, as it does not become complete. */
  get isGivenUp(): boolean {
    return this.#membership === 'given-up'
  }

  /** Whether it needs no quiet time: its transaction log has committed, or it was renamed into place. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Whether a transaction that has committed wrote it: it is part of the table, whatever becomes of its files. */
  get isCommitted(): boolean {
    return this.#isCommitted
  }

  /** Whether a transaction that removes nothing wrote it, or none did: it goes up before what rewrites others. */
  get isUrgent(): boolean {
    return this.#isUrgent
  }

  /** Whether the scan at the start found it, and nothing has happened to it since. */
  get isUntouched(): boolean {
    return this.#isUntouched
  }

  /** Whether it was complete and at rest at some time, and was given away to be uploaded. */
  get wasGiven(): boolean {
    return this.#wasGiven
  }

  /** Whether it was taken for whole: it has a place, or was given away to be uploaded. What replaces it is another SSTable. */
  get isTaken(): boolean {
    return this.#membership !== 'unplaced' || this.#wasGiven
  }

  /** Whether something happened to it while it was being uploaded. */
  get isDisturbed(): boolean {
    return this.#isDisturbed
  }

  /** Failed uploads in a row; uploads in a row during which it changed. */
  get failures(): number {
    return this.#failures
  }

  get restarts(): number {
    return this.#restarts
  }

  /** Since when it has been settling, ms of the monotonic clock. */
  get restlessSince(): number | undefined {
    return this.#restlessSince
  }

  /** Components that it must have and lacked at the last look at which it was incomplete. */
  get missing(): readonly string[] {
    return this.#missing
  }

  /** Since when it could not be uploaded, or was not complete, ms of the monotonic clock. */
  get hinderedSince(): number | undefined {
    return this.#hinderedSince
  }

  /** The file that it stands and falls with. */
  get main(): string {
    return this.isSSTable ? `${this.name}-Data.db` : this.name
  }

  /** Names of its files that are backed up, as far as they are known. */
  get names(): Iterable<string> {
    return this.#files.keys()
  }

  /** Whether a file of it was there and went before anybody had judged it: it may have been whole. */
  get isTorn(): boolean {
    return this.#isTorn
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

  /** Its files that are in the bucket, by name; some may be newer than what is stored of it as a whole. */
  get durable(): ReadonlyMap<string, Entry> {
    return this.#durable
  }

  /** The content that the bucket holds of it, all of it as it was at one time; undefined: not all of it was ever there. */
  get stored(): StateSet | undefined {
    return this.#stored
  }

  /** For the lineage: whether it is, or may be, another SSTable than any that was under its path before. */
  get fresh(): boolean {
    return this.#isCommitted || this.#mayBeNew || this.#stored?.components.get('Data.db')?.key !== undefined
  }

  /** For the lineage: whether it is not in the bucket yet, so that nobody knows whether what vanished from its path has come back. */
  get isUnproven(): boolean {
    return this.#stored === undefined
  }

  /** Whether none of its files is there, or its Data.db was and is no longer. */
  get isGone(): boolean {
    if (this.#files.size === 0) return true
    return this.isSSTable && this.#inode !== undefined && !this.#files.has(this.main)
  }

  /** The component that a file is; of a file that belongs to no SSTable, its name. */
  component(name: string): string {
    return this.isSSTable ? name.slice(this.name.length + 1) : name
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

  /** Its Data.db was seen before anybody looked at all of it: should it be renamed soon, that is known by its inode. */
  noteMain({ inode }: FileIdentity): void {
    if (this.#files.has(this.main)) this.#inode ??= inode
  }

  /** A file of it is gone. @param now ms of the monotonic clock */
  remove(name: string, now: number): void {
    const identity = this.#files.get(name)
    if (!this.#files.delete(name)) return
    this.#changedAt = now
    if (identity !== undefined) this.#hasLost = true
  }

  /**
   * Looks at its files on the disk. Files that are gone leave it.
   * @param now ms of the monotonic clock
   */
  look(disk: Disk, now: number): Look {
    let [isQuiet, hasChanged, isReplaced, hasLost] = [true, false, false, this.#hasLost]
    this.#hasLost = false
    for (const [name, before] of [...this.#files]) {
      const identity = disk.file(join(this.directory, name))
      if (before !== undefined && sameIdentity(before, identity)) continue
      isQuiet = false
      hasChanged ||= this.#isChange(name, before, identity)
      const isMain = name === this.main
      // Until it is whole, its writer may be at work.
      const wasWhole = this.#whole.until !== undefined || this.isPresumed
      if (isMain && before !== undefined && identity !== undefined && wasWhole)
        isReplaced = this.isReplacedBy(identity)
      if (identity === undefined) {
        hasLost ||= before !== undefined
        this.#files.delete(name)
      } else {
        this.#files.set(name, identity)
        if (isMain) this.#mainIs(identity)
      }
    }
    if (!isQuiet) this.#changedAt = now
    return { hasChanged, isReplaced, hasLost }
  }

  /** What the bucket holds of a path whose Data.db is another one now is no part of the SSTable, unless that was taken for whole. */
  #mainIs(identity: FileIdentity): void {
    this.#inode = identity.inode
    const entry = this.#stored?.components.get(this.component(this.main))
    if (!this.isTaken && entry !== undefined && !sameIdentity(entry, identity)) this.#stored = undefined
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

  /** Its Data.db took the place of another SSTable's, whose other files are there still: until its own have come it is not whole. */
  replaces(before: TableFiles): void {
    this.#foreign = before.#files.get(`${before.name}-Statistics.db`)
  }

  /** Whether a file that has the name of its Data.db now is another one. */
  isReplacedBy({ inode, size }: FileIdentity): boolean {
    const before = this.#files.get(this.main)
    return before !== undefined && (before.inode !== inode || before.size !== size)
  }

  /** All files that it must have are there. @param look what the look showed that this follows from */
  noteWhole(look: Look, drains: number, now: number, time: number): void {
    const { after, until } = this.#whole
    this.#isBreaking = false
    const isRestless = this.#restlessSince !== undefined && now - this.#restlessSince >= REST_PATIENCE
    if (until === undefined) this.#whole = { after, until: drains + 1, time, at: now }
    // What it was until now may have been whole, too: no restore point may lack it, until nobody waits for it any longer.
    else if (look.hasChanged)
      this.#whole = { after: isRestless ? drains : after, until: drains + 1, time, at: now }
  }

  /**
   * A file that it must have is missing: it becomes whole later than now; unless it was whole, and what is missing was
   * there, as when it is being deleted.
   * @param missing the components that it lacks; none: it is still being written, or obsolete
   */
  noteIncomplete(look: Look, drains: number, missing: readonly string[]): void {
    this.#missing = missing
    this.#isBreaking = this.#whole.until !== undefined && (look.hasLost || this.#isBreaking)
    if (this.#isBreaking) return
    this.#isTorn ||= look.hasLost
    this.#whole = { after: drains, until: undefined, time: 0, at: 0 }
  }

  /** How long none of its files has changed, as far as {@link look} saw, ms. */
  quiet(now: number): number {
    return now - this.#changedAt
  }

  /** Takes over what the newest manifest says of it, so far as it is true of the files on the disk. */
  seed(stored: StateSet | undefined, disk: Disk): void {
    if (stored === undefined || this.#stored !== undefined) return
    for (const [component, entry] of stored.components) {
      const name = this.isSSTable ? `${this.name}-${component}` : component
      const identity = this.#files.get(name) ?? disk.file(join(this.directory, name))
      if (identity === undefined || !sameIdentity(identity, entry)) continue
      this.#remember(name, entry)
      // The same Data.db: the manifest says what the SSTable was, whatever was rewritten since.
      if (name === this.main) this.#stored = stored.kept ? { ...stored, kept: false } : stored
    }
  }

  /** Whether its files are exactly those that are stored, as far as they were looked at. */
  get isAsStored(): boolean {
    if (this.#stored?.components.size !== this.#files.size) return false
    for (const name of this.#files.keys())
      if (!this.#stored.components.has(this.component(name))) return false
    return !this.isOutdated
  }

  /** Whether a file of it is not in the bucket as it was when it was looked at last. */
  get isOutdated(): boolean {
    for (const [name, identity] of this.#files)
      if (identity !== undefined && !sameIdentity(this.#durable.get(name), identity)) return true
    return false
  }

  /** Bytes of those of its files that are not in the bucket as they were when they were looked at last. */
  get bytesOutdated(): number {
    let bytes = 0
    for (const [name, identity] of this.#files)
      if (identity !== undefined && !sameIdentity(this.#durable.get(name), identity)) bytes += identity.size
    return bytes
  }

  /** Whether every file of it, and no other, is in the bucket as it lies on the disk now. */
  isAsUploaded(disk: Disk): boolean {
    if (this.#hasOthers || this.#files.size === 0) return false
    for (const name of this.#files.keys()) {
      const identity = disk.file(join(this.directory, name))
      if (identity === undefined || !sameIdentity(this.#durable.get(name), identity)) return false
    }
    return true
  }

  /** It is to be judged. */
  mark(status: Exclude<FilesStatus, 'uploading' | 'done'>): void {
    this.#status = status
    this.#wasOld ||= status === 'old'
  }

  /** Something happened to it. @param isSettled whether no quiet time is needed after that */
  touch(isSettled = false): void {
    this.#isUntouched = false
    if (!this.isSSTable) this.#isSettled = isSettled
    if (this.#status === 'uploading') this.#isDisturbed = true
  }

  /** A scan found it. */
  found(isUntouched: boolean): void {
    this.#isUntouched = isUntouched
    this.#restlessSince = undefined
  }

  /** A component of it is there that is not backed up. */
  noteOther(): void {
    this.#hasOthers = true
  }

  /**
   * A transaction log that nobody could read is over, and may have been its own: then it became part of the table at any time
   * until now. It needs its quiet time all the same: it may as well be a copy that is under way.
   * @param drains how many drained points the table has had
   * @param time ms by the server's clock
   */
  logEnded(drains: number, time: number): void {
    this.#mayBeNew = true
    if (this.#whole.until !== undefined) this.#whole = { ...this.#whole, until: drains + 1, time }
  }

  /** A transaction that wrote it has committed. @param isUrgent whether it removes nothing */
  commit(isUrgent: boolean): void {
    this.#isCommitted = true
    this.#isSettled = true
    this.#isUrgent = isUrgent
  }

  /** It is part of the table. @param isGivenUp whether that is although it is not complete */
  place(isGivenUp = false): void {
    this.#membership = isGivenUp ? 'given-up' : 'part'
    if (!this.#isCommitted) this.#isUrgent = true
  }

  /** A commit removed it from the table. */
  leave(): void {
    this.#membership = 'removed'
  }

  /** It has been settling since, at the latest. */
  noteRestless(now: number): void {
    this.#restlessSince ??= now
  }

  /** It cannot be uploaded, or is not complete, since now at the latest; undefined: it can. */
  hinder(now: number | undefined): void {
    this.#hinderedSince = now === undefined ? undefined : (this.#hinderedSince ?? now)
  }

  /** It is given away to be uploaded. */
  beginUpload(): void {
    this.#status = 'uploading'
    this.#wasGiven = true
    this.#isDisturbed = false
  }

  /** Its upload has ended. @returns whether manifests have something else to say of it */
  endUpload({ durable, names, next, isCorrupt = false }: UploadResult): boolean {
    for (const [name, entry] of durable) this.#remember(name, entry)
    this.#failures = next === 'failed' ? this.#failures + 1 : 0
    this.#restarts = next === 'changed' ? this.#restarts + 1 : 0
    // A later change is another writing, and has to come to rest by itself.
    this.#isSettled = false
    this.#restlessSince = undefined
    this.#status = next === 'done' || next === 'failed' ? next : 'dirty'
    return next === 'done' && this.#adopt(names, isCorrupt)
  }

  /** It was uploaded before, and is unchanged. */
  markDone(): void {
    this.#status = 'done'
    this.#hinderedSince = undefined
  }

  /** An object counts as uploaded. Its entry serves as the file's identity, too: of 100,000 files that are unchanged nothing is kept twice. */
  #remember(name: string, entry: Entry): void {
    this.#durable.set(name, entry)
    const identity = this.#files.get(name)
    if (identity !== undefined && sameIdentity(identity, entry)) this.#files.set(name, entry)
  }

  /** From now on manifests name these files. @returns whether that is news */
  #adopt(names: Iterable<string>, corrupt: boolean): boolean {
    const components = new Map<string, Entry>()
    for (const name of names) {
      const entry = this.#durable.get(name)
      if (entry !== undefined) components.set(this.component(name), entry)
    }
    const before = this.#stored
    if (before?.corrupt === corrupt && sameComponents(before.components, components)) return false
    this.#stored = { components, corrupt, kept: false }
    return true
  }

  /** --delete-on-backup has deleted it from the disk. */
  keep(): void {
    if (this.#stored !== undefined) this.#stored = { ...this.#stored, kept: true }
  }

  /** The objects that count as uploaded, by the path of their file; a file may have two, when it was rewritten. */
  *objects(): Generator<[path: string, entry: Entry]> {
    for (const [name, entry] of this.#durable) yield [join(this.directory, name), entry]
    for (const [component, entry] of this.#stored?.components ?? []) {
      const name = this.isSSTable ? `${this.name}-${component}` : component
      if (this.#durable.get(name) !== entry) yield [join(this.directory, name), entry]
    }
  }

  /** Objects have other keys. @param keyOf as of `Table.rekey` @returns whether manifests have something else to say of it */
  rekey(keyOf: (path: string, entry: Entry) => string | undefined): boolean {
    for (const [name, entry] of [...this.#durable]) {
      const key = keyOf(join(this.directory, name), entry)
      if (key !== undefined) this.#durable.set(name, withKey(entry, key))
    }
    if (this.#stored === undefined) return false
    const components = new Map<string, Entry>()
    let isNews = false
    for (const [component, entry] of this.#stored.components) {
      const name = this.isSSTable ? `${this.name}-${component}` : component
      const key = keyOf(join(this.directory, name), entry)
      components.set(component, key === undefined ? entry : withKey(entry, key))
      isNews ||= key !== undefined
    }
    if (isNews) this.#stored = { ...this.#stored, components }
    return isNews
  }

  /** Takes over what a manifest says of an SSTable that is not on the disk. */
  takeStored(stored: StateSet): void {
    this.#stored = stored
    this.#status = 'done'
    this.#membership = 'part'
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
