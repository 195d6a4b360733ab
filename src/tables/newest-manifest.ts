import { basename, dirname, join } from 'node:path'

import type { Newest } from '../manifest/history.js'
import type { State, StateSet } from '../manifest/state.js'

import { isKnownElsewhere, isSameDataDirectory } from './data-directories.js'
import type { NotBackedUp } from './not-backed-up.js'
import type { Disk, TableNews, TableSettings } from './ports.js'
import type { TableDirectory } from './table-facts.js'

const NONE: ReadonlySet<string> = new Set()

/** The newest manifest of a table in the bucket, as far as it is known, and the losses that it tells of or that show beside it. */
export class NewestManifest {
  readonly #settings: TableSettings
  readonly #disk: Disk
  #state: State | undefined
  /** Time of one that cannot be read, ms since 1970. */
  #unreadTime: number | undefined
  /** The bucket says what the table was until then, ms since 1970: no change before that is to be told. */
  #toldUntil = Infinity
  /** SSTables that vanished without a reason in an earlier run, and of which the operator was not told in this one. */
  #untold: ReadonlySet<string> = NONE
  /** SSTables that the run beside this one says have vanished without a reason. */
  #carried: ReadonlySet<string> = NONE
  /** Directories of it that are missing or replaced, until a restore point says what is lost with them. */
  #lost: readonly string[] = []
  readonly #news: TableNews[] = []

  constructor(settings: TableSettings, disk: Disk) {
    this.#settings = settings
    this.#disk = disk
  }

  get state(): State | undefined {
    return this.#state
  }

  get toldUntil(): number {
    return this.#toldUntil
  }

  /** Its entry for a path. */
  stored(path: string): StateSet | undefined {
    const set = this.#state?.sets.get(path)
    if (set !== undefined) return set
    const file = this.#state?.files.get(path)
    if (file === undefined) return undefined
    return { components: new Map([[basename(path), file]]), corrupt: false, kept: false }
  }

  /** @param toldUntil when the first scan ended, ms since 1970: the bucket was asked then or later, and may have answered much later */
  loaded(state: State | undefined, unreadTime: number | undefined, toldUntil: number): void {
    this.#state = state
    this.#unreadTime = unreadTime
    this.#toldUntil = toldUntil
    if (!this.#isAccepted) this.#untold = new Set(state?.unexplained)
  }

  /** Another run of this node wrote a manifest. @param endedAt when the table was truncated or dropped last, ms since 1970 */
  adopt(other: State, endedAt: number): void {
    const isOlder = this.#state !== undefined && other.time < this.#state.time
    this.#state = other
    // A run that ends has no watches: the daemon beside it saw how they went.
    if (this.#settings.isOneShot && !isOlder)
      this.#carried = new Set(other.time > endedAt ? other.unexplained : [])
    this.#toldUntil = other.time
  }

  /** One of ours is in the bucket. @param toldUntil the time of the last change that it tells of, ms since 1970 */
  written(state: State, toldUntil: number): void {
    this.#state = state
    this.#toldUntil = toldUntil
  }

  /** For the first scan: what it says, with the SSTables of its directories that are lost. @param notBackedUp learns of the others */
  before(directories: ReadonlyMap<string, TableDirectory>, notBackedUp: NotBackedUp): Newest | undefined {
    const time = this.#state?.time ?? this.#unreadTime
    if (time === undefined) return undefined
    if (this.#settings.tookOver) return { time, sets: new Set(), unexplained: [] }
    const lost = new Set(this.#lostDirectories(directories, notBackedUp))
    const paths = [...(this.#state?.sets.keys() ?? [])]
    return {
      time,
      sets: new Set(paths.filter(path => lost.has(dirname(path)))),
      unexplained: this.#isAccepted ? [] : (this.#state?.unexplained ?? this.#forgotten(directories)),
    }
  }

  /** The unexplained losses of a restore point, with those that the run beside this one saw. */
  withCarried(unexplained: readonly string[], sets: ReadonlyMap<string, StateSet>): string[] {
    const carried = [...this.#carried].filter(path => !sets.has(path))
    return [...new Set([...unexplained, ...carried])].sort()
  }

  /**
   * A restore point says what is lost. A restore may have made directories anew with all their SSTables: only what was found says
   * whether something is lost with them.
   */
  tellLosses({ unexplained }: State, directories: ReadonlyMap<string, TableDirectory>): void {
    const still = unexplained.filter(path => this.#untold.has(path))
    if (still.length > 0) this.#news.push({ kind: 'unexplained', paths: still })
    this.#untold = NONE
    const withLosses = new Set(unexplained.map(path => dirname(path)))
    for (const path of this.#lost) {
      if (withLosses.has(path)) this.#news.push({ kind: 'directory-replaced', path })
      else if (directories.has(path)) this.#news.push({ kind: 'directory-renewed', path })
    }
    this.#lost = []
  }

  /** Takes out the news for the operator that were not told yet. */
  takeNews(): TableNews[] {
    return this.#news.splice(0)
  }

  /**
   * Whether --take-over accepted the losses that it tells of: in this run, or in an earlier one that ended before it wrote a
   * manifest of this table. Directories that are missing may have gone after that one: only this run accepts them.
   */
  get #isAccepted(): boolean {
    const { tookOver, acceptedEpoch } = this.#settings
    return tookOver || (this.#state?.epoch ?? Infinity) < acceptedEpoch
  }

  /** It alone says which SSTables --delete-on-backup deleted: where it cannot be read, any may be missing. */
  #forgotten(directories: ReadonlyMap<string, TableDirectory>): string[] {
    if (!this.#settings.deletesUploaded) return []
    this.#news.push({ kind: 'forgotten' })
    return [...directories.keys()].map(path => join(path, '*'))
  }

  /** Its directories that are missing, or have another one's path. */
  #lostDirectories(
    directories: ReadonlyMap<string, TableDirectory>,
    notBackedUp: NotBackedUp,
  ): readonly string[] {
    const state = this.#state
    if (state === undefined) return []
    const lost: string[] = []
    for (const path of state.directories.keys()) {
      if (!isSameDataDirectory(path, state, this.#disk, directories.get(path)?.identity)) lost.push(path)
      else if (!directories.has(path) && !isKnownElsewhere(path, directories.values(), this.#disk))
        notBackedUp.addDirectory(path)
    }
    this.#lost = lost
    return lost
  }
}
