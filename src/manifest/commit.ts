/** A set that a lineage is about; its identity is the object's, as Cassandra uses names again. */
export interface Lined {
  /** Path without the component. No two live sets have the same. */
  readonly path: string
  /** Whether it is known to be another set than the one that vanished from its path; see {@link Commit.kind}. */
  readonly fresh?: boolean
  /** Whether nobody knows yet what it holds: it may be another set than the one that vanished from its path. */
  readonly isUnproven?: boolean
}

/** A change of a unit that Cassandra made at once. */
export interface Commit<S extends Lined> {
  readonly adds: readonly S[]
  /** All of them, those that nothing was known of too. */
  readonly removes: readonly S[]
  /** When it was seen, ms. */
  readonly time: number
  /** `end`: a truncate or drop, which no state reaches across; `unexplained`: sets vanished, nobody knows why. */
  readonly kind?: 'end' | 'unexplained'
  /** Several changes of which the order is not known, and not all of them are additions: no cut goes past it without it. */
  readonly isMerged?: boolean
}

/** The status of an SSTable: it is in the bucket; it is named as not backed up; or its upload is still to come. */
export type Standing = 'durable' | 'waived' | 'owed'

/** A commit as a lineage keeps it: less what was so already. */
export interface Pending<S extends Lined> extends Commit<S> {
  /** Paths of sets that had vanished, and that it removes: its outputs have what they held. */
  readonly explained: readonly string[]
  /** Whether additions after it may be named without it. */
  readonly passable: boolean
}

/** Whether a commit removes nothing: a flush, a stream, an import. */
export function isAddition({ removes, explained, kind }: Pending<Lined>): boolean {
  return removes.length === 0 && explained.length === 0 && kind === undefined
}

/** A set of paths that can be changed. */
interface Paths {
  readonly size: number
  add(path: string): unknown
  delete(path: string): boolean
  clear(): void
}

/** Brings the paths of unexplained SSTables up to date with a commit. */
export function noteUnexplained(unexplained: Paths, commit: Pending<Lined>): void {
  const { adds, removes, explained, kind } = commit
  if (kind === 'end') unexplained.clear()
  if (kind === 'unexplained') for (const { path } of removes) unexplained.add(path)
  for (const path of explained) unexplained.delete(path)
  noteReturns(unexplained, adds)
}

/** Takes off the paths to which a set has come back. */
export function noteReturns(unexplained: Paths, sets: Iterable<Lined>): void {
  if (unexplained.size === 0) return
  for (const { path, fresh, isUnproven } of sets)
    if (fresh !== true && isUnproven !== true) unexplained.delete(path)
}
