import type { History, Moment } from '../manifest/history.js'
import { SparseMap } from '../manifest/sparse.js'
import type { DirectoryIdentity, Entry, State, StateSet } from '../manifest/state.js'

import type { KeptFiles } from './kept-files.js'
import type { NewestManifest } from './newest-manifest.js'
import type { Draft, Surroundings } from './ports.js'
import type { Standings } from './standings.js'
import type { TableDirectory } from './table-facts.js'
import type { TableFiles } from './table-files.js'

/** The parts that a draft is made of. */
export interface DraftSource {
  readonly history: History<TableFiles>
  readonly directories: ReadonlyMap<string, TableDirectory>
  readonly files: readonly TableFiles[]
  /** Transaction logs that could not be read for long, by path. */
  readonly unreadLogs: readonly string[]
  /** SSTables and files that do not come to rest; see {@link Worklist.restless}. */
  readonly restless: readonly TableFiles[]
}

/** Makes the manifest of a moment: it names what is in the bucket, and what is not. */
export class DraftBuilder {
  readonly #name: string
  readonly #surroundings: Surroundings
  readonly #newest: NewestManifest
  readonly #kept: KeptFiles
  readonly #standings: Standings

  constructor(
    name: string,
    surroundings: Surroundings,
    newest: NewestManifest,
    kept: KeptFiles,
    standings: Standings,
  ) {
    this.#name = name
    this.#surroundings = surroundings
    this.#newest = newest
    this.#kept = kept
    this.#standings = standings
  }

  /**
   * The manifest of a moment.
   * @param notBackedUp paths of what is in no commit, and is named as not backed up
   * @param now ms of the monotonic clock
   */
  build(
    { directories, files: all, unreadLogs }: DraftSource,
    moment: Moment<TableFiles>,
    notBackedUp: Iterable<string>,
    now: number,
  ): Draft {
    const leaving: TableFiles[] = []
    const unprotected = new Set([
      ...notBackedUp,
      ...unreadLogs,
      ...moment.unprotected.map(({ path }) => path),
    ])
    const { time, gap } = moment
    const sets = this.#sets(moment.sets, leaving)
    const files = this.#files(all, leaving, unprotected, now)
    const unexplained = this.#newest.withCarried(moment.unexplained, sets)
    const state: State = {
      node: '',
      epoch: 0,
      unit: this.#name,
      time,
      gap,
      unexplained,
      sets,
      files,
      unprotected: [...unprotected].sort(),
      directories: identitiesOf(directories.values()),
    }
    return { state, leaving }
  }

  /** @param leaving gets those that may be deleted from the disk */
  #sets(all: Iterable<TableFiles>, leaving: TableFiles[]): ReadonlyMap<string, StateSet> {
    const sets = new SparseMap<string, StateSet>()
    for (const files of all) {
      const { path, stored } = files
      if (stored === undefined) continue
      const isLeaving = !stored.kept && !this.#kept.sstables.has(path) && this.#mayLeave(files)
      if (isLeaving) leaving.push(files)
      sets.set(path, isLeaving ? { ...stored, kept: true } : stored)
    }
    return sets
  }

  /** Files that belong to no SSTable. @param leaving as of {@link #sets} @param unprotected gets those that are not backed up */
  #files(
    all: Iterable<TableFiles>,
    leaving: TableFiles[],
    unprotected: Set<string>,
    now: number,
  ): ReadonlyMap<string, Entry> {
    const files = new SparseMap<string, Entry>()
    for (const [path, entry] of this.#kept.files) files.set(path, entry)
    for (const one of all) {
      if (one.isSSTable) continue
      const entry = one.stored?.components.get(one.name)
      if (entry === undefined) {
        if (one.status === 'old' || this.#standings.isHindered(one, now)) unprotected.add(one.path)
        continue
      }
      files.set(one.path, entry)
      if (this.#mayLeave(one)) leaving.push(one)
    }
    return files
  }

  /** Whether --delete-on-backup may delete it once a manifest names it. */
  #mayLeave({ status, remote }: TableFiles): boolean {
    const { settings, disk } = this.#surroundings
    return settings.deletesUploaded && status === 'done' && remote.isAsUploaded(disk)
  }
}

function identitiesOf(directories: Iterable<TableDirectory>): ReadonlyMap<string, DirectoryIdentity> {
  const identities = new Map<string, DirectoryIdentity>()
  for (const { path, identity } of directories) if (identity !== undefined) identities.set(path, identity)
  return identities
}
