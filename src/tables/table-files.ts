import type { FileIdentity } from '../cassandra/file-identity.js'
import type { Entry, StateSet } from '../manifest/state.js'

import { REST_PATIENCE } from './patience.js'
import type { Disk, UploadResult } from './ports.js'
import { SeenFiles, type Look } from './seen-files.js'
import { StoredFiles } from './stored-files.js'
import { Wholeness, type WholeSpan } from './wholeness.js'

/**
 * `old`: it was there at the start, and this run does not back it up; `dirty`: it changed and is to be judged; `written`: an
 * open transaction log names it; `obsolete`: a committed one removes it; `waiting`: files of it are missing; `settling`:
 * complete once it is unchanged for the settle time; `uploading`; `failed`: to be tried again; `done`: it is in the bucket.
 */
export type FilesStatus =
  'old' | 'dirty' | 'written' | 'obsolete' | 'waiting' | 'settling' | 'uploading' | 'failed' | 'done'

/**
 * The files of one SSTable, or one file that belongs to none: one generation of it, as Cassandra uses names again. It owns
 * how far it has come on its way from the disk into the bucket, and into the table; the table that it belongs to decides.
 */
export class TableFiles extends SeenFiles {
  /** Its objects in the bucket. */
  readonly remote: StoredFiles
  readonly #wholeness: Wholeness
  #status: FilesStatus = 'dirty'
  #membership: 'unplaced' | 'part' | 'given-up' | 'removed' = 'unplaced'
  #isSettled = false
  #isCommitted = false
  /** A transaction log that nobody could read may have been its own. */
  #mayBeNew = false
  #isUrgent = false
  #isUntouched = false
  #isDisturbed = false
  #wasGiven = false
  #wasOld = false
  #failures = 0
  #restarts = 0
  #restlessSince: number | undefined
  #hinderedSince: number | undefined

  /**
   * @param directory its path
   * @param name of the SSTable without component, or of the file
   * @param isSSTable whether the name is an SSTable's
   * @param index the secondary index that it belongs to, or ''
   * @param firstSeen how many drained points the table had when it was first seen
   */
  constructor(
    directory: string,
    name: string,
    isSSTable: boolean,
    readonly index: string,
    readonly firstSeen: number,
  ) {
    super(directory, name, isSSTable)
    this.remote = new StoredFiles(this)
    this.#wholeness = new Wholeness(firstSeen)
  }

  get status(): FilesStatus {
    return this.#status
  }

  /** When it became whole. */
  get whole(): WholeSpan {
    return this.#wholeness.span
  }

  /** Whether it is part of the table: a commit added it, or a scan found it. */
  get isPart(): boolean {
    return this.#membership === 'part' || this.#membership === 'given-up'
  }

  /** Whether it is part of the table only because it was there at the start: nobody has judged whether it is whole. */
  get isPresumed(): boolean {
    return this.#wasOld && this.whole.until === undefined && this.isPart
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
    return this.#wholeness.missing
  }

  /** Since when it could not be uploaded, or was not complete, ms of the monotonic clock. */
  get hinderedSince(): number | undefined {
    return this.#hinderedSince
  }

  /** Whether a file of it was there and went before anybody had judged it: it may have been whole. */
  get isTorn(): boolean {
    return this.#wholeness.isTorn
  }

  /** As of {@link StoredFiles.durable}. */
  get durable(): ReadonlyMap<string, Entry> {
    return this.remote.durable
  }

  /** As of {@link StoredFiles.whole}. */
  get stored(): StateSet | undefined {
    return this.remote.whole
  }

  /** For the lineage: whether it is, or may be, another SSTable than any that was under its path before. */
  get fresh(): boolean {
    return this.#isCommitted || this.#mayBeNew || this.stored?.components.get('Data.db')?.key !== undefined
  }

  /** For the lineage: whether it is not in the bucket yet, so that nobody knows whether what vanished from its path has come back. */
  get isUnproven(): boolean {
    return this.stored === undefined
  }

  /**
   * Looks at its files on the disk. Files that are gone leave it.
   * @param now ms of the monotonic clock
   */
  look(disk: Disk, now: number): Look {
    const { look, main } = this.compare(disk, now, this.whole.until !== undefined || this.isPresumed)
    // What was taken for whole stays what it was: another Data.db is another SSTable's.
    if (main !== undefined && !this.isTaken) this.remote.mainIs(main)
    return look
  }

  /** A file of it was found on the disk before its event was told. @param now ms of the monotonic clock */
  noteSeen(name: string, identity: FileIdentity, now: number): void {
    this.addSeen(name, identity, now)
    if (name === this.main && !this.isTaken) this.remote.mainIs(identity)
  }

  /** All files that it must have are there. @param look what the look showed that this follows from */
  noteWhole(look: Look, drains: number, now: number, time: number): void {
    const isRestless = this.#restlessSince !== undefined && now - this.#restlessSince >= REST_PATIENCE
    this.#wholeness.whole(look, { drains, now, time }, isRestless)
  }

  /** As of {@link Wholeness.incomplete}. */
  noteIncomplete(look: Look, drains: number, missing: readonly string[]): void {
    this.#wholeness.incomplete(look, drains, missing)
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

  /**
   * A transaction log that nobody could read is over, and may have been its own: then it became part of the table at any time
   * until now. It needs its quiet time all the same: it may as well be a copy that is under way.
   * @param drains how many drained points the table has had
   * @param time ms by the server's clock
   */
  logEnded(drains: number, time: number): void {
    this.#mayBeNew = true
    this.#wholeness.extend(drains, time)
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
    this.remote.add(durable)
    this.#failures = next === 'failed' ? this.#failures + 1 : 0
    this.#restarts = next === 'changed' ? this.#restarts + 1 : 0
    // A later change is another writing, and has to come to rest by itself.
    this.#isSettled = false
    this.#restlessSince = undefined
    this.#status = next === 'done' || next === 'failed' ? next : 'dirty'
    return next === 'done' && this.remote.adopt(names, isCorrupt)
  }

  /** It was uploaded before, and is unchanged. */
  markDone(): void {
    this.#status = 'done'
    this.#hinderedSince = undefined
  }

  /** Takes over what a manifest says of an SSTable that is not on the disk. */
  takeStored(stored: StateSet): void {
    this.remote.take(stored)
    this.#status = 'done'
    this.#membership = 'part'
  }
}
