import { join } from 'node:path'

import { type FileIdentity, sameIdentity } from '../cassandra/file-identity.js'
import { parseComponent } from '../cassandra/names.js'

import type { LogIntake } from './log-intake.js'
import type { MissedChanges } from './missed-changes.js'
import type { OwnOrders } from './own-orders.js'
import type { Arrival, DirectoryScan, Surroundings } from './ports.js'
import type { Leaving } from './table-facts.js'
import type { TableFiles } from './table-files.js'
import type { TableModel } from './table-model.js'
import type { WatchedDirectory } from './watched-directories.js'

/** Takes in what scans and events say of files: which came, which went, and which took the place of others. */
export class FileIntake {
  readonly #surroundings: Surroundings
  readonly #model: TableModel
  readonly #missed: MissedChanges
  readonly #orders: OwnOrders
  readonly #logs: LogIntake

  constructor(
    surroundings: Surroundings,
    model: TableModel,
    missed: MissedChanges,
    orders: OwnOrders,
    logs: LogIntake,
  ) {
    this.#surroundings = surroundings
    this.#model = model
    this.#missed = missed
    this.#orders = orders
    this.#logs = logs
  }

  /** A directory was scanned. */
  scanned(scan: DirectoryScan): void {
    const { path, files, isWatched } = scan
    const { directories, logs, placement, points } = this.#model
    const before = directories.byPath.get(path)
    const directory = directories.scanned(scan)
    points.notBackedUp.deleteDirectory(path)
    for (const log of logs.in(path)) if (!scan.logs.includes(log.name)) this.#logs.end(path, log)
    const isSame = before?.lastScan !== undefined && sameScan(before.lastScan, files)
    if (!isWatched && !isSame) this.#missed.note(`${path} is not watched`)
    this.#checkMissing(directory, files)
    for (const [name, identity] of files) this.#found(directory, name, identity, scan.reason === 'start')
    placement.scanned(path, isSame, isWatched)
    this.#missed.rescan('it changed while it was scanned')
  }

  /** @param scan the files that a scan saw */
  #checkMissing(directory: WatchedDirectory, scan: ReadonlyMap<string, FileIdentity>): void {
    for (const one of [...directory.files.values()])
      for (const name of [...one.names]) {
        // A file that came after the scan had begun is not gone: a log that was read after that may have told of it.
        if (scan.has(name)) continue
        if (this.#surroundings.disk.file(join(directory.path, name)) === undefined)
          this.#removed(directory, name, 'seen')
        else this.#model.worklist.mark(one)
      }
  }

  /** A file came into a directory, or was closed by its writer. */
  arrived(path: string, name: string, arrival: Arrival): void {
    const { directories, placement, worklist } = this.#model
    const directory = directories.byPath.get(path)
    if (directory === undefined) return
    const files = this.#filesOf(directory, name)
    files.add(name)
    files.touch(arrival === 'moved-in')
    placement.seen(files)
    worklist.mark(files)
    // Nobody looks at it until its upload has ended; but what was under the name is gone now.
    if (arrival === 'moved-in' && files.status === 'uploading' && name === files.main) {
      const identity = this.#surroundings.disk.file(join(path, name))
      if (identity !== undefined && files.isReplacedBy(identity)) this.replaced(files)
    }
  }

  /** A file was deleted, or renamed to another name. */
  removed(path: string, name: string): void {
    const directory = this.#model.directories.byPath.get(path)
    if (directory !== undefined) this.#removed(directory, name, 'told')
  }

  /** A directory was deleted, renamed or replaced. */
  lostDirectory(path: string): void {
    const { directories, logs, placement, points } = this.#model
    const directory = directories.byPath.get(path)
    if (directory === undefined) return
    for (const files of [...directory.files.values()]) this.#left(files, 'lost')
    for (const log of logs.in(path)) this.#logs.end(path, log)
    directories.delete(path)
    placement.lostDirectory(path)
    points.changed()
    this.#orders.wakeNow()
  }

  /** A look showed that its Data.db, or each of its files, is gone. */
  leftUnseen(files: TableFiles): void {
    const { directories } = this.#model
    if (!directories.holds(files)) return
    this.#left(files, 'seen')
    // Where no events tell of changes, something else may have changed with it.
    if (directories.byPath.get(files.directory)?.lastScan === undefined) return
    this.#missed.note(`${files.directory} is not watched`)
    this.#missed.rescan('it changed after it was scanned')
  }

  /** An SSTable that changed in a directory without events since its scan: something else may have changed with it. */
  checkUnwatched(): void {
    const { directories, placement } = this.#model
    for (const files of placement.unplaced) {
      const { path, lastScan } = directories.byPath.get(files.directory) ?? {}
      if (lastScan === undefined || !files.differs(lastScan)) continue
      this.#missed.note(`${path} is not watched`)
      return
    }
  }

  /** Its Data.db is another file: what was under the name is gone, and another SSTable has it. */
  replaced(files: TableFiles): void {
    const { directories, placement, worklist } = this.#model
    const directory = directories.byPath.get(files.directory)
    if (directory === undefined || !directories.holds(files)) return
    if (!files.isTaken) {
      worklist.mark(files)
      return
    }
    const names = [...files.names]
    directories.drop(files)
    worklist.drop(files)
    placement.left(files, files.stored === undefined, 'seen')
    this.#filesOf(directory, files.main).replaces(files)
    for (const name of names) this.#found(directory, name, undefined, false)
  }

  #filesOf(directory: WatchedDirectory, name: string): TableFiles {
    const { directories, placement } = this.#model
    return directories.filesOf(directory, name, placement.drains)
  }

  /** A scan found a file. */
  #found(
    directory: WatchedDirectory,
    name: string,
    identity: FileIdentity | undefined,
    isStart: boolean,
  ): void {
    const { settings, disk, clock } = this.#surroundings
    const { logs, placement, points, worklist } = this.#model
    const files = this.#filesOf(directory, name)
    const isKnown = files.has(name)
    const isSame = isKnown && identity !== undefined && files.isSame(name, identity)
    // A look at it tells whether a file that was known is another one now.
    if (!files.isSeen(name) && identity !== undefined) files.addSeen(name, identity, clock.now())
    else files.add(name)
    const isUnwanted = isStart && !settings.backsUpExisting
    placement.seen(files)
    if (files.status === 'uploading' || (isSame && files.status === 'done')) return
    // A scan that sees it as the one at the start did tells nothing new of it: it still waits for what the bucket holds.
    files.found(isStart || (isSame && files.isUntouched))
    if (isUnwanted && !logs.names(files)) {
      files.mark('old')
      if (points.isLoaded) this.#model.judgeOld(files)
    } else if (files.status !== 'old' || !isSame) {
      if (points.isLoaded) files.remote.seed(points.stored(files.path), disk)
      worklist.mark(files)
    }
  }

  #removed(directory: WatchedDirectory, name: string, how: Leaving): void {
    const files = directory.files.get(parseComponent(name)?.set ?? name)
    if (files?.has(name) !== true) return
    files.remove(name, this.#surroundings.clock.now())
    if (name === files.main || files.size === 0) this.#left(files, how)
    else if (files.status !== 'old') {
      this.#model.placement.broke(files, files.component(name))
      files.touch()
      this.#model.worklist.mark(files)
    }
  }

  /** An SSTable's Data.db, or a file that belongs to none, is gone. */
  #left(files: TableFiles, how: Leaving): void {
    const { directories, placement, points, worklist } = this.#model
    directories.drop(files)
    worklist.drop(files)
    this.#orders.unlinked(files)
    if (files.isSSTable) placement.left(files, files.stored?.kept === true, how)
    else {
      points.changed()
      this.#orders.restorePoint()
    }
    this.#orders.wakeNow()
  }
}

function sameScan(a: ReadonlyMap<string, FileIdentity>, b: ReadonlyMap<string, FileIdentity>): boolean {
  if (a.size !== b.size) return false
  for (const [name, identity] of a) if (!sameIdentity(b.get(name), identity)) return false
  return true
}
