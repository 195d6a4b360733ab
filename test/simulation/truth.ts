/** An SSTable as it really is: one writing of it under one path. */
export interface TrueSSTable {
  /** Without the component. */
  readonly path: string
  readonly name: string
  /** The path from which it was renamed. */
  readonly formerPath?: string
  /** Content of its Data.db. */
  readonly data: number
  /** By component: every content that it had once it was complete. */
  readonly contents: ReadonlyMap<string, ReadonlySet<number>>
}

/**
 * Why SSTables came or went: a `transaction` of Cassandra's; `files` that were put there or renamed, without a log; `end` a
 * truncate or drop; `deleted` by an operator or with a disk.
 */
export type CommitKind = 'transaction' | 'files' | 'end' | 'deleted'

/** A change of what Cassandra would read if it started. */
export interface TrueCommit {
  /** ms of virtual time. */
  readonly time: number
  readonly adds: readonly TrueSSTable[]
  readonly removes: readonly TrueSSTable[]
  readonly kind: CommitKind
}

/** What one flush brought to a table and to its secondary index, in either order, and when. */
export interface Pair {
  readonly first: readonly TrueSSTable[]
  readonly second: readonly TrueSSTable[]
  readonly from: number
  readonly to: number
}

/** A restore point as an extent of the true history: S(m), and what was only added in (m, n]. */
export interface Extent {
  readonly m: number
  readonly n: number
}

/** The same SSTable again, as when an operator puts its files back, is the same. */
function keyOf({ path, data }: Pick<TrueSSTable, 'path' | 'data'>): string {
  return `${path}#${data}`
}

/** What a table really was after each of its commits. S(0) is empty. */
export class Truth {
  readonly commits: TrueCommit[] = []
  readonly #live = new Map<string, TrueSSTable>()
  /** By key: a number that stands for an SSTable in sums. */
  readonly #numbers = new Map<string, number>()
  /** For each m: the sum of S(m), and the sum of all that pure additions brought until m. */
  readonly #sums = [0]
  readonly #added = [0]
  /** By key: the last commit by which an SSTable went that no transaction removed. */
  readonly #gone = new Map<string, number>()
  /** Every SSTable that ever was, by path. */
  readonly #ever = new Map<string, TrueSSTable[]>()
  /** Paths from which an SSTable was ever deleted without a transaction, and when that was last, ms of virtual time. */
  readonly deleted = new Map<string, number>()
  /** What a table and its index got by one flush. */
  readonly pairs: Pair[] = []

  /** What Cassandra would read now. */
  get live(): Iterable<TrueSSTable> {
    return this.#live.values()
  }

  get size(): number {
    return this.#live.size
  }

  isLive(sstable: TrueSSTable): boolean {
    return this.#live.has(keyOf(sstable))
  }

  /** Notes a change, less what is so already. */
  commit(
    time: number,
    adds: readonly TrueSSTable[],
    removes: readonly TrueSSTable[],
    kind: CommitKind = 'transaction',
  ): void {
    const added = adds.filter(sstable => !this.isLive(sstable))
    const removed = removes.filter(sstable => this.isLive(sstable))
    if (added.length + removed.length === 0 && kind !== 'end') return
    let sum = this.#sums.at(-1)!
    let pure = this.#added.at(-1)!
    for (const sstable of removed) {
      this.#live.delete(keyOf(sstable))
      sum -= this.#number(keyOf(sstable))
      if (kind === 'deleted') this.deleted.set(sstable.path, time)
      if (kind === 'deleted' || kind === 'files') this.#gone.set(keyOf(sstable), this.commits.length + 1)
      // Who did not see the renaming misses the name before it.
      if (sstable.formerPath !== undefined) this.deleted.set(sstable.formerPath, time)
    }
    for (const sstable of added) {
      const key = keyOf(sstable)
      this.#live.set(key, sstable)
      sum += this.#number(key)
      const ever = this.#ever.get(sstable.path)
      if (ever === undefined) this.#ever.set(sstable.path, [sstable])
      else ever.push(sstable)
    }
    if (removed.length === 0 && (kind === 'transaction' || kind === 'files'))
      for (const sstable of added) pure += this.#number(keyOf(sstable))
    this.commits.push({ time, adds: added, removes: removed, kind })
    this.#sums.push(sum)
    this.#added.push(pure)
  }

  /**
   * A directory is lost: of whatever ever lay in it nobody can tell where it went.
   * @param present paths of what has the files of an SSTable, in any directory
   */
  lose(directory: string, time: number, present: Iterable<string>): void {
    for (const path of [...this.#ever.keys(), ...present])
      if (path.startsWith(`${directory}/`)) this.deleted.set(path, time)
  }

  /**
   * A directory is emptied: where that went which left it since a time nobody can tell.
   * @param present names of SSTables of which a Data.db was there
   */
  empty(directory: string, since: number, now: number, present: Iterable<string>): void {
    for (const name of present) this.deleted.set(`${directory}/${name}`, now)
    for (const { time, removes } of this.commits)
      if (time >= since)
        for (const { path } of removes) if (path.startsWith(`${directory}/`)) this.deleted.set(path, time)
  }

  /** The SSTable that had this content under this path; undefined: none ever had. */
  find(path: string, data: number): TrueSSTable | undefined {
    return this.#ever.get(path)?.findLast(sstable => sstable.data === data)
  }

  /** The last commit that had happened at a time; 0: none. */
  at(time: number): number {
    return this.commits.findLastIndex(commit => commit.time <= time) + 1
  }

  /** When commit n happened; of 0: before all. */
  timeOf(n: number): number {
    return n === 0 ? -Infinity : (this.commits[n - 1]?.time ?? Infinity)
  }

  /**
   * The extents that SSTables are a legal cut of: S(m), and what was only added in (m, n], with no truncate or drop in
   * (m, n]. The largest n comes first. A cut may lack all those that came and went again in (m, n] without a transaction, as
   * after n nobody has them: only what a rewrite removes has to stay until its outputs are there.
   */
  extents(sstables: Iterable<TrueSSTable>): Extent[] {
    const keys = new Set<string>()
    let sum = 0
    for (const sstable of sstables) {
      const key = keyOf(sstable)
      if (!keys.has(key)) sum += this.#number(key)
      keys.add(key)
    }
    const extents: Extent[] = []
    for (let n = this.commits.length; n >= 0; n--) {
      let gone = 0
      for (let m = n; m >= 0; m--) {
        if (m < n) gone += this.#sumGone(m, n)
        const cut = this.#sums[m]! + this.#added[n]! - this.#added[m]!
        if (cut === sum || (gone > 0 && cut - gone === sum)) {
          extents.push({ m, n })
          break
        }
        if (m > 0 && this.commits[m - 1]!.kind === 'end') break
      }
    }
    return extents
  }

  /** The sum of what the commit after m only added, and what had gone by commit n without a transaction. */
  #sumGone(m: number, n: number): number {
    const { adds, removes, kind } = this.commits[m]!
    if (removes.length > 0 || (kind !== 'transaction' && kind !== 'files')) return 0
    let sum = 0
    for (const sstable of adds) {
      const key = keyOf(sstable)
      const gone = this.#gone.get(key) ?? 0
      if (gone > m + 1 && gone <= n) sum += this.#number(key)
    }
    return sum
  }

  /** The legal cuts of which n is the last commit; see {@link extents}. */
  *cuts(n: number): Generator<Set<TrueSSTable>> {
    const added: TrueSSTable[] = []
    for (let m = n; m >= 0; m--) {
      yield new Set([...this.after(m), ...added])
      const commit = this.commits[m - 1]
      if (commit === undefined || commit.kind === 'end') return
      if (commit.removes.length === 0 && commit.kind !== 'deleted') added.push(...commit.adds)
    }
  }

  /** S(m). */
  after(m: number): Set<TrueSSTable> {
    const live = new Map<string, TrueSSTable>()
    for (const { adds, removes } of this.commits.slice(0, m)) {
      for (const sstable of removes) live.delete(keyOf(sstable))
      for (const sstable of adds) live.set(keyOf(sstable), sstable)
    }
    return new Set(live.values())
  }

  #number(key: string): number {
    let number = this.#numbers.get(key)
    if (number === undefined) {
      // Sums of a hundred such numbers are exact, and two different sets with one sum are as good as impossible.
      number = Math.floor(hash(key, this.#numbers.size) * 2 ** 46)
      this.#numbers.set(key, number)
    }
    return number
  }
}

/** In [0, 1). */
function hash(text: string, salt: number): number {
  let a = 0x811c9dc5 ^ salt
  let b = 0x9e3779b9 + salt
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x85ebca6b) + (b >>> 13)
  }
  return ((a >>> 0) * 2 ** 14 + ((b >>> 0) & 0x3fff)) / 2 ** 46
}
