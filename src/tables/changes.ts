import type { TableFiles } from './table-files.js'

/**
 * A change of a table that Cassandra made at once. When it did is known between two drained points (see Table): after the
 * one numbered `after`, and not after the one numbered `until`.
 */
export interface Change {
  readonly after: number
  readonly until: number
  readonly adds: readonly TableFiles[]
  readonly removes: readonly TableFiles[]
  /** When it was seen, ms by the server's clock. */
  readonly time: number
  /**
   * `end`: a truncate or drop; `gap`: more may have changed than is known; `unexplained`: SSTables vanished, and no
   * transaction log says why.
   */
  readonly kind?: 'end' | 'gap' | 'unexplained'
  /** Whether its SSTables went with their directory: they are missed even if no restore point has named them. */
  readonly isMissed?: boolean
}

/** Changes whose order is not known, as one. */
export interface Step {
  readonly adds: readonly TableFiles[]
  readonly removes: readonly TableFiles[]
  readonly time: number
  readonly hasEnd: boolean
  readonly hasGap: boolean
  /** Whether it is several changes, and not all of them are additions. */
  readonly isMerged: boolean
  /** SSTables that vanished without a reason. */
  readonly vanished: readonly TableFiles[]
}

/**
 * The changes of a table that have no place in its history yet. Two changes whose spans overlap may have happened in
 * either order: only the table before both and the table after both are known to have been, so they become one step.
 */
export class Changes {
  #all: Change[] = []

  get size(): number {
    return this.#all.length
  }

  add(change: Change): void {
    this.#all.push(change)
  }

  /** Whether one of them is the loss of an SSTable of a path, without a reason. */
  loses(path: string): boolean {
    return this.#all.some(
      ({ kind, removes }) => kind === 'unexplained' && removes.some(files => files.path === path),
    )
  }

  /** SSTables that one of them removes. */
  get removed(): TableFiles[] {
    return this.#all.flatMap(({ removes }) => removes)
  }

  /** The earliest begin of a span. */
  get after(): number {
    return this.#all.reduce((earliest, { after }) => Math.min(earliest, after), Infinity)
  }

  /** The latest end of a span. */
  get until(): number {
    return this.#all.reduce((latest, { until }) => Math.max(latest, until), 0)
  }

  /**
   * Takes out, in their order, the steps that nothing can precede any more.
   * @param floor what is still to be added happened after the drained point of this number
   * @param isOne whether all of them become one step
   */
  take(floor: number, isOne = false): Step[] {
    if (this.#all.length === 0) return []
    const sorted = [...this.#all].sort((a, b) => a.after - b.after)
    const runs: Change[][] = []
    let until = -1
    for (const change of sorted) {
      if (change.after < until) runs.at(-1)?.push(change)
      else runs.push([change])
      until = Math.max(until, change.until)
    }
    const ready: Change[][] = []
    for (const run of runs) {
      if (Math.max(...run.map(({ until }) => until)) > floor) break
      ready.push(run)
    }
    this.#all = runs.slice(ready.length).flat()
    if (ready.length === 0) return []
    return isOne ? [stepOf(ready.flat())] : ready.map(stepOf)
  }

  /** Makes one change of all: while a table has no history yet, only what they leave matters. */
  fold(): void {
    if (this.#all.length < 2) return
    const { adds, removes, time, hasEnd } = stepOf(this.#all)
    const after = Math.min(...this.#all.map(({ after }) => after))
    const kind = hasEnd ? { kind: 'end' as const } : {}
    this.#all = [{ after, until: this.until, adds, removes, time, ...kind }]
  }
}

function stepOf(changes: readonly Change[]): Step {
  const adds = new Set<TableFiles>()
  const removes = new Set<TableFiles>()
  const vanished = new Set<TableFiles>()
  // A truncate or drop is the reason of what had vanished before it.
  const endsAfter = Math.max(...changes.map(({ kind, after }) => (kind === 'end' ? after : -Infinity)))
  for (const change of changes) {
    const isLoss = change.kind === 'unexplained' && change.until > endsAfter
    for (const files of change.adds) adds.add(files)
    for (const files of change.removes) (isLoss ? vanished : removes).add(files)
  }
  const missed = new Set(changes.flatMap(({ removes, isMissed }) => (isMissed === true ? removes : [])))
  // An SSTable that came and went within the step was never part of a table that is known, unless its directory was taken away.
  for (const files of [...adds]) {
    if (!removes.has(files) && (!vanished.has(files) || missed.has(files))) continue
    adds.delete(files)
    removes.delete(files)
    vanished.delete(files)
  }
  return {
    adds: [...adds],
    removes: [...removes],
    vanished: [...vanished].filter(files => !removes.has(files)),
    time: Math.max(...changes.map(({ time }) => time)),
    hasEnd: changes.some(({ kind }) => kind === 'end'),
    hasGap: changes.some(({ kind }) => kind === 'gap'),
    isMerged: changes.length > 1 && changes.some(({ removes }) => removes.length > 0),
  }
}
