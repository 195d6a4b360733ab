import { parseComponent } from '../../../src/cassandra/names.js'
import type { LogNews } from '../../../src/cassandra/transaction-logs.js'
import { indexOf, tableOfUnit } from '../../../src/cassandra/unit.js'
import { History, type Moment } from '../../../src/manifest/history.js'
import type { Commit, Standing } from '../../../src/manifest/lineage.js'
import type { DirectoryIdentity, Entry, State, StateSet } from '../../../src/manifest/state.js'
import type {
  Clock,
  DirectoryScan,
  Disk,
  Draft,
  Orders,
  Ready,
  TableSettings,
  UploadResult,
} from '../../../src/tables/ports.js'
import { saysNothing, saysTheSame } from '../../../src/tables/same-manifest.js'
import type { TableFiles } from '../../../src/tables/table-files.js'
import { tableOf, type CoreTable } from '../core.js'

import type { Mended, OldFault } from './fixes.js'
import { OldCommits } from './old-commits.js'
import { OldFiles, type OldDirectory } from './old-files.js'
import { OldLogs, type OldLog } from './old-logs.js'

const RETRY_BASE = 1000
const RETRY_CAP = 300_000
const PATIENCE = 600_000

/** Faults whose mending has something wait. */
const WAITING: readonly OldFault[] = ['order', 'busy', 'index']

/**
 * How the program decided before its core was one machine: each commit has its place as soon as its log is read, and an
 * SSTable without a log has one once its whole table has been quiet. It shows that the simulation finds what was wrong.
 */
export class OldTable implements CoreTable {
  readonly isTable: boolean
  readonly directories = new Map<
    string,
    OldDirectory & { readonly identity: DirectoryIdentity | undefined }
  >()
  readonly logs = new OldLogs()
  readonly rescans = new Set<string>()
  readonly unsettled = new Set<OldFiles>()
  readonly kept = new Map<string, OldFiles>()
  readonly during: Commit<OldFiles>[] = []
  history: History<OldFiles> | undefined
  before: History<OldFiles> | undefined
  newest: State | undefined
  isCovered = false
  isVoided = false
  hasChanged = false
  stirred = -Infinity
  readonly clock: Clock
  /** What the clock said last, ms. To read it is a step of the process: mending one fault must not have it stand still elsewhere. */
  readAt = 0
  /** How many drained points there were. */
  drains = 0
  readonly #commits: OldCommits
  readonly #dirty = new Set<OldFiles>()
  #newestTime: number | undefined
  #isLoaded = false
  #isStopped = false
  #isExposed = false
  /** Its directory went in a gap: nothing begins its history again. */
  #isStuck = false
  #hasWritten = false
  /** SSTables of the last manifest that are to be deleted, and were not yet. */
  readonly #leaving = new Set<OldFiles>()
  /** Since when it has waited for files that do not come to rest, ms. */
  #restlessSince: number | undefined
  #draft:
    | { readonly draft: Draft; readonly moment: Moment<OldFiles>; readonly history: History<OldFiles> }
    | undefined

  constructor(
    readonly name: string,
    readonly settings: TableSettings,
    readonly disk: Disk,
    readonly orders: Orders,
    clock: Clock,
    readonly mended: Mended = new Set(),
  ) {
    this.clock = { now: () => (this.readAt = clock.now()), time: () => clock.time() }
    this.isTable = tableOfUnit(name) !== undefined
    this.#commits = new OldCommits(this)
  }

  get phase(): CoreTable['phase'] {
    if (!this.#isLoaded) return 'loading'
    return this.history === undefined ? 'scanning' : 'live'
  }

  *groups(): Generator<OldFiles> {
    for (const { groups } of this.directories.values()) yield* groups.values()
  }

  files(): Iterable<OldFiles> {
    return this.groups()
  }

  get isIdle(): boolean {
    if (!this.#isLoaded || this.#dirty.size > 0 || this.#commits.isWaiting) return false
    return [...this.groups()].every(({ state, due }) => state !== 'busy' && due === undefined)
  }

  *missing(): Generator<{ path: string; why: string }> {
    for (const { path, state } of this.groups())
      if (state !== 'done' && state !== 'obsolete') yield { path, why: state }
  }

  loaded(newest: State | undefined, newestTime?: number): void {
    this.newest = newest
    this.#newestTime = newestTime
    this.#isLoaded = true
    for (const files of this.groups()) {
      if (files.state === 'old') this.#old(files)
      else if (files.isUntouched) this.mark(files)
    }
    this.orders.wake(tableOf(this), this.clock.now())
  }

  scanned({ path, index, identity, files, logs, reason }: DirectoryScan): void {
    const groups = this.directories.get(path)?.groups ?? new Map<string, OldFiles>()
    const directory = { path, index, identity, groups }
    this.directories.set(path, directory)
    this.#isStuck = false
    this.rescans.delete(path)
    if (reason === 'rescan') {
      for (const group of [...groups.values()])
        for (const name of [...group.names]) if (!files.has(name)) this.#gone(directory, name)
      for (const log of this.logs.in(path)) if (!logs.includes(log.name)) this.#endLog(path, log)
    }
    for (const name of files.keys()) this.#groupOf(directory, name).names.add(name)
    for (const group of groups.values()) {
      const isWritten = this.logs.isWritten(index, group.name)
      if (reason === 'start' && !this.settings.backsUpExisting && !isWritten) {
        group.state = 'old'
        group.quiet(this.disk, this.clock.now())
        if (this.#isLoaded) this.#old(group)
      } else if (group.state !== 'old' && (group.state !== 'done' || group.isOutdated(this.disk))) {
        group.isUntouched = reason === 'start'
        if (group.isSSTable && group.state !== 'busy' && this.history === undefined) this.unsettled.add(group)
        this.mark(group)
      }
    }
    this.#check()
  }

  arrived(path: string, name: string, arrival: 'created' | 'closed' | 'moved-in'): void {
    const directory = this.directories.get(path)
    if (directory === undefined) return
    const files = this.#groupOf(directory, name)
    files.names.add(name)
    files.isUntouched = false
    if (files.isSSTable) this.#stir(files)
    else files.isSettled = arrival === 'moved-in'
    this.mark(files)
  }

  removed(path: string, name: string): void {
    const directory = this.directories.get(path)
    if (directory !== undefined) this.#gone(directory, name)
    this.#check()
  }

  log(path: string, name: string, news: LogNews): void {
    const log = this.logs.of(name, indexOf(path))
    if (news.kind === 'read') this.logs.read(log, path, news.txn)
    else if (news.kind === 'gone') log.replicas.delete(path)
    else if (news.kind === 'unreadable' || !log.isAddition) this.gap(`${name} was not read`)
    this.#commits.transaction(log)
    this.logs.tidy(log)
    for (const sstable of [...log.txn.adds, ...log.txn.removes]) {
      const files = this.setOf(log.index, sstable)
      if (files !== undefined && files.state !== 'done' && files.state !== 'old' && files.state !== 'busy')
        this.mark(files)
    }
    this.#check()
  }

  #endLog(path: string, log: OldLog): void {
    log.replicas.delete(path)
    this.#commits.transaction(log)
    this.logs.tidy(log)
  }

  lostDirectory(path: string): void {
    const directory = this.directories.get(path)
    if (directory === undefined) return
    for (const files of [...directory.groups.values()]) {
      if (files.isSSTable) this.#commits.gone(files)
      this.#drop(files)
    }
    for (const log of this.logs.in(path)) this.#endLog(path, log)
    this.directories.delete(path)
    this.rescans.delete(path)
    this.stirred = this.clock.now()
    this.#check()
    this.changed()
  }

  lostEvents(why: string): void {
    this.gap(why)
  }

  /** Commits were missed: the history begins anew with the scan that follows. */
  gap(why: string): void {
    if (this.rescans.size > 0) {
      this.isVoided = true
      return
    }
    this.isVoided = false
    this.before ??= this.history
    this.history = undefined
    for (const path of this.directories.keys()) this.rescans.add(path)
    this.#commits.clear()
    this.during.length = 0
    this.orders.tell(tableOf(this), { kind: 'gap', why })
    this.#isStuck = this.directories.size === 0 && !this.mended.has('droprm')
    if (this.directories.size > 0) this.orders.rescan(tableOf(this), [...this.directories.keys()], why)
  }

  look(): void {
    const now = this.clock.now()
    for (const files of this.groups())
      if (files.due !== undefined && files.due <= now) {
        files.due = undefined
        this.mark(files)
      }
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    for (const files of dirty) this.#judge(files)
    this.#check()
  }

  drained(): void {
    // It decided without knowing whether events were still to be read.
    this.drains++
    if (this.mended.has('busy') && this.#commits.hasLate) this.#check()
  }

  uploaded(files: TableFiles, { durable, names, next, isCorrupt = false }: UploadResult): void {
    const group = files as unknown as OldFiles
    for (const [name, entry] of durable) group.durable.set(name, entry)
    if (next === 'done') {
      group.adopt(names, isCorrupt)
      this.hasChanged = true
    }
    if (this.directories.get(group.directory)?.groups.get(group.name) === group) this.#next(group, next)
    this.#check()
    this.changed()
  }

  /** It never looked at what others wrote. */
  adopt(newer: State): void {
    if (!this.mended.has('mend')) return
    this.newest = newer
    this.hasChanged = true
    for (const files of this.groups()) {
      files.seed(newer.sets.get(files.path), this.disk)
      if (files.state === 'old') this.#old(files)
    }
    this.changed()
  }

  expose(): void {
    this.#isExposed = true
    this.hasChanged = true
    for (const files of this.groups())
      if (files.isSSTable && files.state === 'waiting') this.#commits.commit({ adds: [files], removes: [] })
  }

  stop(): void {
    this.#isStopped = true
  }

  draft(): Draft | undefined {
    const { history } = this
    if (history === undefined || this.#draft !== undefined || this.#waitsForFiles()) return undefined
    this.#unmark()
    const now = this.clock.now()
    const moment = history.next(files => this.#standing(files, now), this.hasChanged)
    if (moment === undefined) return undefined
    this.hasChanged = false
    const leaving = this.settings.deletesUploaded ? this.#keep(moment) : []
    const state = this.#stateOf(moment, leaving)
    const isUnreadable = this.mended.has('corrupt') && this.#newestTime !== undefined
    const isNews =
      this.newest === undefined
        ? !saysNothing(state) || isUnreadable
        : !saysTheSame(this.newest, state) || this.newest.unlisted === true
    if (!isNews && (!this.settings.tookOver || this.#hasWritten)) {
      history.accept(moment)
      this.isCovered = true
      return undefined
    }
    const draft = { state, leaving: leaving as unknown as TableFiles[] }
    this.#draft = { draft, moment, history }
    return draft
  }

  written(draft: Draft, state: State): void {
    if (this.#draft?.draft !== draft) return
    const { moment, history } = this.#draft
    this.#draft = undefined
    this.newest = state
    for (const files of draft.leaving) this.#leaving.add(files as unknown as OldFiles)
    this.#hasWritten = true
    this.isCovered = true
    history.accept({ ...moment, time: state.time })
    this.changed()
  }

  failed(): void {
    this.#draft = undefined
    this.hasChanged = true
  }

  /** It marked them when it drafted the manifest. */
  deleted(files: TableFiles): void {
    if (this.mended.has('kept')) this.#mark(files as unknown as OldFiles)
    this.#leaving.delete(files as unknown as OldFiles)
  }

  /** What could not be deleted is not kept. */
  #unmark(): void {
    for (const files of this.#leaving) {
      if (files.stored?.kept === true) files.stored = { ...files.stored, kept: false }
      this.kept.delete(files.path)
      this.hasChanged = true
    }
    this.#leaving.clear()
  }

  #mark(files: OldFiles): void {
    files.stored = { ...files.stored!, kept: true }
    this.kept.set(files.path, files)
  }

  isWanted(files: OldFiles): boolean {
    return this.history?.wants(files) !== false
  }

  changed(): void {
    this.orders.restorePoint(tableOf(this))
  }

  setOf(index: string, name: string): OldFiles | undefined {
    for (const directory of this.directories.values()) {
      const files = directory.index === index ? directory.groups.get(name) : undefined
      if (files !== undefined) return files
    }
    return this.#commits.vanishedOf(index, name)
  }

  /** An SSTable whose files are on the disk, and whose events are still to come. */
  find(index: string, name: string): OldFiles | undefined {
    for (const directory of this.directories.values()) {
      const main = `${name}-Data.db`
      if (directory.index !== index || this.disk.file(`${directory.path}/${main}`) === undefined) continue
      const files = this.#groupOf(directory, main)
      files.names.add(main)
      return files
    }
    return undefined
  }

  unknown(index: string, name: string): OldFiles | undefined {
    for (const directory of this.directories.values())
      if (directory.index === index) return new OldFiles(directory, name)
    return undefined
  }

  mark(files: OldFiles): void {
    if (files.state === 'busy') {
      files.isChanged = true
      return
    }
    files.due = undefined
    files.state = 'dirty'
    this.#dirty.add(files)
    this.orders.wake(tableOf(this), this.clock.now())
  }

  stored(path: string): StateSet | undefined {
    const file = this.newest?.files.get(path)
    if (file === undefined) return this.newest?.sets.get(path)
    const name = path.slice(path.lastIndexOf('/') + 1)
    return { components: new Map([[name, file]]), corrupt: false, kept: false }
  }

  #groupOf(directory: OldDirectory, name: string): OldFiles {
    const key = parseComponent(name)?.set ?? name
    let files = directory.groups.get(key)
    if (files === undefined) {
      files = new OldFiles(directory, key)
      directory.groups.set(key, files)
    }
    return files
  }

  #gone(directory: OldDirectory, name: string): void {
    const files = directory.groups.get(parseComponent(name)?.set ?? name)
    if (files === undefined) return
    files.names.delete(name)
    if (name === files.main || files.names.size === 0) this.#left(files)
    else if (files.state !== 'old') {
      files.isSettled = false
      this.mark(files)
    }
  }

  #left(files: OldFiles): void {
    if (files.isSSTable) {
      this.#stir(files)
      this.#commits.gone(files)
      this.#drop(files)
      this.orders.unlinked(tableOf(this), files as unknown as TableFiles)
    } else {
      this.hasChanged = true
      this.#drop(files)
      this.changed()
    }
  }

  #drop(files: OldFiles): void {
    this.#dirty.delete(files)
    files.due = undefined
    files.home.groups.delete(files.name)
    this.unsettled.delete(files)
  }

  #stir(files: OldFiles): void {
    const { index } = files.home
    if (this.logs.isWritten(index, files.name) || this.logs.isObsolete(index, files.name)) return
    if (!files.isSettled) this.stirred = this.clock.now()
  }

  #old(files: OldFiles): void {
    const stored = this.stored(files.path)
    if (stored !== undefined) {
      files.seed(stored, this.disk)
      if (files.stored !== undefined && !files.isOutdated(this.disk)) files.state = 'done'
      else this.mark(files)
    } else if (this.newest !== undefined && !this.newest.unprotected.includes(files.path)) this.mark(files)
  }

  #judge(files: OldFiles): void {
    const now = this.clock.now()
    const { settle } = this.settings
    if (files.isUntouched && !this.#isLoaded) {
      files.quiet(this.disk, now)
      return
    }
    const { index } = files.home
    const written = this.logs.isWritten(index, files.name)
    const obsolete = this.logs.isObsolete(index, files.name)
    const verdict = files.judge(this.disk, now, { written, obsolete, settle })
    if (verdict.state === 'settling') {
      files.state = 'settling'
      this.#wakeAt(files, now + verdict.wait)
      return
    }
    if (verdict.state === 'complete') this.#give(files)
    else {
      files.state = verdict.state
      if (files.isGone) this.#left(files)
      else if (verdict.state === 'waiting' && files.isSSTable && files.names.has(files.main))
        files.hindered ??= now
    }
    this.unsettled.delete(files)
  }

  #give(files: OldFiles): void {
    files.state = 'busy'
    files.isChanged = false
    files.seed(this.stored(files.path), this.disk)
    this.#commits.complete(files)
    const ready: Ready = {
      files: files as unknown as TableFiles,
      names: [...files.names],
      durable: new Map(files.durable),
      isUntouched: files.isUntouched,
    }
    this.orders.upload(tableOf(this), ready)
  }

  #next(files: OldFiles, next: UploadResult['next']): void {
    files.failures = next === 'failed' ? files.failures + 1 : 0
    files.isSettled = false
    files.state = next === 'done' || next === 'failed' ? next : 'dirty'
    files.hindered = next === 'done' ? undefined : (files.hindered ?? this.clock.now())
    if (files.isChanged || files.state === 'dirty') this.mark(files)
    else if (next === 'failed' && !this.settings.isOneShot)
      this.#wakeAt(files, this.clock.now() + Math.min(RETRY_CAP, RETRY_BASE * 2 ** (files.failures - 1)))
  }

  #wakeAt(files: OldFiles, at: number): void {
    files.due = at
    this.#wake()
  }

  #wake(): void {
    if (this.#isStopped) return
    let next = this.#commits.isWaiting ? this.stirred + this.settings.settle : Infinity
    if (WAITING.some(fault => this.mended.has(fault))) next = Math.max(next, this.#commits.notBefore)
    for (const { due } of this.groups()) if (due !== undefined) next = Math.min(next, due)
    if (next < Infinity) this.orders.wake(tableOf(this), Math.max(next, this.clock.now() + 1))
  }

  /** Whether the scan is settled, and whether all is still. */
  #check(): void {
    if (!this.#isLoaded || this.#isStopped || this.#isStuck) return
    this.#commits.release()
    if (this.#isPatienceOver()) this.unsettled.clear()
    if (this.history === undefined && this.unsettled.size === 0 && this.rescans.size === 0) {
      if (this.isVoided) this.gap('its scan is void')
      else this.#begin()
    }
    if (!this.#commits.isWaiting) {
      this.#wake()
      return
    }
    const isQuiet = this.stirred + this.settings.settle <= this.clock.now()
    const isRestless = [...this.groups()].some(
      ({ isSSTable, state }) => isSSTable && (state === 'dirty' || state === 'settling'),
    )
    if ((isQuiet && !isRestless) || this.#isPatienceOver()) this.#commits.quiet()
    else this.#wake()
  }

  /** Whether what does not come to rest is waited for no more. */
  #isPatienceOver(): boolean {
    if (!this.mended.has('restless')) return false
    const isWaiting = this.#commits.isWaiting || (this.history === undefined && this.unsettled.size > 0)
    this.#restlessSince = isWaiting ? (this.#restlessSince ?? this.readAt) : undefined
    return this.#restlessSince !== undefined && this.readAt - this.#restlessSince > 10 * this.settings.settle
  }

  #begin(): void {
    const { newest } = this
    const isAccepted = this.settings.tookOver && this.mended.has('takeover')
    const lost = newest !== undefined && !isAccepted && this.#isLost(newest)
    const during = this.during.splice(0)
    const scan = { sets: this.#part(newest), time: this.clock.time(), lost, during }
    if (this.before !== undefined) {
      this.history = this.before
      this.before = undefined
      this.history.gap(scan)
    } else {
      const time = newest?.time ?? this.#newestTime
      const unexplained = this.settings.tookOver ? [] : (newest?.unexplained ?? [])
      const before =
        time === undefined
          ? undefined
          : { time, sets: new Set(isAccepted ? [] : (newest?.sets.keys() ?? [])), unexplained }
      this.history = new History(before, scan)
    }
    this.changed()
  }

  #isLost(newest: State): boolean {
    for (const [path, identity] of newest.directories) {
      const now = this.directories.get(path)?.identity ?? this.disk.directory(path)
      if (now?.inode !== identity.inode) return true
    }
    return false
  }

  #part(newest: State | undefined): Set<OldFiles> {
    const sets = new Set<OldFiles>()
    for (const files of this.groups()) {
      const { state, stored, isCommitted, name, isSSTable } = files
      const { index } = files.home
      if (!isSSTable || this.logs.isWritten(index, name) || this.logs.isObsolete(index, name)) continue
      if (stored !== undefined || isCommitted || state === 'busy' || state === 'failed' || state === 'old')
        sets.add(files)
    }
    for (const [path, stored] of newest?.sets ?? []) {
      const at = path.lastIndexOf('/')
      const directory = stored.kept ? this.directories.get(path.slice(0, at)) : undefined
      if (directory === undefined || this.kept.has(path)) continue
      const files = new OldFiles(directory, path.slice(at + 1))
      files.stored = stored
      files.state = 'done'
      this.kept.set(path, files)
    }
    for (const files of this.kept.values()) if (!files.home.groups.has(files.name)) sets.add(files)
    return sets
  }

  #standing(files: OldFiles, now: number): Standing {
    if (files.stored !== undefined) return 'durable'
    if (this.history?.live.has(files) !== true) return 'owed'
    const patience = this.settings.isOneShot || this.#isExposed ? 0 : PATIENCE
    if (files.state === 'old') return 'waived'
    return files.hindered !== undefined && now - files.hindered >= patience ? 'waived' : 'owed'
  }

  #keep({ sets }: Moment<OldFiles>): OldFiles[] {
    const leaving = [...sets].filter(
      files => files.state === 'done' && files.stored?.kept === false && !files.isOutdated(this.disk),
    )
    if (!this.mended.has('kept')) for (const files of leaving) this.#mark(files)
    return leaving
  }

  /** Whether files that belong to no SSTable are on their way: a table did not wait for them. */
  #waitsForFiles(): boolean {
    if (this.isTable && !this.mended.has('files')) return false
    for (const { isSSTable, state } of this.groups())
      if (!isSSTable && (state === 'dirty' || state === 'settling' || state === 'busy')) return true
    return false
  }

  #stateOf(
    { sets, time, gap, unexplained, unprotected: lacking }: Moment<OldFiles>,
    leaving: readonly OldFiles[],
  ): State {
    const stored = new Map<string, StateSet>()
    for (const files of sets)
      if (files.stored !== undefined)
        stored.set(files.path, leaving.includes(files) ? { ...files.stored, kept: true } : files.stored)
    const unprotected = lacking.map(({ path }) => path)
    const others = new Map<string, Entry>()
    for (const { isSSTable, path, name, state, stored: whole } of this.groups()) {
      const entry = isSSTable ? undefined : whole?.components.get(name)
      if (entry !== undefined) others.set(path, entry)
      else if (!isSSTable && state === 'old') unprotected.push(path)
    }
    const directories = new Map<string, DirectoryIdentity>()
    for (const { path, identity } of this.directories.values())
      if (identity !== undefined) directories.set(path, identity)
    return {
      node: '',
      epoch: 0,
      unit: this.name,
      time,
      gap,
      unexplained,
      sets: stored,
      files: others,
      unprotected: unprotected.sort(),
      directories,
    }
  }
}
