import { History } from '../manifest/history.js'

import type { Changes, Step } from './changes.js'
import { type Losses, isLoose } from './losses.js'
import type { TableNews } from './ports.js'
import type { TableFacts } from './table-facts.js'
import type { TableFiles } from './table-files.js'

/** Records the steps of a table, in their order, as commits in its history; the first one begins it. */
export class StepRecord {
  readonly #changes: Changes
  readonly #losses: Losses
  readonly #news: TableNews[] = []
  #history: History<TableFiles> | undefined

  constructor(changes: Changes, losses: Losses) {
    this.#changes = changes
    this.#losses = losses
  }

  /** Undefined until the first step. */
  get history(): History<TableFiles> | undefined {
    return this.#history
  }

  /** Takes out the news for the operator that were not told yet. */
  takeNews(): TableNews[] {
    return this.#news.splice(0)
  }

  add(table: TableFacts, step: Step): void {
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
    const found = withPaths(live, unknown)
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
    const before = withPaths(this.#history.live, paths).filter(
      files => !adds.includes(files) && !removes.includes(files),
    )
    const explained = before.filter(
      files => isLoose(table) || files.stored === undefined || files.stored.kept,
    )
    for (const files of before) this.#losses.delete(files)
    for (const files of explained) files.leave()
    this.#lose(
      before.filter(files => !explained.includes(files)),
      time,
      true,
    )
    return explained
  }

  /** @param isMerged whether what follows in the same step may have come before it */
  #lose(vanished: readonly TableFiles[], time: number, isMerged = false): void {
    const live = vanished.filter(files => this.#history?.live.has(files) === true)
    if (live.length === 0) return
    for (const files of live) files.leave()
    this.#history?.commit({ adds: [], removes: live, time, kind: 'unexplained', isMerged })
    this.#news.push({ kind: 'vanished', paths: live.map(({ path }) => path) })
  }
}

/** Those of a table's many SSTables that have one of a few paths. */
function withPaths(live: Iterable<TableFiles>, paths: ReadonlySet<string>): TableFiles[] {
  const found: TableFiles[] = []
  for (const files of live) if (paths.has(files.path)) found.push(files)
  return found
}
