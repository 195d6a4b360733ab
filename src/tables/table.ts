import { basename, dirname, join } from 'node:path'

import { type FileIdentity, sameIdentity } from '../cassandra/file-identity.js'
import { parseComponent } from '../cassandra/names.js'
import type { LogNews } from '../cassandra/transaction-logs.js'
import { indexOf, tableOfUnit } from '../cassandra/unit.js'
import { SparseMap } from '../manifest/sparse.js'
import type { Entry, State } from '../manifest/state.js'

import { isKnownElsewhere } from './data-directories.js'
import { LOG_PATIENCE } from './gap.js'
import { Judge } from './judgement.js'
import { Logs, type TransactionLog } from './logs.js'
import { Placement } from './placement.js'
import type {
  Arrival,
  Clock,
  DirectoryScan,
  Disk,
  Draft,
  Instant,
  Missing,
  Orders,
  Ready,
  TableSettings,
  UploadResult,
} from './ports.js'
import { RestorePoints } from './restore-points.js'
import type { Leaving, TableDirectory, TableFacts } from './table-facts.js'
import { TableFiles } from './table-files.js'
import { Worklist } from './worklist.js'

/** `loading` the newest manifest; `scanning`; `live`: every change is known; `gap`: changes may have been missed. */
export type TablePhase = 'loading' | 'scanning' | 'live' | 'gap'

/** A watched directory with the files in it. */
interface Directory extends TableDirectory {
  readonly files: SparseMap<string, TableFiles>
  /** The files that the last scan saw, where no events tell of changes. */
  readonly lastScan: ReadonlyMap<string, FileIdentity> | undefined
}

/**
 * The life of one table over all watched data directories, or of one other watched directory. It takes in facts: events,
 * scans, transaction logs, ends of uploads, what the bucket holds, and the time. It gives orders: upload this SSTable,
 * write a restore point, scan these directories again. It opens no file and sends nothing, and nobody else writes its
 * fields.
 *
 * A **drained point** is a moment at which every event of the table that had happened was told. Between two of them facts may come
 * that are newer than the events; at one of them nothing that happened before is unknown. So the table decides only there
 * on the order of changes, and numbers them.
 */
export class Table {
  /** Whether it is a table; otherwise it is another directory. */
  readonly isTable: boolean
  readonly #settings: TableSettings
  readonly #disk: Disk
  readonly #orders: Orders
  readonly #clock: Clock
  readonly #directories = new Map<string, Directory>()
  readonly #logs = new Logs()
  readonly #worklist: Worklist
  readonly #placement: Placement
  readonly #points: RestorePoints
  readonly #judge: Judge
  /** When transaction logs that cannot be read were announced, ms of the monotonic clock, by path. */
  readonly #unread = new SparseMap<string, number>()
  #isLoaded = false
  #isStopped = false
  #wakesAt: number | undefined
  /** When the last look began. */
  #looked: Instant

  constructor(
    readonly name: string,
    settings: TableSettings,
    disk: Disk,
    orders: Orders,
    clock: Clock,
  ) {
    this.isTable = tableOfUnit(name) !== undefined
    this.#settings = settings
    this.#disk = disk
    this.#orders = orders
    this.#clock = clock
    this.#judge = new Judge(settings, disk, clock, this.#logs)
    this.#worklist = new Worklist(settings, clock, this.#judge)
    this.#placement = new Placement(settings, disk, clock, this.#logs, this.#judge)
    this.#points = new RestorePoints(name, { settings, disk, clock })
    this.#looked = this.#instant()
  }

  get phase(): TablePhase {
    if (!this.#isLoaded) return 'loading'
    if (this.#placement.history === undefined) return 'scanning'
    return this.#placement.hasGap ? 'gap' : 'live'
  }

  get directories(): ReadonlyMap<string, TableDirectory> {
    return this.#directories
  }

  /** The newest manifest in the bucket, as far as it is known. */
  get newest(): State | undefined {
    return this.#points.newest
  }

  /** Whether a restore point of what was found is in the bucket, or none is needed. */
  get isCovered(): boolean {
    return this.#points.isCovered
  }

  /** Whether the newest manifest is of the last change, and of the last upload. */
  get isCurrent(): boolean {
    return this.#points.isCurrent
  }

  /** Whether nothing is to be judged, uploaded, or decided. */
  get isIdle(): boolean {
    return this.#isLoaded && this.#worklist.isIdle && (this.#isStopped || this.#placement.isSettled)
  }

  /** Whether nothing of it is left on the disk, and the newest manifest says so: it may be forgotten. */
  get isFinished(): boolean {
    return this.#directories.size === 0 && this.isIdle && this.#points.isCovered && this.#points.isSaid
  }

  /** How many things it holds beside its files: bounded by what is under way. */
  get size(): number {
    return this.#placement.size + this.#worklist.size + this.#logs.size
  }

  /** All SSTables, and files that belong to none, that are there. */
  *files(): Generator<TableFiles> {
    for (const { files } of this.#directories.values()) yield* files.values()
  }

  /** @param name of an SSTable, or of a file that belongs to none */
  get(directory: string, name: string): TableFiles | undefined {
    return this.#directories.get(directory)?.files.get(name)
  }

  /** All that restore points may yet name, also what is not there any more. */
  known(): Set<TableFiles> {
    const { history, unplaced } = this.#placement
    return new Set([
      ...this.files(),
      ...this.#points.kept.sstables.values(),
      ...unplaced,
      ...(history?.wanted() ?? []),
    ])
  }

  /** Objects have other keys. @param keyOf the new key of the object of a file; undefined: it has none */
  rekey(keyOf: (path: string, entry: Entry) => string | undefined): void {
    let isNews = false
    for (const files of this.known()) isNews = files.remote.rekey(keyOf) || isNews
    if (!isNews) return
    this.#points.changed()
    this.#orders.restorePoint(this)
  }

  /** The SSTables, and files that belong to none, that are on the disk and not in the bucket; bounded by what is under way. */
  *waiting(): Generator<{ readonly bytes: number; readonly since: number }> {
    for (const [files, since] of this.#worklist.open) {
      const { status, remote } = files
      const bytes = remote.bytesOutdated
      if (bytes > 0 && status !== 'done' && status !== 'obsolete' && status !== 'old') yield { bytes, since }
    }
  }

  /** The files that the next restore point lacks, and why. */
  *missing(): Generator<Missing> {
    for (const files of this.files()) {
      const { path, status } = files
      if (status === 'done' || status === 'obsolete') continue
      if (status === 'written' || status === 'failed' || status === 'uploading' || status === 'old')
        yield { path, why: status }
      else yield { path, why: 'incomplete' }
    }
  }

  /** Whether the newest restore point lacks an SSTable that is not there any more. A directory (`…/*`) is told of by itself. */
  get lacksGone(): boolean {
    const isPartial = this.newest?.unprotected.some(path => !path.endsWith('/*')) === true
    return isPartial && this.missing().next().done === true
  }

  /** Whether a restore point may yet name an SSTable. */
  isWanted(files: TableFiles): boolean {
    return this.#placement.history?.wants(files) !== false
  }

  /** The bucket was asked for the table's newest manifest. @param newestTime of a newest manifest that cannot be read, ms since 1970 */
  loaded(newest: State | undefined, newestTime?: number): void {
    const scannedAt = this.#placement.loaded(newest?.time ?? newestTime, this.#directories.keys())
    this.#points.loaded(newest, newestTime, scannedAt)
    this.#isLoaded = true
    for (const files of this.files()) {
      files.remote.seed(this.#points.stored(files.path), this.#disk)
      if (files.status === 'old') this.#judgeOld(files)
    }
    this.#wake(this.#clock.now())
  }

  /** A directory was scanned. Its transaction logs are told right before, by {@link log}. */
  scanned({ path, index, identity, files, logs, isWatched, reason }: DirectoryScan): void {
    const before = this.#directories.get(path)
    const lastScan = isWatched ? undefined : files
    const directory: Directory = { path, index, identity, files: before?.files ?? new SparseMap(), lastScan }
    this.#directories.set(path, directory)
    this.#points.notBackedUp.deleteDirectory(path)
    for (const log of this.#logs.in(path)) if (!logs.includes(log.name)) this.#endLog(path, log)
    const isSame = before?.lastScan !== undefined && sameScan(before.lastScan, files)
    if (!isWatched && !isSame) this.#missed(`${path} is not watched`)
    for (const one of [...directory.files.values()])
      for (const name of [...one.names]) {
        // A file that came after the scan had begun is not gone: a log that was read after that may have told of it.
        if (files.has(name)) continue
        if (this.#disk.file(join(path, name)) === undefined) this.#removed(directory, name)
        else this.#worklist.mark(one)
      }
    for (const [name, identity] of files) this.#found(directory, name, identity, reason === 'start')
    this.#placement.scanned(path, isSame, isWatched)
    if (this.#placement.orderScan()) this.#orderScan('it changed while it was scanned')
  }

  /** A file came into a directory, or was closed by its writer. */
  arrived(path: string, name: string, arrival: Arrival): void {
    const directory = this.#directories.get(path)
    if (directory === undefined) return
    const files = this.#filesOf(directory, name)
    files.add(name)
    files.touch(arrival === 'moved-in')
    this.#placement.seen(files)
    this.#worklist.mark(files)
    // Nobody looks at it until its upload has ended; but what was under the name is gone now.
    if (arrival === 'moved-in' && files.status === 'uploading' && name === files.main) {
      const identity = this.#disk.file(join(path, name))
      if (identity !== undefined && files.isReplacedBy(identity)) this.#replaced(files)
    }
  }

  /** A file was deleted, or renamed to another name. */
  removed(path: string, name: string): void {
    const directory = this.#directories.get(path)
    if (directory !== undefined) this.#removed(directory, name, 'told')
  }

  /** A transaction log was read, missed or deleted. */
  log(path: string, name: string, news: LogNews): void {
    const index = indexOf(path)
    const known = this.#logs.known(name, index)
    if (known === undefined && news.kind === 'gone') return
    // The first scan tells of the logs before it tells of the directory.
    if (!this.#directories.has(path)) {
      const identity = this.#disk.directory(path)
      this.#directories.set(path, { path, index, identity, files: new SparseMap(), lastScan: undefined })
    }
    const log = known ?? this.#logs.of(name, index, this.#placement.drains)
    if (news.kind === 'read') {
      this.#unread.delete(join(path, name))
      log.read(path, news.txn)
    } else if (news.kind === 'gone') {
      this.#endLog(path, log)
      return
    } else {
      log.miss(path)
      if (news.kind === 'unreadable' && !this.#unread.has(join(path, name)))
        this.#unread.set(join(path, name), this.#clock.now())
      if (log.isUnread && !log.isAddition) this.#missed(`transaction log ${name} was not read`, log)
    }
    if (this.#logs.take(log)) this.#committed(log)
    for (const sstable of [...log.txn.adds, ...log.txn.removes]) {
      const files = this.#find(index, sstable)
      if (files !== undefined && files.status !== 'done' && files.status !== 'old') this.#worklist.mark(files)
    }
  }

  /** A directory was deleted, renamed or replaced. */
  lostDirectory(path: string): void {
    const directory = this.#directories.get(path)
    if (directory === undefined) return
    for (const files of [...directory.files.values()]) this.#left(directory, files, 'lost')
    for (const log of this.#logs.in(path)) this.#endLog(path, log)
    this.#directories.delete(path)
    this.#placement.lostDirectory(path)
    this.#points.changed()
    this.#wake(this.#clock.now())
  }

  /** A directory of the table is there and cannot be read: restore points are partial until it can be. */
  unreadable(path: string): void {
    if (this.#directories.has(path) || this.#points.notBackedUp.hasDirectory(path)) return
    this.#points.notBackedUp.addDirectory(path, true)
    this.#orders.restorePoint(this)
    this.#wake(this.#clock.now())
  }

  /** Events were lost. */
  lostEvents(why: string): void {
    this.#missed(why)
    if (this.#placement.orderScan()) this.#orderScan(why)
  }

  /** Judges what changed, and what is due, by the disk as it is now. */
  look(): void {
    this.#looked = this.#instant()
    const { ready, gone, replaced, broken } = this.#worklist.look(this.#placement.drains, this.#isLoaded)
    for (const [files, component] of broken) this.#placement.broke(files, component)
    for (const files of gone) this.#leftUnseen(files)
    for (const files of replaced) this.#replaced(files)
    for (const one of ready) if (this.#isThere(one.files)) this.#upload(one)
    this.#schedule()
  }

  /** Everything that has happened until now was told, and {@link look} was called after it. */
  drained(): void {
    this.#checkUnwatched()
    const hasGoneOn = this.#placement.drained(this.#facts(), this.#isLoaded, this.#looked)
    // The placement has looked at some: what it saw is judged, and one that is gone leaves.
    for (const files of this.#placement.unplaced)
      if (files.isGone || (files.status === 'waiting' && files.whole.until !== undefined))
        this.#worklist.mark(files)
    if (this.#placement.orderScan()) this.#orderScan('changes of it were missed')
    this.#tellNews()
    const { history } = this.#placement
    if (hasGoneOn) this.#points.wentOn()
    this.#points.drained(this.#isKnown ? this.#looked.time : undefined)
    const mayDraft =
      hasGoneOn || !this.#points.isCovered || this.#worklist.hasHindered || this.#points.isAwaited
    if (history !== undefined && mayDraft) this.#orders.restorePoint(this)
    this.#schedule()
  }

  /** The upload of files has ended. */
  uploaded(files: TableFiles, result: UploadResult): void {
    if (this.#worklist.uploaded(files, result, this.#isThere(files))) this.#points.uploaded()
    this.#orders.restorePoint(this)
    this.#schedule()
  }

  /** The bucket can be reached again: failed uploads wait no longer. */
  retry(): void {
    if (this.#worklist.retry()) this.#wake(this.#clock.now())
  }

  /** Another run of this node wrote a manifest: what it names counts as uploaded. */
  adopt(newer: State): void {
    this.#points.adopt(newer, this.#placement.losses.endedAt)
    this.#placement.history?.adopt(newer)
    for (const files of this.files()) {
      files.remote.seed(newer.sets.get(files.path) ?? this.#points.stored(files.path), this.#disk)
      if (files.status === 'old') this.#judgeOld(files)
    }
    this.#orders.restorePoint(this)
    this.#wake(this.#clock.now())
  }

  /** Whether the run ends when all that it found is in the bucket. */
  get isOneShot(): boolean {
    return this.#settings.isOneShot
  }

  /** The run ends: what is missing now is named as not backed up. */
  expose(): void {
    this.#placement.expose()
    this.#points.expose()
  }

  /** When the SSTables that are uploaded can be named, ms of the monotonic clock; undefined: they can be now. */
  get restsAt(): number | undefined {
    return this.#placement.restsAt
  }

  /** Takes no more in; uploads that are under way may end. */
  stop(): void {
    this.#isStopped = true
    this.#worklist.stop()
    this.#wake(undefined)
  }

  /** The next restore point; undefined: there is nothing to say, or not yet. It is to be {@link written}, or {@link failed}. */
  draft(): Draft | undefined {
    const { history } = this.#placement
    if (history === undefined) return undefined
    const now = this.#clock.now()
    const unreadLogs = [...this.#unread]
      .filter(([, since]) => now - since > LOG_PATIENCE)
      .map(([path]) => path)
    const draft = this.#points.draft({
      history,
      directories: this.#directories,
      files: [...this.files()],
      unreadLogs,
      restless: this.#worklist.restless,
    })
    // Where nothing happens, no drained point comes by itself.
    if (this.#points.isAwaited) this.#wake(this.#clock.now())
    this.#tellNews()
    return draft
  }

  /** @param state the manifest as it lies in the bucket */
  written(draft: Draft, state: State): void {
    this.#points.written(this.#placement.history, draft, state)
    this.#orders.restorePoint(this)
  }

  failed(draft: Draft): void {
    this.#points.failed(draft)
  }

  /** --delete-on-backup has deleted the files from the disk. */
  deleted(files: TableFiles): void {
    this.#points.kept.add(files)
    const directory = this.#directories.get(files.directory)
    if (directory !== undefined && this.#isThere(files)) directory.files.delete(files.name)
    this.#worklist.drop(files)
  }

  #instant(): Instant {
    return { now: this.#clock.now(), time: this.#clock.time() }
  }

  #facts(): TableFacts {
    const indexes = [...this.#directories.values()].some(({ index }) => index !== '')
    const points = this.#points
    const directories = this.#directories
    return {
      name: this.name,
      isTable: this.isTable,
      directories,
      hasIndexes: indexes,
      files: () => this.files(),
      get newest() {
        return points.before(directories)
      },
      takeKept: () => this.#takeKept(),
    }
  }

  #takeKept(): TableFiles[] {
    const has = (path: string) => this.#directories.get(dirname(path))?.files.has(basename(path)) === true
    return this.#points.kept.take(this.#directories, has)
  }

  #isThere(files: TableFiles): boolean {
    return this.#directories.get(files.directory)?.files.get(files.name) === files
  }

  #filesOf(directory: Directory, name: string): TableFiles {
    const component = parseComponent(name)
    const key = component?.set ?? name
    let files = directory.files.get(key)
    if (files === undefined) {
      const { path, index } = directory
      files = new TableFiles(path, key, component !== undefined, index, this.#placement.drains)
      directory.files.set(key, files)
    }
    return files
  }

  /** A scan found a file. */
  #found(directory: Directory, name: string, identity: FileIdentity | undefined, isStart: boolean): void {
    const files = this.#filesOf(directory, name)
    const isKnown = files.has(name)
    const isSame = isKnown && identity !== undefined && files.isSame(name, identity)
    // A look at it tells whether a file that was known is another one now.
    if (!files.isSeen(name) && identity !== undefined) files.addSeen(name, identity, this.#clock.now())
    else files.add(name)
    const isUnwanted = isStart && !this.#settings.backsUpExisting
    this.#placement.seen(files)
    if (files.status === 'uploading' || (isSame && files.status === 'done')) return
    files.found(isStart)
    if (isUnwanted && !this.#logs.names(directory.index, files.name)) {
      files.mark('old')
      if (this.#isLoaded) this.#judgeOld(files)
    } else if (files.status !== 'old' || !isSame) {
      if (this.#isLoaded) files.remote.seed(this.#points.stored(files.path), this.#disk)
      this.#worklist.mark(files)
    }
  }

  /** A file that was there at the start is not backed up, unless a daemon that was stopped has missed it. */
  #judgeOld(files: TableFiles): void {
    const { newest } = this.#points
    if (this.#points.stored(files.path) !== undefined) {
      files.look(this.#disk, this.#clock.now())
      files.remote.seed(this.#points.stored(files.path), this.#disk)
      if (files.stored !== undefined && !files.remote.isOutdated && !files.isGone) files.markDone()
      else this.#worklist.mark(files)
    } else if (newest !== undefined && !newest.unprotected.includes(files.path)) this.#worklist.mark(files)
  }

  #removed(directory: Directory, name: string, how: Leaving = 'seen'): void {
    const files = directory.files.get(parseComponent(name)?.set ?? name)
    if (files?.has(name) !== true) return
    files.remove(name, this.#clock.now())
    if (name === files.main || files.size === 0) this.#left(directory, files, how)
    else if (files.status !== 'old') {
      this.#placement.broke(files, files.component(name))
      files.touch()
      this.#worklist.mark(files)
    }
  }

  /** A look showed that its Data.db, or each of its files, is gone. */
  #leftUnseen(files: TableFiles): void {
    const directory = this.#directories.get(files.directory)
    if (directory === undefined || !this.#isThere(files)) return
    this.#left(directory, files, 'seen')
    // Where no events tell of changes, something else may have changed with it.
    if (directory.lastScan === undefined) return
    this.#missed(`${directory.path} is not watched`)
    if (this.#placement.orderScan()) this.#orderScan('it changed after it was scanned')
  }

  /** An SSTable that changed in a directory without events since its scan: something else may have changed with it. */
  #checkUnwatched(): void {
    for (const files of this.#placement.unplaced) {
      const { path, lastScan } = this.#directories.get(files.directory) ?? {}
      if (lastScan === undefined || !files.differs(lastScan)) continue
      this.#missed(`${path} is not watched`)
      return
    }
  }

  /** An SSTable's Data.db, or a file that belongs to none, is gone. */
  #left(directory: Directory, files: TableFiles, how: Leaving): void {
    directory.files.delete(files.name)
    this.#worklist.drop(files)
    this.#orders.unlinked(this, files)
    if (files.isSSTable) this.#placement.left(files, files.stored?.kept === true, how)
    else {
      this.#points.changed()
      this.#orders.restorePoint(this)
    }
    this.#wake(this.#clock.now())
  }

  /** Its Data.db is another file: what was under the name is gone, and another SSTable has it. */
  #replaced(files: TableFiles): void {
    const directory = this.#directories.get(files.directory)
    if (directory === undefined || !this.#isThere(files)) return
    if (!files.isTaken) {
      this.#worklist.mark(files)
      return
    }
    const names = [...files.names]
    directory.files.delete(files.name)
    this.#worklist.drop(files)
    this.#placement.left(files, files.stored === undefined, 'seen')
    this.#filesOf(directory, files.main).replaces(files)
    for (const name of names) this.#found(directory, name, undefined, false)
  }

  /** Changes of the table may have been missed: its directories are scanned again. */
  #missed(why: string, log?: TransactionLog): void {
    this.#placement.missed(why, this.#directories.keys(), log)
    this.#wake(this.#clock.now())
  }

  #endLog(path: string, log: TransactionLog): void {
    this.#unread.delete(join(path, log.name))
    log.end(path)
    if (log.isOver && log.isUnread) this.#placement.unreadLogEnded(log)
    for (const sstable of log.isOver ? log.txn.adds : []) {
      const files = this.#find(log.index, sstable)
      if (files !== undefined && files.status !== 'done') this.#worklist.mark(files)
    }
    for (const sstable of log.isOver ? log.txn.removes : []) {
      const files = this.#findKnown(log.index, sstable)
      if (files?.isRemoved === true && this.#isThere(files)) this.#worklist.mark(files)
    }
    if (log.isOver && log.isUnread)
      for (const files of this.#placement.unplaced)
        if (files.status !== 'uploading') this.#worklist.mark(files)
    this.#logs.tidy(log)
    if (this.#placement.orderScan()) this.#orderScan(`transaction log ${log.name} was not read`)
    this.#wake(this.#clock.now())
  }

  /** A transaction has committed: what its log adds then is part of the table, what it removes no longer is. */
  #committed(log: TransactionLog): void {
    const { index, txn } = log
    const adds: TableFiles[] = []
    for (const name of txn.adds) {
      this.#placement.losses.namedAgain(log, name)
      // One that vanished from the path is another one: the line may name an SSTable that was never written.
      const files = this.#findKnown(index, name, txn.paths) ?? this.#findOnDisk(index, name)
      if (files !== undefined && !files.isRemoved && this.#wasWritten(files)) adds.push(files)
    }
    this.#checkWatched(txn.paths)
    this.#takeKept()
    const removes: TableFiles[] = []
    for (const name of txn.removes) {
      const files = this.#find(index, name, txn.removedPaths) ?? this.#unknown(index, name)
      if (files === undefined) continue
      removes.push(files)
      // Files of the name may have come after --delete-on-backup deleted the SSTable.
      const kept = this.#points.kept.sstables.get(files.path)
      if (kept !== undefined && kept !== files) removes.push(kept)
      this.#points.kept.removed(files.path, this.#clock.time())
    }
    this.#placement.committed(log, adds, removes)
    for (const files of adds) this.#worklist.mark(files)
  }

  /** An SSTable that a log names: it is there; --delete-on-backup deleted it; it went without a reason; or before it had a place. */
  #find(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    const known = this.#findKnown(index, name, paths)
    const vanished = this.#placement.losses.find(index, name)
    // Events that were queued before a look saw its Data.db gone make files of the name known again, without a Data.db.
    if (vanished !== undefined && known?.has(known.main) !== true) return vanished
    return known ?? this.#placement.passedSSTable(index, name)
  }

  /** @param paths that the log names: an operator's copy in another data directory may have the name, too */
  #findKnown(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    let found: TableFiles | undefined
    for (const directory of this.#directories.values()) {
      if (directory.index !== index) continue
      const files = directory.files.get(name) ?? this.#points.kept.sstables.get(join(directory.path, name))
      if (files !== undefined && paths?.has(files.path) === true) return files
      found ??= files
    }
    return found
  }

  /** An SSTable whose files are on the disk, and whose events are still to come. */
  #findOnDisk(index: string, name: string): TableFiles | undefined {
    if (!this.#settings.looksForUnannounced) return undefined
    const main = `${name}-Data.db`
    for (const directory of this.#directories.values()) {
      if (directory.index !== index || this.#disk.file(join(directory.path, main)) === undefined) continue
      const files = this.#filesOf(directory, main)
      files.add(main)
      return files
    }
    return undefined
  }

  /** An SSTable that a transaction removes, and of which nothing was known. */
  #unknown(index: string, name: string): TableFiles | undefined {
    for (const directory of this.#directories.values())
      if (directory.index === index)
        return new TableFiles(directory.path, name, true, index, this.#placement.drains)
    return undefined
  }

  /** An ADD without files is no output: its Data.db must be there, or be open already. */
  #wasWritten(files: TableFiles): boolean {
    if (files.status === 'uploading' || files.stored !== undefined) return true
    const identity = this.#disk.file(join(files.directory, files.main))
    if (identity !== undefined) files.noteMain(identity)
    return identity !== undefined
  }

  /** A new SSTable in a directory that nobody watches is missing from every restore point. */
  #checkWatched(paths: ReadonlySet<string>): void {
    for (const path of paths) {
      const directory = dirname(path)
      if (this.#directories.has(directory) || this.#points.notBackedUp.hasDirectory(directory)) continue
      if (
        this.#disk.file(`${path}-Data.db`) === undefined ||
        isKnownElsewhere(directory, this.#directories.values(), this.#disk)
      )
        continue
      this.#points.notBackedUp.addDirectory(directory)
      this.#orders.restorePoint(this)
    }
  }

  #upload(ready: Ready): void {
    this.#orders.upload(this, ready)
  }

  #orderScan(why: string): void {
    if (this.#directories.size > 0) this.#orders.rescan(this, [...this.#directories.keys()], why)
  }

  #tellNews(): void {
    for (const news of [...this.#placement.takeNews(), ...this.#points.takeNews()])
      this.#orders.tell(this, news)
  }

  /** Whether events tell of every change, and each has its place. */
  get #isKnown(): boolean {
    if (!this.#placement.isSettled) return false
    for (const { lastScan } of this.#directories.values()) if (lastScan !== undefined) return false
    return true
  }

  /** Asks to be woken when something is due. */
  #schedule(): void {
    if (this.#isStopped) return
    const hasIndexes = [...this.#directories.values()].some(({ index }) => index !== '')
    const [a, b] = [this.#worklist.next(this.#isLoaded), this.#placement.next({ hasIndexes })]
    this.#wakesAt = undefined
    if (a !== undefined || b !== undefined) this.#wake(Math.min(a ?? Infinity, b ?? Infinity))
  }

  #wake(at: number | undefined): void {
    if (at !== undefined && (this.#isStopped || (this.#wakesAt !== undefined && this.#wakesAt <= at))) return
    this.#wakesAt = at
    this.#orders.wake(this, at)
  }
}

function sameScan(a: ReadonlyMap<string, FileIdentity>, b: ReadonlyMap<string, FileIdentity>): boolean {
  if (a.size !== b.size) return false
  for (const [name, identity] of a) if (!sameIdentity(b.get(name), identity)) return false
  return true
}
