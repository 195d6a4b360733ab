import type { History } from '../manifest/history.js'

import { Breakages } from './breakages.js'
import { Changes } from './changes.js'
import { firstOf } from './due.js'
import { Gap, LOG_PATIENCE } from './gap.js'
import { IndexWait } from './index-wait.js'
import type { Judge } from './judgement.js'
import type { Logs, TransactionLog } from './logs.js'
import { Losses, type Loss } from './losses.js'
import { Passed } from './passed.js'
import type { Clock, Instant, Surroundings, TableNews, TableSettings } from './ports.js'
import { StepRecord } from './step-record.js'
import type { Leaving, TableFacts } from './table-facts.js'
import type { TableFiles } from './table-files.js'
import { Unplaced } from './unplaced.js'
import { UnwatchedTimes } from './unwatched-times.js'

/** Why a table with indexes is scanned again: they are flushed one after the other. */
const UNHEARD = 'it changed, its indexes may have changed after it, and no event tells of that'

/**
 * Finds the place of each change in the history of a table. A change has one once nothing that is still unknown can have
 * happened before it: an SSTable that was seen and is in no commit holds back all that may be later than it (a barrier).
 * It decides at drained points only, as only there everything that had happened is known; see {@link Changes}.
 */
export class Placement {
  readonly #settings: TableSettings
  readonly #clock: Clock
  readonly #changes = new Changes()
  readonly #breakages = new Breakages()
  readonly #unplaced: Unplaced
  /** SSTables that went without a reason. */
  readonly losses: Losses
  readonly #steps: StepRecord
  readonly #indexes: IndexWait
  readonly #passed = new Passed()
  readonly #news: TableNews[] = []
  readonly #unwatched = new UnwatchedTimes()
  #drains = 0
  /** When the first scan ended, ms by the server's clock. */
  #scannedAt = Infinity
  #gap: Gap | undefined

  constructor({ settings, disk, clock }: Surroundings, logs: Logs, judge: Judge) {
    this.#settings = settings
    this.#clock = clock
    this.#indexes = new IndexWait(clock)
    const rules = { settings, logs, judge, unwatched: this.#unwatched }
    this.#unplaced = new Unplaced(rules, this.#changes, this.#indexes)
    this.losses = new Losses(settings, disk, this.#changes)
    this.#steps = new StepRecord(this.#changes, this.losses)
    this.#gap = new Gap(0, true, clock.now(), clock.time(), [])
  }

  /** How many drained points there were. */
  get drains(): number {
    return this.#drains
  }

  /** Its commits and restore points; undefined until the first scan has its place. */
  get history(): History<TableFiles> | undefined {
    return this.#steps.history
  }

  /** Whether changes may have been missed, and the scan that makes up for them is not done. */
  get hasGap(): boolean {
    return this.#gap !== undefined
  }

  /** Whether every change that is known has its place. */
  get isSettled(): boolean {
    const isDecided = this.#gap === undefined && this.#changes.size === 0 && this.losses.size === 0
    return isDecided && this.#unplaced.isSettled
  }

  /** When the SSTables that are uploaded have been at rest long enough, ms of the monotonic clock; undefined: none waits for that. */
  get restsAt(): number | undefined {
    return this.#unplaced.restsAt
  }

  /** How many things it holds. */
  get size(): number {
    const { size } = this.#changes
    return size + this.#unplaced.size + this.losses.size + this.#passed.size + this.#breakages.size
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
    return [...this.#news.splice(0), ...this.#unplaced.takeNews(), ...this.#steps.takeNews()]
  }

  /** An SSTable was seen. */
  seen(files: TableFiles): void {
    if (files.isSSTable && !files.isPart && !files.isRemoved) this.#unplaced.add(files)
  }

  /** A file of it is missing that was there; its Data.db is not, as far as is known. @param component of the file */
  broke(files: TableFiles, component: string): void {
    this.#breakages.note(files, component, this.#drains, { now: this.#clock.now(), time: this.#clock.time() })
  }

  /** Its Data.db is gone. @param isExplained whether that needs no reason */
  left(files: TableFiles, isExplained: boolean, how: Leaving): void {
    this.#unplaced.forget(files)
    this.losses.noteCompacted(files)
    const { drains } = this
    const broken = this.#breakages.of(files)
    const span = { after: broken?.after ?? drains, until: drains + 1, time: this.#clock.time() }
    this.#breakages.delete(files)
    let needsNone = isExplained
    if (this.#unplaced.delete(files)) {
      if (files.fresh) this.#passed.add(files, drains)
      const { after, until, time } = files.whole
      if (this.#unplaced.isClaimed(files)) return
      const isMissing = this.history?.vanished.has(files.path) === true || this.#changes.loses(files.path)
      // What vanished from its path is back only once it is whole and at rest.
      const isBack = files.wasGiven || !isMissing
      if (until === undefined || !isBack) {
        if (until === undefined) this.#gap?.outlasts(drains, span.time)
        // It may have been part of the table for a time: no restore point is of that.
        this.#changes.add({ after, until: drains + 1, adds: [], removes: [], time: span.time })
        return
      }
      // It may have been part of the table before it went: no restore point of that time may lack it.
      this.#changes.add({ after, until, adds: [files], removes: [], time })
      files.place()
      // Only where its directory is still there a copy was broken off and deleted.
      needsNone ||= !files.wasGiven && how !== 'lost'
    }
    if (!files.isPart) return
    needsNone ||= files.isGivenUp && files.stored === undefined
    if (needsNone) {
      files.leave()
      this.#changes.add({ ...span, adds: [], removes: [files] })
    } else this.losses.add({ files, ...span, time: broken?.time ?? span.time, at: this.#clock.now(), how })
  }

  /** As of {@link Passed.find}. */
  passedSSTable(index: string, name: string, paths?: ReadonlySet<string>): TableFiles | undefined {
    return this.#passed.find(index, name, paths)
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
      this.losses.delete(files)
      files.leave()
      this.losses.explainRenamed(files, until)
      if (!this.#unplaced.delete(files)) continue
      // A transaction that was missed wrote it, before this one removed it.
      this.#changes.add({ after: files.whole.after, until, adds: [files], removes: [], time })
    }
    const kind: { kind?: 'end' } = log.isEnd && log.index === '' ? { kind: 'end' } : {}
    if (kind.kind === 'end') this.losses.end(drains, time)
    if (adds.length === 0 && removes.length === 0 && kind.kind === undefined) return
    this.#changes.add({ after: drains, until, adds, removes, time, ...kind })
    this.#indexes.noteChange()
  }

  /** A transaction log could not be read, or events were lost: changes of the table may have been missed. */
  missed(why: string, directories: Iterable<string>, log?: TransactionLog): void {
    this.#missed(why, directories, log?.since ?? this.#drains, log)
  }

  #missed(why: string, directories: Iterable<string>, after: number, log?: TransactionLog): void {
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
    this.#indexes.expose()
    this.#unplaced.expose()
  }

  /** Everything that had happened until the table was looked at is known. @returns whether the history went on */
  drained(table: TableFacts, isLoaded: boolean, { now, time }: Instant): boolean {
    this.#drains++
    this.#passed.drained(this.#drains)
    if (!isLoaded) {
      this.#changes.fold()
      return false
    }
    this.#endGap(table, now, time)
    this.#unplaced.place(this.#drains, { now, time }, this.#scannedAt)
    if (this.losses.size > 0 && (this.#gap === undefined || this.#gap.isFirst))
      this.losses.explain(table, now)
    if (table.hasIndexes && this.#indexes.holds(now, this.#unplaced.isComing)) return false
    if (table.hasIndexes && !table.hasEvents && this.#changes.size > 0 && this.#indexes.orderScan())
      this.#missed(UNHEARD, table.directories.keys(), this.#changes.after)
    // The first restore point is of now: another run may have written one while this one asked the bucket.
    const steps = this.#changes.take(this.#floor(now), table.hasIndexes || this.history === undefined)
    this.#indexes.notePlaced(steps.length, this.#changes.size === 0)
    for (const step of steps) this.#steps.add(table, step)
    return steps.length > 0
  }

  /** When something is to be decided next, ms of the monotonic clock; undefined: nothing waits. */
  next(table: Pick<TableFacts, 'hasIndexes'>): number | undefined {
    const { settle } = this.#settings
    const times: number[] = []
    for (const { at } of this.losses) times.push(at + settle)
    for (const { at } of this.#breakages.since(this.#clock.now() - settle)) times.push(at + settle)
    times.push(...this.#unplaced.times())
    if (this.#gap?.hasLogs === true) times.push(this.#gap.since + LOG_PATIENCE)
    const heldUntil = table.hasIndexes ? this.#indexes.endsAt : undefined
    if (heldUntil !== undefined) times.push(heldUntil)
    return times.length === 0 ? undefined : firstOf(times, this.#clock.now())
  }

  /** The number of the drained point after which all that has no place yet has happened. */
  #floor(now: number): number {
    let floor = this.#gap?.after ?? Infinity
    for (const { after } of this.losses) floor = Math.min(floor, after)
    for (const { after } of this.#breakages.since(now - this.#settings.settle)) floor = Math.min(floor, after)
    return Math.min(floor, this.#unplaced.floor(this.#changes.until, this.#drains))
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
    const isLost = ({ files, how }: Loss) =>
      !gap.hasEnd && (how === 'lost' || !table.directories.has(files.directory))
    const explained = this.losses.takeBefore(until, isLost)
    const removes = explained.map(({ files }) => files)
    const after = Math.min(gap.after, ...explained.map(({ after }) => after))
    this.#changes.add({ after, until, adds: [], removes, time, kind: 'gap' })
    if (gap.hasEnd) this.losses.noteEnd(time)
    if (gap.hasEnd) this.#changes.add({ after, until, adds: [], removes: [], time, kind: 'end' })
  }
}
