import type { LogNews } from '../cassandra/transaction-logs.js'
import type { Entry, State } from '../manifest/state.js'

import { FileIntake } from './file-intake.js'
import { LogIntake } from './log-intake.js'
import { MissedChanges } from './missed-changes.js'
import { OwnOrders } from './own-orders.js'
import type {
  Arrival,
  Clock,
  DirectoryScan,
  Disk,
  Draft,
  Instant,
  Orders,
  TableSettings,
  UploadResult,
} from './ports.js'
import type { TableFiles } from './table-files.js'
import { TableModel } from './table-model.js'
import { TableView } from './table-view.js'

/**
 * The life of one table over all watched data directories, or of one other watched directory. It takes in facts: events,
 * scans, transaction logs, ends of uploads, what the bucket holds, and the time. It gives orders: upload this SSTable,
 * write a restore point, scan these directories again. It opens no file and sends nothing, and nobody else writes its
 * fields. {@link FileIntake} and {@link LogIntake} take the facts in, {@link TableModel} holds what is known, and the table
 * says when to look, to decide on changes, and to draft.
 *
 * A **drained point** is a moment at which every event of the table that had happened was told. Between two of them facts may come
 * that are newer than the events; at one of them nothing that happened before is unknown. So the table decides only there
 * on the order of changes, and numbers them.
 */
export class Table extends TableView {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #orders: OwnOrders
  readonly #missed: MissedChanges
  readonly #logs: LogIntake
  readonly #files: FileIntake
  /** When the last look began. */
  #looked: Instant

  constructor(name: string, settings: TableSettings, disk: Disk, orders: Orders, clock: Clock) {
    const surroundings = { settings, disk, clock }
    super(name, settings, new TableModel(name, surroundings))
    this.#disk = disk
    this.#clock = clock
    this.#orders = new OwnOrders(this, orders, clock)
    this.#missed = new MissedChanges(this.model, this.#orders)
    this.#logs = new LogIntake(surroundings, this.model, this.#missed, this.#orders)
    this.#files = new FileIntake(surroundings, this.model, this.#missed, this.#orders, this.#logs)
    this.#looked = this.#instant()
  }

  /** The bucket was asked for the table's newest manifest. @param newestTime of a newest manifest that cannot be read, ms since 1970 */
  loaded(newest: State | undefined, newestTime?: number): void {
    const { placement, points } = this.model
    const scannedAt = placement.loaded(newest?.time ?? newestTime, this.directories.keys())
    points.loaded(newest, newestTime, scannedAt)
    this.#seed()
    this.#orders.wakeNow()
  }

  /** Another run of this node wrote a manifest: what it names counts as uploaded. */
  adopt(newer: State): void {
    const { placement, points } = this.model
    points.adopt(newer, placement.losses.endedAt)
    placement.history?.adopt(newer)
    this.#seed()
    this.#orders.restorePoint()
    this.#orders.wakeNow()
  }

  /** What the newest manifest names counts as uploaded. */
  #seed(): void {
    for (const files of this.files()) {
      files.remote.seed(this.model.points.stored(files.path), this.#disk)
      if (files.status === 'old') this.model.judgeOld(files)
    }
  }

  /** Objects have other keys. @param keyOf the new key of the object of a file; undefined: it has none */
  rekey(keyOf: (path: string, entry: Entry) => string | undefined): void {
    let isNews = false
    for (const files of this.known()) isNews = files.remote.rekey(keyOf) || isNews
    if (!isNews) return
    this.model.points.changed()
    this.#orders.restorePoint()
  }

  /** A directory was scanned. Its transaction logs are told right before, by {@link log}. */
  scanned(scan: DirectoryScan): void {
    this.#files.scanned(scan)
  }

  /** A file came into a directory, or was closed by its writer. */
  arrived(path: string, name: string, arrival: Arrival): void {
    this.#files.arrived(path, name, arrival)
  }

  /** A file was deleted, or renamed to another name. */
  removed(path: string, name: string): void {
    this.#files.removed(path, name)
  }

  /** A transaction log was read, missed or deleted. */
  log(path: string, name: string, news: LogNews): void {
    this.#logs.take(path, name, news)
  }

  /** A directory was deleted, renamed or replaced. */
  lostDirectory(path: string): void {
    this.#files.lostDirectory(path)
  }

  /** A directory of the table is there and cannot be read: restore points are partial until it can be. */
  unreadable(path: string): void {
    const { notBackedUp } = this.model.points
    if (this.directories.has(path) || notBackedUp.hasDirectory(path)) return
    notBackedUp.addDirectory(path, true)
    this.#orders.restorePoint()
    this.#orders.wakeNow()
  }

  /** Events were lost. */
  lostEvents(why: string): void {
    this.#missed.note(why)
    this.#missed.rescan(why)
  }

  /** Judges what changed, and what is due, by the disk as it is now. */
  look(): void {
    this.#looked = this.#instant()
    const { directories, placement, points, worklist } = this.model
    const looked = worklist.look(placement.drains, points.isLoaded)
    const { ready, present, gone, replaced, broken } = looked
    for (const [files, component] of broken) placement.broke(files, component)
    for (const files of gone) this.#files.leftUnseen(files)
    for (const files of replaced) this.#files.replaced(files)
    for (const one of ready) if (directories.holds(one.files)) this.#orders.upload(one)
    for (const files of present) this.#present(files)
    if (present.length > 0) this.#orders.restorePoint()
    this.#schedule()
  }

  /** Files are in the bucket as they are: nothing of them is to be sent. */
  #present(files: TableFiles): void {
    const { directories, points, worklist } = this.model
    const isThere = directories.holds(files)
    if (isThere) this.#orders.present(files)
    if (worklist.present(files, isThere)) points.uploaded()
  }

  /** Everything that has happened until now was told, and {@link look} was called after it. */
  drained(): void {
    const { directories, placement, points, worklist } = this.model
    this.#files.checkUnwatched()
    const facts = this.model.facts(this.name, this.isTable)
    const hasGoneOn = placement.drained(facts, points.isLoaded, this.#looked)
    // The placement has looked at some: what it saw is judged, and one that is gone leaves.
    for (const files of placement.unplaced)
      if (files.isGone || (files.status === 'waiting' && files.whole.until !== undefined))
        worklist.mark(files)
    this.#missed.rescan('changes of it were missed')
    this.#tellNews()
    if (hasGoneOn) points.wentOn()
    points.drained(placement.isSettled && directories.haveEvents ? this.#looked.time : undefined)
    const mayDraft = hasGoneOn || !points.isCovered || worklist.hasHindered || points.isAwaited
    if (placement.history !== undefined && mayDraft) this.#orders.restorePoint()
    this.#schedule()
  }

  /** The upload of files has ended. */
  uploaded(files: TableFiles, result: UploadResult): void {
    const { directories, points, worklist } = this.model
    if (worklist.uploaded(files, result, directories.holds(files))) points.uploaded()
    this.#orders.restorePoint()
    // One that is done leaves nothing to wait for: finding out what is due costs time for each SSTable that has no place yet.
    if (files.status !== 'done') this.#schedule()
  }

  /** The bucket can be reached again: failed uploads wait no longer. */
  retry(): void {
    if (this.model.worklist.retry()) this.#orders.wakeNow()
  }

  /** The run ends: what is missing now is named as not backed up. */
  expose(): void {
    this.model.placement.expose()
    this.model.points.expose()
  }

  /** Takes no more in; uploads that are under way may end. */
  stop(): void {
    this.model.worklist.stop()
    this.#orders.stop()
  }

  /** The next restore point; undefined: there is nothing to say, or not yet. It is to be {@link written}, or {@link failed}. */
  draft(): Draft | undefined {
    const { placement, points, worklist } = this.model
    const { history } = placement
    if (history === undefined) return undefined
    const draft = points.draft({
      history,
      directories: this.directories,
      files: [...this.files()],
      unreadLogs: this.#logs.unread,
      restless: worklist.restless,
    })
    // Where nothing happens, no drained point comes by itself.
    if (points.isAwaited) this.#orders.wakeNow()
    this.#tellNews()
    return draft
  }

  /** @param state the manifest as it lies in the bucket */
  written(draft: Draft, state: State): void {
    this.model.points.written(this.model.placement.history, draft, state)
    this.#orders.restorePoint()
  }

  failed(draft: Draft): void {
    this.model.points.failed(draft)
  }

  /** --delete-on-backup has deleted the files from the disk. */
  deleted(files: TableFiles): void {
    const { directories, points, worklist } = this.model
    points.kept.add(files)
    if (directories.holds(files)) directories.drop(files)
    worklist.drop(files)
  }

  #instant(): Instant {
    return { now: this.#clock.now(), time: this.#clock.time() }
  }

  #tellNews(): void {
    this.#orders.tell([...this.model.placement.takeNews(), ...this.model.points.takeNews()])
  }

  /** Asks to be woken when something is due. */
  #schedule(): void {
    const { directories, placement, points, worklist } = this.model
    if (worklist.isStopped) return
    const [a, b] = [worklist.next(points.isLoaded), placement.next(directories)]
    this.#orders.wakeAt(
      a === undefined && b === undefined ? undefined : Math.min(a ?? Infinity, b ?? Infinity),
    )
  }
}
