import type { History, Moment, Newest } from '../manifest/history.js'
import type { State, StateSet } from '../manifest/state.js'

import { DraftBuilder, type DraftSource } from './draft-builder.js'
import { KeptFiles } from './kept-files.js'
import { NewestManifest } from './newest-manifest.js'
import { NotBackedUp } from './not-backed-up.js'
import type { Clock, Draft, Surroundings, TableNews, TableSettings } from './ports.js'
import { Present } from './present.js'
import { saysNothing, saysTheSame } from './same-manifest.js'
import { Standings } from './standings.js'
import type { TableDirectory } from './table-facts.js'
import type { TableFiles } from './table-files.js'

/**
 * The restore points of a table: whether the newest manifest says all that can be said, and when the next one may be
 * written. {@link DraftBuilder} makes it.
 */
export class RestorePoints {
  readonly #settings: TableSettings
  readonly #clock: Clock
  /** The SSTables and files that --delete-on-backup deleted. */
  readonly kept = new KeptFiles()
  /** Directories without a watch, and SSTables and files that do not come to rest. */
  readonly notBackedUp = new NotBackedUp()
  readonly #newest: NewestManifest
  readonly #standings: Standings
  readonly #builder: DraftBuilder
  readonly #present = new Present()
  /** Time of the newest restore point that may be in the bucket although it failed, ms since 1970. */
  #triedTime = -Infinity
  /** The newest manifest does not say all that can be said of an SSTable or a file now. */
  #isChanged = false
  /** Nothing that is the same as in the newest manifest counts: another epoch has begun, or it cannot be read. */
  #mustSay: boolean
  #isLoaded = false
  #isSaid = false
  #isCovered = false
  /** The history went on, or more was uploaded, since the last draft. */
  #isBehind = false
  #draft: { readonly draft: Draft; readonly moment: Moment<TableFiles> } | undefined

  constructor(name: string, surroundings: Surroundings) {
    const { settings, disk, clock } = surroundings
    this.#settings = settings
    this.#clock = clock
    this.#newest = new NewestManifest(settings, disk)
    this.#standings = new Standings(settings)
    this.#builder = new DraftBuilder(name, surroundings, this.#newest, this.kept, this.#standings)
    this.#mustSay = settings.tookOver
  }

  get newest(): State | undefined {
    return this.#newest.state
  }

  /** Whether it is known what the bucket holds. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** As of {@link NewestManifest.before}. */
  before(directories: ReadonlyMap<string, TableDirectory>): Newest | undefined {
    return this.#newest.before(directories, this.notBackedUp)
  }

  /** The entry of the newest manifest for a path. */
  stored(path: string): StateSet | undefined {
    return this.#newest.stored(path)
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

  /** Takes out the news for the operator that were not told yet. */
  takeNews(): TableNews[] {
    return [...this.notBackedUp.takeNews(), ...this.#newest.takeNews()]
  }

  /** @param scannedAt when its first scan ended, ms since 1970: the bucket was asked then or later, and may have answered much later */
  loaded(newest: State | undefined, newestTime: number | undefined, scannedAt: number): void {
    this.#newest.loaded(newest, newestTime, scannedAt)
    this.kept.inherit(newest)
    this.#mustSay ||= newest === undefined && newestTime !== undefined
    this.#isLoaded = true
  }

  /**
   * Another run of this node wrote a manifest that was not known. It may be older than the newest one, and than changes that no
   * manifest tells of yet: an SSTable that is no part of the table since then is not taken over.
   * @param endedAt when the table was truncated or dropped last, ms since 1970
   */
  adopt(other: State, endedAt: number): void {
    const newest = this.#newest.state
    const isOlder = newest !== undefined && other.time < newest.time
    this.kept.inherit(other, path => {
      if (isOlder && !newest.sets.has(path) && !newest.unexplained.includes(path)) return true
      return this.kept.isRemovedSince(path, other.time)
    })
    this.#newest.adopt(other, endedAt)
    this.#isChanged = true
  }

  /** Manifests have something else to say of an SSTable or a file. */
  changed(): void {
    this.#isSaid = false
    this.#isChanged = true
  }

  /** The run ends: what could not be uploaded is named as that. */
  expose(): void {
    this.#standings.expose()
    this.#isChanged = true
  }

  /** The next restore point; undefined: there is nothing to say, or not yet. */
  draft(source: DraftSource): Draft | undefined {
    const now = this.#clock.now()
    if (this.#draft !== undefined || this.#standings.waitForFiles(source.files, now)) return undefined
    const { history } = source
    this.notBackedUp.noteRestless(source.restless)
    const isChanged = this.#isChanged || this.notBackedUp.isChanged
    const moment = history.next(files => this.#standings.of(files, history, now), isChanged || this.#mustSay)
    if (moment === undefined) {
      this.#isSaid = !isChanged
      this.#isBehind = false
      return undefined
    }
    const time = this.#timeOf(moment, history)
    if (time === undefined) return undefined
    this.#isBehind = false
    const draft = this.#builder.build(source, { ...moment, time }, this.notBackedUp.paths(), now)
    this.#newest.tellLosses(draft.state, source.directories)
    this.#isChanged = false
    this.notBackedUp.drafted()
    const isNews = this.#isNews(draft.state)
    // The table has changed, and changed back: a run beside this one that saw it in between may write that at any time. Only
    // a restore point of now comes after it. A run that ends leaves it to the daemon beside it to say so.
    const isRepeat = !isNews && moment.cut.time > this.#newest.toldUntil && !this.#settings.isOneShot
    if (isNews || isRepeat) {
      this.#draft = { draft: { ...draft, isRepeat }, moment }
      return this.#draft.draft
    }
    history.accept(moment)
    this.#isSaid = true
    this.#isCovered = true
    return undefined
  }

  /** Whether the bucket does not say it yet. */
  #isNews(state: State): boolean {
    if (this.#mustSay) return true
    const newest = this.#newest.state
    return newest === undefined ? !saysNothing(state) : !saysTheSame(newest, state)
  }

  /** The time of a restore point; undefined: it waits for the next drained point. */
  #timeOf(moment: Moment<TableFiles>, { live }: History<TableFiles>): number | undefined {
    const newest = this.#newest.state
    const isNow = moment.sets.size === live.size && [...moment.sets].every(files => live.has(files))
    const time =
      newest === undefined || !isNow || this.#settings.isOneShot
        ? moment.time
        : this.#present.timeOf(moment.time, newest.time, this.#clock.time())
    // A newer manifest of another run stays newer, as this one says what was true at its own time. But a clock that went
    // back must not put it before one of ours whose fate is not known; the same again has the same time.
    return time !== undefined && time < this.#triedTime ? this.#triedTime + 1 : time
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
    this.#newest.written(state, moment.cut.time)
    this.kept.written(state.time)
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
}
