import { basename, dirname, join } from 'node:path'

import type { History, Moment } from '../manifest/history.js'
import type { Standing } from '../manifest/lineage.js'
import { SparseMap, SparseSet } from '../manifest/sparse.js'
import type { DirectoryIdentity, Entry, State, StateSet } from '../manifest/state.js'

import { isKnownElsewhere, isSameDataDirectory } from './data-directories.js'
import { PATIENCE, REST_PATIENCE } from './patience.js'
import type { Clock, Disk, Draft, TableNews, TableSettings } from './ports.js'
import { Present } from './present.js'
import { saysNothing, saysTheSame } from './same-manifest.js'
import { TableFiles } from './table-files.js'

/** A watched directory of a table. */
export interface TableDirectory {
  readonly path: string
  /** The secondary index that it holds, or ''. */
  readonly index: string
  readonly identity: DirectoryIdentity | undefined
}

/** The parts that a draft is made of. */
export interface DraftSource {
  readonly history: History<TableFiles>
  readonly directories: ReadonlyMap<string, TableDirectory>
  readonly files: readonly TableFiles[]
  /** Transaction logs that could not be read for long, by path. */
  readonly unreadLogs: readonly string[]
  /** SSTables and files that do not come to rest; see {@link Worklist.restless}. */
  readonly restless: readonly TableFiles[]
}

/** The restore points of a table: what the newest manifest says, and what the next one has to say. */
export class RestorePoints {
  readonly #name: string
  readonly #settings: TableSettings
  readonly #disk: Disk
  readonly #clock: Clock
  #newest: State | undefined
  /** Time of a newest manifest that cannot be read, ms since 1970. */
  #newestTime: number | undefined
  /** SSTables that --delete-on-backup deleted from the disk; they stay in every restore point. */
  readonly #kept = new SparseMap<string, TableFiles>()
  /** Those that a manifest of another run says so of, until their directories are known. */
  readonly #inherited = new SparseMap<string, StateSet>()
  /** When commits removed SSTables, ms by the server's clock, by path: those that the newest manifest does not tell of. */
  readonly #removedAt = new SparseMap<string, number>()
  readonly #keptFiles = new SparseMap<string, Entry>()
  readonly #present = new Present()
  /** Directories with SSTables of the table that are not watched. */
  readonly #unwatched = new SparseSet<string>()
  /** Time of the newest restore point that may be in the bucket although it failed, ms since 1970. */
  #triedTime = -Infinity
  readonly #news: TableNews[] = []
  /** SSTables that vanished without a reason in an earlier run, and of which the operator was not told in this one. */
  #untold: ReadonlySet<string> = new Set()
  /** SSTables that the run beside this one says have vanished without a reason. */
  #carried: ReadonlySet<string> = new Set()
  /** Directories of the newest manifest that are missing or replaced, until a restore point says what is lost with them. */
  #lost: readonly string[] = []
  /** The newest manifest does not say all that can be said of an SSTable or a file now. */
  #isChanged = false
  /** Nothing that is the same as in the newest manifest counts: another epoch has begun, or it cannot be read. */
  #mustSay: boolean
  /** SSTables and files that do not come to rest, as far as the operator was told. */
  #restless: ReadonlySet<TableFiles> = new Set()
  #isExposed = false
  #isSaid = false
  #isCovered = false
  /** The history went on, or more was uploaded, since the last draft. */
  #isBehind = false
  /** The bucket says what the table was until then, ms since 1970: no change before that is to be told. */
  #toldUntil = Infinity
  #draft: { readonly draft: Draft; readonly moment: Moment<TableFiles> } | undefined

  constructor(name: string, settings: TableSettings, disk: Disk, clock: Clock) {
    this.#name = name
    this.#settings = settings
    this.#disk = disk
    this.#clock = clock
    this.#mustSay = settings.tookOver
  }

  get newest(): State | undefined {
    return this.#newest
  }

  /** For the first scan: the newest manifest, with the SSTables of its directories that are lost. */
  before(directories: ReadonlyMap<string, TableDirectory>): ConstructorParameters<typeof History>[0] {
    const time = this.#newest?.time ?? this.#newestTime
    if (time === undefined) return undefined
    if (this.#settings.tookOver) return { time, sets: new Set(), unexplained: [] }
    const lost = new Set(this.#lostDirectories(directories))
    const paths = [...(this.#newest?.sets.keys() ?? [])]
    return {
      time,
      sets: new Set(paths.filter(path => lost.has(dirname(path)))),
      unexplained: this.#isAccepted ? [] : (this.#newest?.unexplained ?? this.#forgotten(directories)),
    }
  }

  /**
   * Whether --take-over accepted the losses that the newest manifest tells of: in this run, or in an earlier one that ended before
   * it wrote a manifest of this table. Directories that are missing may have gone after that one: only this run accepts them.
   */
  get #isAccepted(): boolean {
    const { tookOver, acceptedEpoch } = this.#settings
    return tookOver || (this.#newest?.epoch ?? Infinity) < acceptedEpoch
  }

  /** Only the newest manifest says which SSTables --delete-on-backup deleted: where it cannot be read, any may be missing. */
  #forgotten(directories: ReadonlyMap<string, TableDirectory>): string[] {
    if (!this.#settings.deletesUploaded) return []
    this.#news.push({ kind: 'forgotten' })
    return [...directories.keys()].map(path => join(path, '*'))
  }

  /** Whether a restore point of what was found is in the bucket, or none is needed. */
  get isCovered(): boolean {
    return this.#isCovered
  }

  /** Whether the newest manifest says all that can be said, as far as was looked at last. */
  get isSaid(): boolean {
    return this.#isSaid && this.#draft === undefined
  }

  /** Whether the newest manifest is of the last change, and of the last upload; for the operator. */
  get isCurrent(): boolean {
    return this.#isCovered && !this.#isBehind && this.#draft === undefined
  }

  /** The history went on. */
  wentOn(): void {
    this.#isSaid = false
    this.#isBehind = true
  }

  /** An upload has ended, and manifests have something else to say of its SSTable. */
  uploaded(): void {
    this.changed()
    this.#isBehind = true
  }

  get kept(): ReadonlyMap<string, TableFiles> {
    return this.#kept
  }

  /** Takes out the news for the operator that were not told yet. */
  takeNews(): TableNews[] {
    return this.#news.splice(0)
  }

  /** @param scannedAt when its first scan ended, ms since 1970: the bucket was asked then or later, and may have answered much later */
  loaded(newest: State | undefined, newestTime: number | undefined, scannedAt: number): void {
    this.#newest = newest
    this.#toldUntil = scannedAt
    this.#inherit(newest)
    if (!this.#isAccepted) this.#untold = new Set(newest?.unexplained)
    this.#newestTime = newestTime
    this.#mustSay ||= newest === undefined && newestTime !== undefined
  }

  /** A manifest of ours says `kept` before the SSTable is deleted, and Cassandra may be faster: only others' are taken at their word. */
  #inherit(newest: State | undefined, isOver: (path: string) => boolean = () => false): void {
    for (const [path, stored] of newest?.sets ?? [])
      if (stored.kept && !isOver(path)) this.#inherited.set(path, stored)
  }

  /**
   * Another run of this node wrote a manifest that was not known. It may be older than the newest one, and than changes that no
   * manifest tells of yet: an SSTable that is no part of the table since then is not taken over.
   * @param endedAt when the table was truncated or dropped last, ms since 1970
   */
  adopt(other: State, endedAt: number): void {
    const newest = this.#newest
    const isOlder = newest !== undefined && other.time < newest.time
    const isOver = (path: string) => {
      if (isOlder && !newest.sets.has(path) && !newest.unexplained.includes(path)) return true
      return (this.#removedAt.get(path) ?? -Infinity) > other.time
    }
    this.#inherit(other, isOver)
    this.#newest = other
    // A run that ends has no watches: the daemon beside it saw how they went.
    if (this.#settings.isOneShot && !isOlder)
      this.#carried = new Set(other.time > endedAt ? other.unexplained : [])
    this.#toldUntil = other.time
    this.#isChanged = true
  }

  /** Manifests have something else to say of an SSTable or a file. */
  changed(): void {
    this.#isSaid = false
    this.#isChanged = true
  }

  /** The run ends: what could not be uploaded is named as that. */
  expose(): void {
    this.#isExposed = true
    this.#isChanged = true
  }

  /** The entry of the newest manifest for a path. */
  stored(path: string): StateSet | undefined {
    const set = this.#newest?.sets.get(path)
    if (set !== undefined) return set
    const file = this.#newest?.files.get(path)
    if (file === undefined) return undefined
    return { components: new Map([[basename(path), file]]), corrupt: false, kept: false }
  }

  /** Takes over the SSTables that an earlier run deleted from the disk. @param has whether a path is there */
  takeKept(directories: ReadonlyMap<string, TableDirectory>, has: (path: string) => boolean): TableFiles[] {
    for (const [path, stored] of [...this.#inherited]) {
      const directory = directories.get(dirname(path))
      if (directory === undefined) continue
      this.#inherited.delete(path)
      if (this.#kept.has(path) || has(path)) continue
      const files = new TableFiles(directory.path, basename(path), true, directory.index, 0)
      files.takeStored(stored)
      this.#kept.set(path, files)
    }
    return [...this.#kept.values()].filter(({ path, isRemoved }) => !isRemoved && !has(path))
  }

  /** --delete-on-backup has deleted the files from the disk. */
  deleted(files: TableFiles): void {
    if (files.isSSTable) {
      // A commit removed it while its manifest was being written.
      if (files.isRemoved) return
      files.remote.keep()
      this.#kept.set(files.path, files)
      return
    }
    const entry = files.stored?.components.get(files.name)
    if (entry !== undefined) this.#keptFiles.set(files.path, entry)
  }

  /** An SSTable is no part of the table any more. */
  removed(path: string): void {
    this.#kept.delete(path)
    this.#inherited.delete(path)
    this.#removedAt.set(path, this.#clock.time())
  }

  /** SSTables of the table lie in a directory that is not watched. @param isTold whether the operator was told why */
  noteUnwatched(path: string, isTold = false): void {
    if (this.#unwatched.has(path)) return
    this.#unwatched.add(path)
    this.#isChanged = true
    if (!isTold) this.#news.push({ kind: 'directory-unwatched', path })
  }

  isUnwatched(path: string): boolean {
    return this.#unwatched.has(path)
  }

  /** A directory is watched now. */
  noteWatched(path: string): void {
    if (this.#unwatched.delete(path)) this.#isChanged = true
  }

  /** The next restore point; undefined: there is nothing to say, or not yet. */
  draft(source: DraftSource): Draft | undefined {
    const now = this.#clock.now()
    if (this.#draft !== undefined || this.#waitsForFiles(source.files, now)) return undefined
    const { history } = source
    this.#noteRestless(source.restless)
    const moment = history.next(
      files => this.#standing(history, files, now),
      this.#isChanged || this.#mustSay,
    )
    if (moment === undefined) {
      this.#isSaid = !this.#isChanged
      this.#isBehind = false
      return undefined
    }
    const time = this.#timeOf(moment, history)
    if (time === undefined) return undefined
    this.#isBehind = false
    const draft = this.#draftOf(source, { ...moment, time }, now)
    const still = draft.state.unexplained.filter(path => this.#untold.has(path))
    if (still.length > 0) this.#news.push({ kind: 'unexplained', paths: still })
    this.#untold = new Set()
    this.#tellLost(draft.state, source.directories)
    const isNews =
      this.#newest === undefined
        ? this.#mustSay || !saysNothing(draft.state)
        : this.#mustSay || !saysTheSame(this.#newest, draft.state)
    this.#isChanged = false
    // The table has changed, and changed back: a run beside this one that saw it in between may write that at any time. Only
    // a restore point of now comes after it. A run that ends leaves it to the daemon beside it to say so.
    const isRepeat = !isNews && moment.cut.time > this.#toldUntil && !this.#settings.isOneShot
    if (isNews || isRepeat) {
      this.#draft = { draft: { ...draft, isRepeat }, moment }
      return this.#draft.draft
    }
    history.accept(moment)
    this.#isSaid = true
    this.#isCovered = true
    return undefined
  }

  /** Restore points name what does not come to rest as not backed up, also SSTables that are in no commit for that reason. */
  #noteRestless(restless: readonly TableFiles[]): void {
    const before = this.#restless
    this.#restless = new Set(restless)
    for (const files of before) {
      if (this.#restless.has(files)) continue
      this.#news.push({ kind: 'complete', path: files.path })
      this.#isChanged = true
    }
    for (const files of this.#restless) {
      if (before.has(files)) continue
      this.#news.push({ kind: 'incomplete', path: files.path, isPart: true, missing: [] })
      this.#isChanged = true
    }
  }

  /** The time of a restore point; undefined: it waits for the next drained point. */
  #timeOf(moment: Moment<TableFiles>, { live }: History<TableFiles>): number | undefined {
    const newest = this.#newest
    const isNow = moment.sets.size === live.size && [...moment.sets].every(files => live.has(files))
    if (newest === undefined || !isNow || this.#settings.isOneShot) return moment.time
    return this.#present.timeOf(moment.time, newest.time, this.#clock.time())
  }

  /** Whether a restore point waits for the next drained point. */
  get isAwaited(): boolean {
    return this.#present.isAwaited
  }

  /** A drained point. @param until as in {@link Present.drained} */
  drained(until: number | undefined): void {
    this.#present.drained(until)
  }

  /** A draft is in the bucket. @param state as it was written */
  written(history: History<TableFiles> | undefined, draft: Draft, state: State): void {
    if (this.#draft?.draft !== draft) return
    const { moment } = this.#draft
    this.#draft = undefined
    this.#newest = state
    for (const [path, time] of [...this.#removedAt]) if (time <= state.time) this.#removedAt.delete(path)
    this.#toldUntil = moment.cut.time
    this.#mustSay = false
    this.#isCovered = true
    history?.accept({ ...moment, time: state.time })
    // An SSTable that could not be deleted is not kept.
    if (draft.leaving.length > 0) this.#isChanged = true
  }

  /** A draft could not be written. */
  failed(draft: Draft): void {
    if (this.#draft?.draft !== draft) return
    // It may be in the bucket all the same: what is to be said after it is said, even if that is nothing.
    this.#mustSay = true
    this.#triedTime = Math.max(this.#triedTime, draft.state.time)
    this.#draft = undefined
    this.#isSaid = false
    this.#isBehind = true
    this.#isChanged = true
  }

  /** The standing of an SSTable in the next restore point. */
  #standing(history: History<TableFiles>, files: TableFiles, now: number): Standing {
    if (files.stored !== undefined) return 'durable'
    if (!history.live.has(files)) return 'owed'
    return files.status === 'old' || files.isGivenUp || this.#isHindered(files, now) ? 'waived' : 'owed'
  }

  #isHindered({ hinderedSince, restlessSince, isSSTable, status }: TableFiles, now: number): boolean {
    const patience = this.#settings.isOneShot || this.#isExposed ? 0 : PATIENCE
    if (hinderedSince !== undefined && now - hinderedSince >= patience) return true
    // An SSTable that is being uploaded has come to rest, however long that takes.
    if (isSSTable && status === 'uploading') return false
    return restlessSince !== undefined && now - restlessSince >= REST_PATIENCE
  }

  /** Whether files that belong to no SSTable are on their way into the bucket, and not for too long. */
  #waitsForFiles(all: Iterable<TableFiles>, now: number): boolean {
    for (const files of all) {
      if (files.isSSTable || files.stored !== undefined) continue
      const { status } = files
      const isUnderWay = status !== 'old' && status !== 'done' && status !== 'waiting'
      if (isUnderWay && !this.#isHindered(files, now)) return true
    }
    return false
  }

  #draftOf(
    { directories, files: all, unreadLogs }: DraftSource,
    moment: Moment<TableFiles>,
    now: number,
  ): Draft {
    const sets = new SparseMap<string, StateSet>()
    const leaving: TableFiles[] = []
    const leaves = (files: TableFiles) =>
      this.#settings.deletesUploaded && files.status === 'done' && files.remote.isAsUploaded(this.#disk)
    for (const files of moment.sets) {
      const { path, stored } = files
      if (stored === undefined) continue
      const isLeaving = !stored.kept && !this.#kept.has(path) && leaves(files)
      if (isLeaving) leaving.push(files)
      sets.set(path, isLeaving ? { ...stored, kept: true } : stored)
    }
    const unprotected = new Set([
      ...[...this.#unwatched].map(directory => join(directory, '*')),
      ...unreadLogs,
      ...moment.unprotected.map(({ path }) => path),
      ...[...this.#restless].map(({ path }) => path),
    ])
    const files = new SparseMap<string, Entry>()
    for (const [path, entry] of this.#keptFiles) files.set(path, entry)
    for (const one of all) {
      if (one.isSSTable) continue
      const entry = one.stored?.components.get(one.name)
      if (entry === undefined) {
        if (one.status === 'old' || this.#isHindered(one, now)) unprotected.add(one.path)
        continue
      }
      files.set(one.path, entry)
      if (leaves(one)) leaving.push(one)
    }
    const identities = new Map<string, DirectoryIdentity>()
    for (const { path, identity } of directories.values())
      if (identity !== undefined) identities.set(path, identity)
    const { gap, time: known } = moment
    const carried = [...this.#carried].filter(path => !sets.has(path))
    const unexplained = [...new Set([...moment.unexplained, ...carried])].sort()
    // A newer manifest of another run stays newer, as this one says what was true at its own time. But a clock that went
    // back must not put it before one of ours whose fate is not known; the same again has the same time.
    const time = known < this.#triedTime ? this.#triedTime + 1 : known
    const state: State = {
      node: '',
      epoch: 0,
      unit: this.#name,
      time,
      gap,
      unexplained,
      sets,
      files,
      unprotected: [...unprotected].sort(),
      directories: identities,
    }
    return { state, leaving }
  }

  /** A restore may have made them anew with all their SSTables: only what was found says whether something is lost. */
  #tellLost({ unexplained }: State, directories: ReadonlyMap<string, TableDirectory>): void {
    const withLosses = new Set(unexplained.map(path => dirname(path)))
    for (const path of this.#lost) {
      if (withLosses.has(path)) this.#news.push({ kind: 'directory-replaced', path })
      else if (directories.has(path)) this.#news.push({ kind: 'directory-renewed', path })
    }
    this.#lost = []
  }

  /** Directories of the newest manifest that are missing, or have another one's path. */
  #lostDirectories(directories: ReadonlyMap<string, TableDirectory>): string[] {
    const newest = this.#newest
    if (newest === undefined) return []
    const lost: string[] = []
    for (const path of newest.directories.keys()) {
      if (!isSameDataDirectory(path, newest, this.#disk, directories.get(path)?.identity)) lost.push(path)
      else if (!directories.has(path) && !isKnownElsewhere(path, directories.values(), this.#disk))
        this.noteUnwatched(path)
    }
    this.#lost = lost
    return lost
  }
}
