import { isRestorable, type State } from '../../src/manifest/state.js'
import type { TableNews } from '../../src/tables/ports.js'
import { saysTheSame } from '../../src/tables/same-manifest.js'

import type { Bucket, Manifest } from './bucket.js'
import type { CoreTable } from './core.js'
import type { Daemon } from './daemon.js'
import type { Node } from './node.js'
import type { Extent, Truth, TrueSSTable } from './truth.js'
import type { WorldWatcher } from './world.js'

/** ms since 1970 of the server's clock when virtual time begins. */
export const EPOCH = Date.UTC(2026, 10, 26)

/** How much later than the next commit a restore point's time may be, beside the time that the process was behind, ms. */
const TOLERANCE = 50

/** How long before an SSTable is whole its last file may be there, ms. */
const FUZZY = 1000

/** So many manifests in a row that say the same are too many: after each failed request that took effect one is written again. */
const REPEATS = 6

/** What the checks are told of a history, as some rules do not hold in some. */
export interface CheckSettings {
  readonly settle: number
  /** Cassandra writes no transaction logs, so that deletions are explained by what is newer. */
  readonly isOldCassandra: boolean
  /**
   * The daemon deletes what it has uploaded, and has missed a transaction log: nobody can tell then whether Cassandra has
   * compacted an SSTable whose files are gone.
   */
  isForgetful: boolean
  /** The daemon deletes what it has uploaded. */
  readonly deletesUploaded: boolean
  /** The clock jumps: times of restore points say nothing. */
  hasWildClock: boolean
  /** Another process writes manifests beside the daemon, so that two may be under way at once. */
  hasOtherWriter: boolean
}

/** A restore point that -D would choose, and what it is of the true history. */
interface Choice {
  readonly state: State
  readonly extents: readonly Extent[]
  readonly named: readonly TrueSSTable[]
}

/** A truncate or drop that begins while the daemon knows every change of the table. */
export interface KnownEnd {
  readonly unit: string
  readonly daemon: Daemon
  readonly time: number
  /** How often the daemon's queue had overflowed. */
  readonly overflows: number
  /** The SSTables that the newest manifest calls unexplained. */
  readonly unexplained: readonly string[]
}

/** Judges each manifest at the instant at which it is in the bucket, and all that the daemon tells. */
export class Checks implements WorldWatcher {
  /** What went wrong first; undefined: nothing. */
  violation: string | undefined
  readonly #node: Pick<Node, 'truths' | 'others' | 'fs'>
  readonly settings: CheckSettings
  readonly #now: () => number
  readonly #isLater: (a: State, b: State) => boolean
  bucket!: Bucket
  /** By unit: the newest complete restore point by epoch, then time. */
  readonly choices = new Map<string, Choice>()
  /** By daemon: when it had read all events. */
  readonly #caughtUp = new Map<object, { readonly from: number; to: number }[]>()
  /** By unit: true SSTables that a manifest has named, and when a manifest said that it may have missed something. */
  readonly #named = new Map<string, Set<TrueSSTable>>()
  readonly #gaps = new Map<string, number>()
  /** By process: true SSTables that its manifests have named. It cannot miss one that another process alone has seen. */
  readonly #namedBy = new Map<object, Set<TrueSSTable>>()
  /** Paths that were said to have vanished. */
  readonly vanished = new Set<string>()
  /** By epoch: when an operator accepted all that was lost until then, ms of virtual time. */
  readonly accepted = new Map<number, number>()
  readonly ends: KnownEnd[] = []
  /** Complete restore points, and when they came into the bucket, ms of virtual time. */
  readonly complete: {
    readonly state: State
    readonly named: readonly TrueSSTable[]
    readonly at: number
  }[] = []
  /** SSTables that --delete-on-backup deleted; and those of them that a later complete restore point left out. */
  readonly #deleted = new Set<TrueSSTable>()
  readonly #leftOut = new Set<TrueSSTable>()
  /** SSTables that a manifest says are deleted, or about to be. */
  readonly #kept = new Set<TrueSSTable>()
  /** By unit: the highest epoch of a complete restore point; the newest manifest, and how many in a row say the same. */
  readonly #epochs = new Map<string, number>()
  readonly #said = new Map<
    string,
    { readonly manifest: Manifest; readonly count: number; readonly commits: number }
  >()

  /** @param later which of two manifests is the newer one for whoever reads */
  constructor(
    node: Pick<Node, 'truths' | 'others' | 'fs'>,
    settings: CheckSettings,
    now: () => number,
    later: (a: State, b: State) => boolean,
  ) {
    this.#node = node
    this.#isLater = later
    this.settings = settings
    this.#now = now
  }

  broken(message: string): void {
    this.violation ??= message
  }

  /** A daemon had read all events from one instant to another. */
  caughtUp(daemon: object, from: number, to: number): void {
    const spans = this.#caughtUp.get(daemon)
    const last = spans?.at(-1)
    if (spans === undefined) this.#caughtUp.set(daemon, [{ from, to }])
    else if (last !== undefined && last.to === from) last.to = to
    else spans.push({ from, to })
  }

  /** The daemon that deletes what it has uploaded is killed: the next one believes what manifests say is deleted. */
  forget(): void {
    this.settings.isForgetful = true
    for (const sstable of this.#kept) this.#deleted.add(sstable)
  }

  deleted(unit: string, path: string, data: number): void {
    const sstable = this.#node.truths.get(unit)?.find(path, data)
    if (sstable !== undefined) this.#deleted.add(sstable)
  }

  news(table: CoreTable, news: TableNews): void {
    const truth = this.#node.truths.get(table.name)
    if (news.kind === 'gap' && this.settings.deletesUploaded) this.settings.isForgetful = true
    if (truth === undefined || news.kind !== 'vanished') return
    // Without logs a later SSTable tells that one was compacted, unless somebody deletes that one too soon.
    const isTorn = this.settings.isOldCassandra && truth.commits.some(({ kind }) => kind === 'deleted')
    for (const path of news.paths) {
      this.vanished.add(path)
      if (!isTorn && !truth.deleted.has(path))
        this.broken(`${path} is said to have vanished, and Cassandra removed it`)
    }
  }

  /**
   * When all was accepted that its writer can know of, ms of virtual time. To a run that begins after the take-over only
   * manifests of the new epoch say how the table was then.
   */
  #acceptedFor({ state, writerStartedAt }: Manifest): number {
    const accepted = this.accepted.get(state.epoch) ?? -Infinity
    const all = this.bucket.manifests.get(state.unit) ?? []
    const isHeard = all.some(one => one.state.epoch === state.epoch && one.writtenAt < writerStartedAt)
    return writerStartedAt > accepted && !isHeard ? -Infinity : accepted
  }

  /** A manifest is in the bucket from now on. */
  manifest(manifest: Manifest): void {
    const { state } = manifest
    const truth = this.#node.truths.get(state.unit)
    if (truth === undefined) return
    const named = this.#contents(truth, state)
    if (named === undefined) return
    const accepted = this.#acceptedFor(manifest)
    const isTorn = this.settings.isOldCassandra && truth.commits.some(({ kind }) => kind === 'deleted')
    for (const path of state.unexplained) {
      const deleted = truth.deleted.get(path)
      if (this.#isForgotten(state.unit, path)) continue
      if (deleted === undefined && !isTorn)
        this.broken(`${path} is marked as unexplained, and nobody deleted it`)
      else if (deleted !== undefined && deleted < accepted)
        this.broken(`${path} is marked as unexplained, and --take-over accepted its loss`)
      else continue
      return
    }
    if (state.time > EPOCH + this.#now() + 1 && !this.settings.hasWildClock) {
      this.broken(`the restore point's time is in the future`)
      return
    }
    if (isRestorable(state)) {
      if (this.settings.isForgetful) this.#forgetful(truth, state, named)
      else this.#complete(truth, manifest, named)
      // One that arrives after the death of its writer comes too late for the next one to know it.
      if (!manifest.isOrphan) this.#leaveOut(truth, named, state.unit)
    }
    // What it says was about to be deleted its writer cannot delete any more.
    if (manifest.isOrphan && this.settings.deletesUploaded) this.forget()
    this.#repeats(manifest, truth)
    this.#otherFiles(manifest)
    if (state.gap) this.#gaps.set(state.unit, this.#now())
    const ever = this.#named.get(state.unit)
    if (ever === undefined) this.#named.set(state.unit, new Set(named))
    else for (const sstable of named) ever.add(sstable)
    const own = this.#namedBy.get(manifest.writer)
    if (own === undefined) this.#namedBy.set(manifest.writer, new Set(named))
    else for (const sstable of named) own.add(sstable)
  }

  /** Whether a path stands for all that --delete-on-backup deleted, and no manifest that can be read names it. */
  #isForgotten(unit: string, path: string): boolean {
    const wasUnreadable = this.bucket.manifests.get(unit)?.some(one => one.unreadableSince !== undefined)
    return this.settings.deletesUploaded && path.endsWith('/*') && wasUnreadable === true
  }

  /** Whether each object has the bytes of the SSTable that the manifest names, and all components are of one. */
  #contents(truth: Truth, state: State): TrueSSTable[] | undefined {
    const named: TrueSSTable[] = []
    for (const [path, { components, kept }] of state.sets) {
      if (state.unprotected.includes(path)) continue
      const data = this.#content(path, components, 'Data.db')
      const sstable = data === undefined ? undefined : truth.find(path, data)
      if (sstable === undefined) {
        this.broken(`${path} is named with bytes that no whole SSTable ever had there`)
        return undefined
      }
      for (const component of components.keys()) {
        const content = this.#content(path, components, component)
        if (content !== undefined && sstable.contents.get(component)?.has(content) === true) continue
        this.broken(`${path}-${component} is named with bytes that it never had`)
        return undefined
      }
      for (const component of sstable.contents.keys()) {
        if (!/^(Data|Index|Statistics|Rows|Partitions)/.test(component) || components.has(component)) continue
        this.broken(`${path} is named without its ${component}`)
        return undefined
      }
      named.push(sstable)
      if (kept) this.#kept.add(sstable)
    }
    return named
  }

  #content(path: string, components: State['files'], component: string): number | undefined {
    return this.bucket.content(`${path}-${component}`, components.get(component)?.key)
  }

  #complete(truth: Truth, manifest: Manifest, named: readonly TrueSSTable[]): void {
    const { state, isOrphan } = manifest
    const extents = truth.extents(named)
    const [widest] = extents
    if (widest === undefined) {
      this.broken(`a complete restore point is no cut: ${names(named)} at ${state.time - EPOCH}`)
      return
    }
    const valid = this.settings.hasWildClock ? extents : this.#timely(truth, state, extents)
    if (valid.length === 0) {
      const shown = extents.map(({ m, n }) => `${m}..${n} of ${truth.timeOf(n)} to ${truth.timeOf(n + 1)}`)
      const time = state.time - EPOCH
      this.broken(`a restore point says ${time}, and was true at ${shown.join(', ')}: ${names(named)}`)
    }
    // The same SSTables may have been there before a loss and after it: it is a restore point of the time before then.
    const unmarked = valid.map(({ n }) => this.#unmarked(truth, manifest, n, named))
    if (unmarked.every(path => path !== undefined) && unmarked[0] !== undefined)
      this.broken(`${unmarked[0]} was deleted, and a complete restore point without it does not say so`)
    const before = this.choices.get(state.unit)
    this.complete.push({ state, named, at: this.#now() })
    const highest = Math.max(state.epoch, this.#epochs.get(state.unit) ?? 0)
    this.#epochs.set(state.unit, highest)
    if (before === undefined || this.#isLater(state, before.state)) {
      if (state.epoch < highest)
        this.broken(
          `-D would bring a restore point of epoch ${state.epoch}, and epoch ${highest} has the name`,
        )

      // Manifests are ordered by the server's clock, which went back while this one was under way and its writer was killed:
      // the next process cannot know of it, so nobody can order it and those of that process.
      if (isOrphan && this.settings.hasWildClock) this.settings.hasOtherWriter = true
      // What a writer of a lower epoch wrote last does not count once another one has the name.
      // Two that write at once tell of different moments in any order.
      const isSameWriter = before?.state.epoch === state.epoch && !this.settings.hasOtherWriter
      const least = isSameWriter ? Math.min(...before.extents.map(({ n }) => n)) : 0
      if (widest.n < least)
        this.broken(`-D would go back from commit ${least} to ${widest.n}: ${names(named)}`)
      this.choices.set(state.unit, { state, extents, named })
    } else if (!this.settings.hasOtherWriter && !isOrphan && state.epoch === before.state.epoch)
      // One that was under way when its writer was killed has its place by its time, whenever it arrives.
      this.broken(`a complete restore point is not newer than the one before`)
  }

  /**
   * Of what --delete-on-backup deleted nobody can tell whether Cassandra has compacted it in a gap. So restore points go on
   * naming it, but never again once one has left it out.
   */
  #forgetful(truth: Truth, state: State, named: readonly TrueSSTable[]): void {
    const all = new Set(named)
    for (let n = truth.commits.length; n >= 0; n--)
      for (const cut of truth.cuts(n)) {
        if (![...cut].every(sstable => all.has(sstable))) continue
        const rest = named.filter(sstable => !cut.has(sstable))
        if (rest.every(sstable => this.#deleted.has(sstable) && !this.#leftOut.has(sstable))) return
      }
    this.broken(
      `a complete restore point is no cut, whatever was compacted in a gap: ${names(named)} at ${state.time - EPOCH}`,
    )
  }

  #leaveOut(truth: Truth, named: readonly TrueSSTable[], unit: string): void {
    if (!this.settings.deletesUploaded) return
    for (const sstable of this.#named.get(unit) ?? [])
      if (this.#deleted.has(sstable) && !truth.isLive(sstable) && !named.includes(sstable))
        this.#leftOut.add(sstable)
  }

  /**
   * Manifests that say nothing new are not written again and again. One after the table has changed and changed back says
   * something new: that it is so at a later time.
   */
  #repeats(manifest: Manifest, { commits: { length: commits } }: Truth): void {
    const { state, writerStartedAt } = manifest
    const before = this.#said.get(state.unit)
    const isSame =
      before?.manifest.writerStartedAt === writerStartedAt &&
      before.commits === commits &&
      saysTheSame(before.manifest.state, state)
    const count = isSame ? before.count + 1 : 1
    this.#said.set(state.unit, { manifest, count, commits })
    if (count >= REPEATS) this.broken(`${count} manifests of ${state.unit} in a row say the same`)
  }

  /** A restore point that says complete has each file that was there before its writer started. */
  #otherFiles({ state, writerStartedAt }: Manifest): void {
    if (!isRestorable(state)) return
    for (const [path, { node, since }] of this.#node.others) {
      const slash = path.lastIndexOf('/')
      const directory = path.slice(0, slash)
      if (since > writerStartedAt - FUZZY || state.files.has(path) || !state.directories.has(directory))
        continue
      if (this.#node.fs.directory(directory)?.files.get(path.slice(slash + 1)) !== node) continue
      this.broken(`a complete restore point lacks ${path}, which was there before its writer`)
    }
  }

  /** The extents that were true at a restore point's time, but for how far the process was behind. */
  #timely(truth: Truth, state: State, extents: readonly Extent[]): Extent[] {
    const time = state.time - EPOCH
    const latest = time - this.#behind(time) - this.settings.settle * 2 - TOLERANCE
    return extents.filter(({ n }) => {
      // Without a transaction files come and go one by one, and one look sees what two changes have left.
      const kind = truth.commits[n - 1]?.kind
      const isEarly = truth.timeOf(n) > time + (kind === 'files' || kind === 'deleted' ? FUZZY : 1)
      const isLate = truth.timeOf(n + 1) < latest
      return !isEarly && !isLate
    })
  }

  /** How long before a time the daemon that was most behind had last read all events, ms. */
  #behind(time: number): number {
    let behind = 0
    for (const spans of this.#caughtUp.values()) {
      const span = spans.findLast(({ from }) => from <= time)
      // One that did not run then has read nothing late.
      if (span !== undefined) behind = Math.max(behind, time - span.to)
    }
    return behind
  }

  /**
   * SSTables that an operator deleted are not left out without a word. Returns the path of one that is, for a restore point
   * that is true after commit n.
   */
  #unmarked(
    truth: Truth,
    { state: { unit, gap: hasGap }, writer }: Manifest,
    last: number,
    named: readonly TrueSSTable[],
  ): string | undefined {
    if (this.settings.isOldCassandra || hasGap) return undefined
    const ever = this.#namedBy.get(writer)
    const gap = this.#gaps.get(unit) ?? -Infinity
    const returned = new Set<string>()
    for (let n = last; n > 0; n--) {
      const { kind, time, adds, removes } = truth.commits[n - 1]!
      for (const { path, data } of adds) returned.add(`${path}#${data}`)
      if (kind === 'end' || gap >= time) return undefined
      // What is left in the directory of a table that was dropped goes with it.
      const next = truth.commits[n]
      const isDropped = next?.kind === 'end' && next.time === time
      if (kind !== 'deleted' || isDropped) continue
      for (const sstable of removes) {
        if (returned.has(`${sstable.path}#${sstable.data}`)) continue
        if (ever?.has(sstable) === true && !named.includes(sstable) && !truth.isLive(sstable))
          return sstable.path
      }
    }
    return undefined
  }
}

export function names(sstables: Iterable<{ readonly name: string }>): string {
  return `{${[...sstables]
    .map(({ name }) => name)
    .sort()
    .join(', ')}}`
}
