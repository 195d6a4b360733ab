/** One file as a state names it. */
export interface Entry {
  /** Bytes. */
  readonly size: number
  /** ns since 1970. */
  readonly mtime: bigint
  readonly inode: bigint
  /** CRC-64/NVME, 16 hex digits; undefined for an object of the original's that was trusted by its size. */
  readonly crc64: string | undefined
  /** Its key, where that is not the plain one. */
  readonly key: string | undefined
}

/** The entry with another key. Not by spreading: V8 gives every object that is made so a hidden class of its own, some 250 bytes. */
export function withKey({ size, mtime, inode, crc64 }: Entry, key: string | undefined): Entry {
  return { size, mtime, inode, crc64, key }
}

/** One SSTable as a state names it. */
export interface StateSet {
  /** By component: `Data.db`, … */
  readonly components: ReadonlyMap<string, Entry>
  /** Data.db is not what Digest.crc32 says. */
  readonly corrupt: boolean
  /** --delete-on-backup unlinked it: it is part of every later state. */
  readonly kept: boolean
}

/** The identity of a data directory: another one may take its place under the same path. */
export interface DirectoryIdentity {
  /** Device number. */
  readonly device: bigint
  readonly inode: bigint
}

/** The files of a table, or of a watched directory that is no table, at one moment. */
export interface State {
  /** The node's name. */
  readonly node: string
  /** The writer's epoch, as in node.json. */
  readonly epoch: number
  readonly unit: string
  /** ms since 1970, by the server's clock. */
  readonly time: number
  /** Whether commits before it may be unknown: the program was not there, or lost events. */
  readonly gap: boolean
  /** Sets that vanished without a known reason, by path. */
  readonly unexplained: readonly string[]
  /** By path without the component: `/var/lib/cassandra/data/ks/t-0a1b/nb-4-big`. */
  readonly sets: ReadonlyMap<string, StateSet>
  /** Files that belong to no SSTable, by path. */
  readonly files: ReadonlyMap<string, Entry>
  /** Paths of sets and files of the moment that are not in the bucket: it is partial. */
  readonly unprotected: readonly string[]
  /** A listing of the original's that belongs to it could not be written. */
  readonly unlisted?: true
  /** The unit's directories that were watched then, by path. */
  readonly directories: ReadonlyMap<string, DirectoryIdentity>
}

/** How much a restore point names. */
export interface Totals {
  /** SSTables. */
  readonly sets: number
  /** Files that belong to no SSTable. */
  readonly files: number
  /** Bytes of all files, those of the SSTables included. */
  readonly bytes: number
}

/** The contents of a delta: it replaces SSTables and files of the base, after those in `removed` are taken away. */
export interface Delta {
  /** Key of the full state that it is based on. */
  readonly base: string
  /** Paths of sets and files. */
  readonly removed: readonly string[]
  /** Of the whole state, what comes from the base included; earlier versions did not write them. */
  readonly totals: Totals | undefined
}

/** Whether -D may bring it: nothing is missing, and nothing went away unexplained. */
export function isRestorable(state: Pick<State, 'unprotected' | 'unexplained'>): boolean {
  return state.unprotected.length === 0 && state.unexplained.length === 0
}

/** Combines a delta with its base. */
export function applyDelta(base: State, delta: State, { removed }: Pick<Delta, 'removed'>): State {
  const sets = new Map(base.sets)
  const files = new Map(base.files)
  applyInPlace({ sets, files }, delta, removed)
  return { ...delta, sets, files }
}

/** The maps of a state that nobody else has. */
export interface OwnMaps {
  readonly sets: Map<string, StateSet>
  readonly files: Map<string, Entry>
}

/** {@link applyDelta} on the base's own maps: a copy of those of 400,000 SSTables takes the thread too long. */
export function applyInPlace({ sets, files }: OwnMaps, delta: State, removed: readonly string[]): void {
  for (const path of removed) {
    sets.delete(path)
    files.delete(path)
  }
  for (const [path, set] of delta.sets) sets.set(path, set)
  for (const [path, file] of delta.files) files.set(path, file)
}
