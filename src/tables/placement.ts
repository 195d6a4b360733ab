import { generationOf, hasTransactions } from '../cassandra/names.js'
import { History, type Newest } from '../manifest/history.js'
import { SparseMap, SparseSet } from '../manifest/sparse.js'

import { Breakages } from './breakages.js'
import { Changes, type Step } from './changes.js'
import { Gap, LOG_PATIENCE } from './gap.js'
import type { Judge } from './judgement.js'
import type { Logs, TransactionLog } from './logs.js'
import type { Clock, Disk, Instant, TableNews, TableSettings } from './ports.js'
import type { TableDirectory } from './restore-points.js'
import type { TableFiles } from './table-files.js'
import { UnwatchedTimes } from './unwatched-times.js'

/** An SSTable of the table whose Data.db went without a reason that is known. */
interface Vanished {
  readonly files: TableFiles
  /** Later than the drained point of this number; when it was seen, ms by the server's clock and the monotonic one. */
  readonly after: number
  readonly time: number
  readonly at: number
  readonly how: Leaving
  /** Below Cassandra 3.0: a later one that was complete went after it, and may be what it was compacted to. */
  wasCompacted: boolean
  /** A transaction that has committed since gave its name to another SSTable: a later log that has the name means that one. */
  hasSuccessor: boolean
}

/**
 * How an SSTable's Data.db went: `told` by an event, in its place among the others; `seen` to be gone by a look or a scan;
 * `lost` with its directory, which a gap explains as little as a whole table that is missing.
 */
export type Leaving = 'told' | 'seen' | 'lost'

/** The facts of a table that the placement decides by. */
export interface TableFacts {
  readonly name: string
  readonly isTable: boolean
  /**
   * The newest manifest, as far as its SSTables lay in directories that are missing, or are others now; undefined:
   * there is none.
   */
  readonly newest: Newest | undefined
  /** By path. */
  readonly directories: ReadonlyMap<string, TableDirectory>
  /** Whether it has directories of secondary indexes, whose transactions are not the table's. */
  readonly hasIndexes: boolean
  /** SSTables that --delete-on-backup deleted from the disk. */
  readonly takeKept: () => Iterable<TableFiles>
  /** All that lies in its directories. */
  readonly files: () => Iterable<TableFiles>
}

/** How long an SSTable may stay incomplete before restore points name it as not backed up, ms. */
const STRANDED = 60_000

/**
 * A table and its secondary indexes commit one after the other: how long one waits for the next, and at most, ms; and how often
 * that begins anew while nothing gets its place.
 */
const INDEX_WAIT = 2_000
const INDEX_CAP = 5_000
const INDEX_WAITS = 3

/**
 * SSTables that no transaction wrote (import, refresh, cp) are one change when they come within the settle time of each other:
 * Cassandra renames them one after the other, and reads all or none. So many settle times they wait for each other at most.
 */
const ARRIVAL_SETTLES = 10

/** How often it is tried again to decide what is due, ms. */
const PAUSE = 250

/**
 * Finds the place of each change in the history of a table. A change has one once nothing that is still unknown can have
 * happened before it: an SSTable that was seen and is in no commit holds back all that may be later than it (a barrier).
 * It decides at drained points only, as only there everything that had happened is known; see {@link Changes}.
 */
export class Placement {
  readonly #settings: TableSettings
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #logs: Logs
  readonly #judge: Judge
  readonly #changes = new Changes()
  readonly #breakages = new Breakages()
  /** SSTables that were seen and are in no commit. */
  readonly #unplaced = new SparseSet<TableFiles>()
  readonly #vanished = new SparseMap<TableFiles, Vanished>()
  /** SSTables that went before they had a place, and by how many drained points the table had then. */
  readonly #passed = new SparseMap<TableFiles, number>()
  readonly #news: TableNews[] = []
  /** Incomplete SSTables that the operator was told of. */
  readonly #told = new SparseSet<TableFiles>()
  readonly #unwatched = new UnwatchedTimes()
  #drains = 0
  /** When the first scan ended, ms by the server's clock. */
  #scannedAt = Infinity
  #gap: Gap | undefined
  #history: History<TableFiles> | undefined
  #isExposed = false
  /**
   * When the first change was seen that waits for the same change of the table's indexes, and the last one, ms of the monotonic
   * clock; and how often the wait has begun anew.
   */
  #heldSince: number | undefined
  #heldLast = 0
  #heldAnew = 0

  constructor(settings: TableSettings, disk: Disk, clock: Clock, logs: Logs, judge: Judge) {
    this.#settings = settings
    this.#disk = disk
    this.#clock = clock
    this.#logs = logs
    this.#judge = judge
    this.#gap = new Gap(0, true, clock.now(), clock.time(), [])
  }

  /** How many drained points there were. */
  get drains(): number {
    return this.#drains
  }

  /** Its commits and restore points; undefined until the first scan has its place. */
  get history(): History<TableFiles> | undefined {
    return this.#history
  }

  /** Whether changes may have been missed, and the scan that makes up for them is not done. */
  get hasGap(): boolean {
    return this.#gap !== undefined
  }

  /** Whether every change that is known has its place. */
  get isSettled(): boolean {
    if (this.#gap !== undefined || this.#changes.size > 0 || this.#vanished.size > 0) return false
    for (const files of this.#unplaced) if (!this.#isClaimed(files)) return false
    return true
  }

  /** When the SSTables that are uploaded have been at rest long enough, ms of the monotonic clock; undefined: none waits for that. */
  get restsAt(): number | undefined {
    let last: number | undefined
    for (const { status, whole } of this.#unplaced)
      if (status === 'done' && whole.until !== undefined)
        last = Math.max(last ?? -Infinity, whole.at + this.#settings.settle)
    return last
  }

  /** How many things it holds. */
  get size(): number {
    const { size } = this.#changes
    return size + this.#unplaced.size + this.#vanished.size + this.#passed.size + this.#breakages.size
  }

  /**
   * It is known what the bucket holds. Where that is later than the first scan, the scan tells of no moment that may still be
   * written: the history begins with the table as it is now.
   * @param newestTime of the newest manifest, ms since 1970 @returns when the first scan ended, ms since 1970
   */
  loaded(newestTime: number | undefined, directories: Iterable<string>): number {
    const now = this.#clock.time()
    const scannedAt = this.#gap?.time ?? now
    this.#scannedAt = scannedAt
    if (newestTime !== undefined && newestTime >= scannedAt) this.#gap?.renew(directories, this.#drains, now)
    return scannedAt
  }

  /** SSTables of no commit. */
  get unplaced(): Iterable<TableFiles> {
    return this.#unplaced
  }

  /** Whether a gap's directories are to be scanned; from now on they count as ordered. */
  orderScan(): boolean {
    if (this.#gap?.wantsScan !== true) return false
    this.#gap.ordered(this.#clock.time())
    return true
  }

  /** Takes out the news for the operator that were not told yet. */
  takeNews(): TableNews[] {
    return this.#news.splice(0)
  }

  /** An SSTable was seen. */
  seen(files: TableFiles): void {
    if (files.isSSTable && !files.isPart && !files.isRemoved) this.#unplaced.add(files)
  }

  /** A file of it is missing that was there; its Data.db is not, as far as is known. @param component of the file */
  broke(files: TableFiles, component: string): void {
    this.#breakages.note(files, component, this.#drains, this.#clock.now())
  }

  /** Its Data.db is gone. @param isExplained whether that needs no reason */
  left(files: TableFiles, isExplained: boolean, how: Leaving): void {
    this.#told.delete(files)
    this.#noteCompacted(files)
    const { drains } = this
    const span = {
      after: this.#breakages.after(files) ?? drains,
      until: drains + 1,
      time: this.#clock.time(),
    }
    this.#breakages.delete(files)
    if (this.#unplaced.delete(files)) {
      if (files.fresh) this.#passed.set(files, drains)
      const { after, until, time } = files.whole
      if (this.#isClaimed(files)) return
      if (until === undefined) {
        this.#gap?.outlasts(drains, span.time)
        // It may have been part of the table while nobody had looked at it: no restore point is of that time.
        this.#changes.add({ after, until: drains + 1, adds: [], removes: [], time: span.time })
        return
      }
      // What vanished from its path is back only once it is whole and at rest.
      if (!files.wasGiven && this.#isMissing(files.path)) return
      // It may have been part of the table before it went: no restore point of that time may lack it.
      this.#changes.add({ after, until, adds: [files], removes: [], time })
      // Only where its directory is still there a copy was broken off and deleted.
      if (!files.wasGiven && how !== 'lost') {
        this.#remove(files, span)
        return
      }
      files.place()
    }
    if (!files.isPart) return
    const needsNone = isExplained || (files.isGivenUp && files.stored === undefined)
    if (needsNone) this.#remove(files, span)
    else
      this.#vanished.set(files, {
        files,
        ...span,
        at: this.#clock.now(),
        wasCompacted: false,
        hasSuccessor: false,
        how,
      })
  }

  /** Whether an SSTable of a path went without a reason. */
  #isMissing(path: string): boolean {
    return this.#history?.vanished.has(path) === true || this.#changes.loses(path)
  }

  /** An SSTable of before Cassandra 3.0 went: those that it may be the compaction of need no other reason. */
  #noteCompacted(files: TableFiles): void {
    if (this.#vanished.size === 0 || hasTransactions(files.name)) return
    // Of one that came and went between two looks nobody can say that it was incomplete.
    if (!files.isPart && files.whole.until === undefined && files.inode !== undefined) return
    for (const vanished of this.#vanished.values())
      if (isLaterThan(files, vanished.files)) vanished.wasCompacted = true
  }

  /** SSTables that went without a reason, by index and name. */
  vanishedSSTable(index: string, name: string): TableFiles | undefined {
    for (const { files, hasSuccessor } of this.#vanished.values())
      if (files.name === name && files.index === index && !hasSuccessor) return files
    return undefined
  }

  /**
   * An SSTable that went before it had a place, and that is another one than those that had its name before. The log of the
   * transaction that removed it was written before that, and is read before the next drained point.
   */
  passedSSTable(index: string, name: string): TableFiles | undefined {
    for (const files of this.#passed.keys()) if (files.name === name && files.index === index) return files
    return undefined
  }

  /** A transaction that has committed gave a name to an SSTable: what vanished and had the name before is another one. */
  namedAgain(log: TransactionLog, name: string): void {
    for (const vanished of this.#vanished.values()) {
      const { files, after } = vanished
      if (files.name === name && files.index === log.index && after <= log.since) vanished.hasSuccessor = true
    }
  }

  /** A transaction has committed. */
  committed(log: TransactionLog, adds: readonly TableFiles[], removes: readonly TableFiles[]): void {
    const { drains } = this
    const until = drains + 1
    const time = this.#clock.time()
    for (const files of adds) {
      files.commit(log.txn.removes.size === 0)
      files.place()
      this.#unplaced.delete(files)
    }
    for (const files of removes) {
      this.#vanished.delete(files)
      files.leave()
      this.#explainRenamed(files, until)
      if (!this.#unplaced.delete(files)) continue
      // A transaction that was missed wrote it, before this one removed it.
      this.#changes.add({ after: files.whole.after, until, adds: [files], removes: [], time })
    }
    const kind: { kind?: 'end' } = log.isEnd && log.index === '' ? { kind: 'end' } : {}
    if (kind.kind === 'end') this.#endLosses(until)
    if (adds.length === 0 && removes.length === 0 && kind.kind === undefined) return
    this.#changes.add({ after: drains, until, adds, removes, time, ...kind })
    this.#held()
  }

  /** SSTables went before a truncate or drop, which is the reason of whatever is no longer there after it. */
  #endLosses(until: number): void {
    for (const { files, after, time, how } of [...this.#vanished.values()]) {
      // One that was seen to be gone since the last drained point may have gone after it.
      if (how !== 'told' || after < this.#drains) continue
      this.#vanished.delete(files)
      files.leave()
      this.#changes.add({ after, until, adds: [], removes: [files], time })
    }
  }

  /** A vanished SSTable had been renamed to an SSTable that a transaction removes before anybody saw the renaming. */
  #explainRenamed(renamed: TableFiles, until: number): void {
    for (const [files, { after, time }] of [...this.#vanished]) {
      if (files.inode === undefined || files.inode !== renamed.inode || files.directory !== renamed.directory)
        continue
      this.#vanished.delete(files)
      files.leave()
      this.#changes.add({ after, until, adds: [], removes: [files], time })
    }
  }

  /** A transaction log could not be read, or events were lost: changes of the table may have been missed. */
  missed(why: string, directories: Iterable<string>, log?: TransactionLog): void {
    const after = log?.since ?? this.#drains
    if (this.#gap === undefined) {
      this.#gap = new Gap(after, false, this.#clock.now(), this.#clock.time(), directories)
      this.#news.push({ kind: 'gap', why })
    }
    this.#gap.extend(after, directories, log)
  }

  /** A transaction log that could not be read is gone. */
  unreadLogEnded(log: TransactionLog): void {
    this.#gap?.logEnded(log, this.#drains)
    // A truncate or drop writes none.
    if (log.isEnd) return
    // Its SSTables are committed: Cassandra would have deleted them before the log otherwise.
    for (const files of this.#unplaced)
      if (files.index === log.index && files.firstSeen >= log.since)
        files.logEnded(this.#drains, this.#clock.time())
  }

  /** A directory was scanned. @param isSame whether the scan before saw the same */
  scanned(directory: string, isSame: boolean, isWatched: boolean): void {
    const time = this.#clock.time()
    this.#unwatched.scanned(directory, isWatched, isSame, time)
    this.#gap?.scanned(directory, isWatched || isSame, isWatched, this.#drains, time)
  }

  lostDirectory(directory: string): void {
    this.#unwatched.lost(directory)
    this.#gap?.lost(directory, this.#drains, this.#clock.time())
  }

  /** The run ends: an SSTable that is not complete now counts as part of the table, and as not backed up. */
  expose(): void {
    this.#isExposed = true
  }

  /** Everything that had happened until the table was looked at is known. @returns whether the history went on */
  drained(table: TableFacts, isLoaded: boolean, { now, time }: Instant): boolean {
    this.#drains++
    for (const [files, drains] of [...this.#passed]) if (drains < this.#drains - 1) this.#passed.delete(files)
    if (!isLoaded) {
      this.#changes.fold()
      return false
    }
    this.#endGap(table, now, time)
    this.#placeUnplaced(now, time)
    this.#explain(table, now)
    if (this.#isHeld(table, now)) return false
    // The first restore point is of now: another run may have written one while this one asked the bucket.
    const steps = this.#changes.take(this.#floor(now), table.hasIndexes || this.#history === undefined)
    if (this.#changes.size === 0) this.#heldSince = undefined
    if (steps.length > 0) this.#heldAnew = 0
    for (const step of steps) this.#place(table, step)
    return steps.length > 0
  }

  /** When something is to be decided next, ms of the monotonic clock; undefined: nothing waits. */
  next(table: Pick<TableFacts, 'hasIndexes'>): number | undefined {
    const { settle } = this.#settings
    const times: number[] = []
    for (const { at } of this.#vanished.values()) times.push(at + settle)
    for (const { at } of this.#breakages.since(this.#clock.now() - settle)) times.push(at + settle)
    for (const files of this.#unplaced) {
      const { at, until } = files.whole
      if (this.#isClaimed(files)) continue
      if (until !== undefined) times.push(at + settle)
      else if (files.hinderedSince !== undefined) times.push(files.hinderedSince + this.#stranded())
    }
    if (this.#gap?.hasLogs === true) times.push(this.#gap.since + LOG_PATIENCE)
    if (table.hasIndexes && this.#heldSince !== undefined) times.push(this.#holdsUntil(this.#heldSince))
    if (times.length === 0) return undefined
    const first = times.reduce((a, b) => Math.min(a, b))
    const now = this.#clock.now()
    // A decision that is due and was not taken waits for something else as well.
    return first > now ? first : now + PAUSE
  }

  /** The number of the drained point after which all that has no place yet has happened. */
  #floor(now: number): number {
    let floor = this.#gap?.after ?? Infinity
    for (const { after } of this.#vanished.values()) floor = Math.min(floor, after)
    for (const { after } of this.#breakages.since(now - this.#settings.settle)) floor = Math.min(floor, after)
    const { until } = this.#changes
    for (const files of this.#unplaced) {
      if (this.#isClaimed(files)) continue
      // One that is still incomplete now is later than all that is known.
      if (files.whole.until === undefined && files.whole.after < until) this.#judge.judge(files, this.#drains)
      floor = Math.min(floor, files.whole.after)
    }
    return floor
  }

  #endGap(table: TableFacts, now: number, seen: number): void {
    const gap = this.#gap
    if (gap === undefined) return
    if (gap.hasLogs && now - gap.since > LOG_PATIENCE) gap.giveUpLogs()
    if (!gap.isOver) return
    this.#gap = undefined
    // It may have been whole when it was scanned: that it is not was true when it was looked at.
    if ([...this.#unplaced].some(({ isTorn }) => isTorn)) gap.outlasts(this.#drains - 1, seen)
    const { until, time } = gap
    let { after } = gap
    const removes: TableFiles[] = []
    for (const { files, after: since, how } of [...this.#vanished.values()]) {
      const isLost = !gap.hasEnd && (how === 'lost' || !table.directories.has(files.directory))
      if (since >= until || isLost) continue
      this.#vanished.delete(files)
      files.leave()
      removes.push(files)
      after = Math.min(after, since)
    }
    this.#changes.add({ after, until, adds: [], removes, time, kind: 'gap' })
    if (gap.hasEnd) this.#changes.add({ after, until, adds: [], removes: [], time, kind: 'end' })
  }

  /** Gives those that are complete, and those that do not become so, their commits. */
  #placeUnplaced(now: number, seen: number): void {
    const arrived: TableFiles[] = []
    let isArriving = false
    for (const files of [...this.#unplaced]) {
      const { after, until, time, at } = files.whole
      if (this.#isClaimed(files) || files.status === 'dirty') continue
      if (files.status === 'old') this.#commitAlone(files, after, this.#drains, seen)
      else if (until === undefined) {
        if (this.#isStranded(files, now)) this.#giveUp(files, seen)
        else this.#tellIncomplete(files, now)
        isArriving ||= files.quiet(now) < this.#settings.settle
      } else if (!this.#isAtRest(files, at, now) || this.#mayBeWritten(files, now)) isArriving = true
      else if (isWellKnown(files)) this.#commitAlone(files, after, until, this.#knownAt(files, time))
      else arrived.push(files)
    }
    this.#placeArrived(arrived, isArriving, now)
  }

  /**
   * When an SSTable was part of the table at the latest. One that the first scan found as the newest manifest has it was so at
   * the scan, however much later it is judged: nothing has changed since.
   */
  #knownAt({ isUntouched, stored }: TableFiles, time: number): number {
    return isUntouched && stored !== undefined ? Math.min(time, this.#scannedAt) : time
  }

  /** Makes one change of SSTables that no transaction wrote. @param isArriving whether another one is on its way */
  #placeArrived(arrived: readonly TableFiles[], isArriving: boolean, now: number): void {
    if (arrived.length === 0) return
    const first = Math.min(...arrived.map(({ whole }) => whole.at))
    const limit = ARRIVAL_SETTLES * this.#settings.settle
    if (isArriving && !this.#isExposed && now - first < limit) return
    const after = Math.min(...arrived.map(({ whole }) => whole.after))
    const until = Math.max(...arrived.map(({ whole }) => whole.until ?? this.#drains))
    for (const files of arrived) this.#commitAlone(files, after, until, files.whole.time)
  }

  /** Whether a transaction log says what becomes of it. */
  #isClaimed({ index, name, status }: TableFiles): boolean {
    return status === 'obsolete' || status === 'written' || this.#logs.isWritten(index, name)
  }

  /** Whether what Cassandra never changes of it has been the same for the settle time. */
  #isAtRest(files: TableFiles, at: number, now: number): boolean {
    if (isWellKnown(files)) return true
    if (now - at < this.#settings.settle) return false
    // A file that Cassandra may change keeps it from being uploaded, not from being part of the table.
    if (files.status === 'settling') this.#judge.judge(files, this.#drains)
    return files.whole.at === at
  }

  #tellIncomplete(files: TableFiles, now: number): void {
    if (files.hinderedSince === undefined || now - files.hinderedSince < STRANDED || this.#told.has(files))
      return
    this.#told.add(files)
    this.#news.push({ kind: 'incomplete', path: files.path, isPart: false, missing: files.missing })
  }

  #commitAlone(files: TableFiles, after: number, until: number, time: number): void {
    this.#unplaced.delete(files)
    this.#told.delete(files)
    files.place()
    const known = this.#unwatched.of(files.directory, time)
    this.#changes.add({ after, until, adds: [files], removes: [], time: known })
    this.#held()
  }

  #remove(files: TableFiles, span: { after: number; until: number; time: number }): void {
    files.leave()
    this.#changes.add({ ...span, adds: [], removes: [files] })
  }

  /** Whether a transaction log that could not be read may be that of its writer. */
  #mayBeWritten(files: TableFiles, now: number): boolean {
    if (now - files.whole.at > LOG_PATIENCE) return false
    return this.#logs.unread.some(({ index }) => index === files.index)
  }

  #stranded(): number {
    return this.#settings.isOneShot ? this.#settings.settle : STRANDED
  }

  #isStranded(files: TableFiles, now: number): boolean {
    if (files.status !== 'waiting' || !files.has(files.main)) return false
    if (this.#isExposed) return true
    const limit = this.#stranded()
    return files.quiet(now) >= limit && now - (files.hinderedSince ?? now) >= limit
  }

  #giveUp(files: TableFiles, seen: number): void {
    this.#unplaced.delete(files)
    this.#told.delete(files)
    files.place(true)
    this.#news.push({ kind: 'incomplete', path: files.path, isPart: true, missing: files.missing })
    this.#changes.add({
      after: files.whole.after,
      until: this.#drains,
      adds: [files],
      removes: [],
      time: this.#unwatched.of(files.directory, seen),
    })
  }

  /** Finds out why SSTables went of which no transaction log tells. */
  #explain(table: TableFacts, now: number): void {
    if (this.#vanished.size === 0 || (this.#gap !== undefined && !this.#gap.isFirst)) return
    // An inode's number says which file it is on one file system only.
    const place = ({ directory, inode }: TableFiles) =>
      `${table.directories.get(directory)?.identity?.device ?? ''}/${inode ?? ''}`
    const byPlace = new Map(
      [...table.files()].filter(({ isSSTable }) => isSSTable).map(files => [place(files), files]),
    )
    for (const vanished of [...this.#vanished.values()]) {
      const { files, after, time, at } = vanished
      // The SSTable whose Data.db is the one that went: it was renamed.
      const copy = files.inode === undefined ? undefined : byPlace.get(place(files))
      const isQuiet = now - at >= this.#settings.settle
      // It goes on under another name; what has the name is one commit with what had it.
      if (copy !== undefined && !copy.isPart && !isQuiet) continue
      const isAside = () =>
        files.inode !== undefined && this.#disk.isMovedAside(files.directory, files.main, files.inode)
      const wasCompacted = vanished.wasCompacted || (isQuiet && this.#wasCompacted(table, files))
      if (wasCompacted === 'unknown') continue
      const isExplained = copy !== undefined || isLoose(table) || wasCompacted || (isQuiet && isAside())
      if (!isExplained && !isQuiet) continue
      this.#vanished.delete(files)
      files.leave()
      const until = Math.max(after + 1, copy?.whole.until ?? 0)
      const change = {
        after: Math.min(after, copy?.whole.after ?? after),
        until,
        adds: [],
        removes: [files],
        time,
      }
      this.#changes.add(isExplained ? change : { ...change, until: after + 1, kind: 'unexplained' })
    }
  }

  /**
   * Whether an SSTable of before Cassandra 3.0 was compacted: a later one was complete before it went. `unknown`: there is a
   * later one, and it is not complete yet.
   */
  #wasCompacted(table: TableFacts, files: TableFiles): boolean | 'unknown' {
    if (hasTransactions(files.name)) return false
    let isUnknown = false
    for (const other of [...table.files(), ...table.takeKept()]) {
      if (!other.isSSTable || !isLaterThan(other, files)) continue
      if (other.isPart) return true
      isUnknown = true
    }
    return isUnknown ? 'unknown' : false
  }

  #held(): void {
    const now = this.#clock.now()
    // After a standstill what came long before still has no place: the wait for it is over, and that for this one begins.
    const isLate = now - this.#heldLast > INDEX_WAIT
    if (this.#heldSince === undefined) this.#heldSince = now
    else if (isLate && this.#heldAnew < INDEX_WAITS) {
      this.#heldSince = now
      this.#heldAnew++
    }
    this.#heldLast = now
  }

  #holdsUntil(since: number): number {
    return Math.min(this.#heldLast + INDEX_WAIT, since + INDEX_CAP)
  }

  /** Whether a change of the table waits for the same change of its indexes. */
  #isHeld(table: TableFacts, now: number): boolean {
    const since = this.#heldSince
    if (!table.hasIndexes || since === undefined || this.#isExposed) return false
    // One that is whole and waits for its quiet time may be the same change, of which no log was read.
    const isComing = [...this.#unplaced].some(
      files => files.whole.until !== undefined && !this.#isClaimed(files),
    )
    return now < (isComing ? since + INDEX_CAP : this.#holdsUntil(since))
  }

  #place(table: TableFacts, step: Step): void {
    if (this.#history === undefined || step.hasGap) this.#begin(table, step)
    else this.#commit(table, step)
  }

  /** The history begins, or begins again after a gap, with what the scan found. */
  #begin(table: TableFacts, { adds, removes, vanished, time, hasEnd }: Step): void {
    const sets = new Set(this.#history?.live)
    for (const files of removes) sets.delete(files)
    for (const files of adds) sets.add(files)
    // An SSTable that --delete-on-backup deleted, and that a later change removes, was part of the table until then.
    const kept = [...table.takeKept(), ...this.#changes.removed.filter(({ stored }) => stored?.kept === true)]
    const gone = new Set(removes.map(({ path }) => path))
    for (const files of kept)
      if (gone.has(files.path)) files.leave()
      else sets.add(files)
    // SSTables of a directory that went while the table was watched are among the vanished ones.
    if (this.#history !== undefined) this.#history.gap({ sets, time, lost: false })
    else {
      const { newest } = table
      this.#history = new History(newest, { sets, time, lost: (newest?.sets.size ?? 0) > 0 && !hasEnd })
    }
    if (hasEnd) this.#history.commit({ adds: [], removes: [], time, kind: 'end' })
    this.#lose(vanished, time)
  }

  #commit(table: TableFacts, { adds, removes, vanished, time, hasEnd, isMerged }: Step): void {
    const freed = this.#freePaths(table, adds, removes, time)
    if (adds.length > 0 || removes.length > 0 || hasEnd)
      this.#history?.commit({
        adds,
        removes: [...this.#byPath(removes), ...freed],
        time,
        isMerged: isMerged || freed.length > 0,
        ...(hasEnd ? { kind: 'end' as const } : {}),
      })
    this.#lose(vanished, time)
  }

  /** A log names SSTables by path: it removes the live one that has the path, whichever object stands for it. */
  #byPath(removes: readonly TableFiles[]): TableFiles[] {
    const live = this.#history?.live
    const unknown = new Set(removes.filter(files => live?.has(files) !== true).map(({ path }) => path))
    if (live === undefined || unknown.size === 0) return [...removes]
    const found = [...live].filter(({ path }) => unknown.has(path))
    const paths = new Set(found.map(({ path }) => path))
    // One SSTable may be named twice, as two objects.
    return [...new Set([...removes.filter(files => live.has(files) || !paths.has(files.path)), ...found])]
  }

  /**
   * A path has one SSTable at a time: what was there before went, whether that was seen or not.
   * @returns what went so that nobody misses it: it leaves in the same commit, as it is not known when it did
   */
  #freePaths(
    table: TableFacts,
    adds: readonly TableFiles[],
    removes: readonly TableFiles[],
    time: number,
  ): TableFiles[] {
    if (adds.length === 0 || this.#history === undefined) return []
    const paths = new Set(adds.map(({ path }) => path))
    const before = [...this.#history.live].filter(
      files => paths.has(files.path) && !adds.includes(files) && !removes.includes(files),
    )
    const explained = before.filter(
      files => isLoose(table) || files.stored === undefined || files.stored.kept,
    )
    for (const files of before) this.#vanished.delete(files)
    for (const files of explained) files.leave()
    this.#lose(
      before.filter(files => !explained.includes(files)),
      time,
    )
    return explained
  }

  #lose(vanished: readonly TableFiles[], time: number): void {
    const live = vanished.filter(files => this.#history?.live.has(files) === true)
    if (live.length === 0) return
    for (const files of live) files.leave()
    this.#history?.commit({ adds: [], removes: live, time, kind: 'unexplained' })
    this.#news.push({ kind: 'vanished', paths: live.map(({ path }) => path) })
  }
}

/** Whether it needs no quiet time: a transaction wrote it, or the newest manifest has it. */
function isWellKnown({ isSettled, stored }: TableFiles): boolean {
  return isSettled || stored !== undefined
}

/** Whether one of two SSTables of before Cassandra 3.0 is of a later generation. */
function isLaterThan(a: TableFiles, b: TableFiles): boolean {
  return !hasTransactions(a.name) && generationOf(a.name) > generationOf(b.name)
}

/** Whether deletions need no reason: a directory of copies, or one that is no table's. */
function isLoose({ name, isTable }: Pick<TableFacts, 'name' | 'isTable'>): boolean {
  return !isTable && /(^|\/)(snapshots|backups)(\/|$)/.test(name)
}
