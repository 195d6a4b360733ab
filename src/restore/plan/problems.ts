import { join } from 'node:path'

import { parseComponent } from '../../cassandra/names.js'
import { supersededBy } from '../../cassandra/table-directories.js'
import { tableAt, type TableDirectory, isHardlinks } from '../../cassandra/table-directory.js'
import type { Config } from '../../config/config.js'
import { TablesnapError } from '../../errors.js'
import { formatBytes } from '../../report/format.js'
import type { MomentFile, MomentSet } from '../read/moment.js'

import type { FileSystemShare } from './file-system.js'
import { heldOpen } from './in-use.js'
import type { LocalDirectory, SetState } from './local.js'
import type { PlannedSet } from './restore-plan.js'
import type { TargetDirectory } from './target.js'

/** Space that is to stay free beside what is restored, as a share of it. */
const SLACK = 0.01

/** Names shown of many. */
const SHOWN = 10

/** Collects the reasons to refuse a restore, before its first byte. */
export class Problems {
  readonly #found: TablesnapError[] = []
  readonly #unwritable = new Set<string>()
  readonly #config: Pick<Config, 'force' | 'replace' | 'partial'>

  constructor(config: Pick<Config, 'force' | 'replace' | 'partial'>) {
    this.#config = config
  }

  get found(): readonly TablesnapError[] {
    return this.#found
  }

  /**
   * Judges a set by what is there already.
   * @returns names of files that have to go before it comes, and of those that it takes the place of; none unless --force
   */
  judge(set: MomentSet, state: SetState, directory: string): { remove: string[]; exchange: string[] } {
    if (state.blocked.length > 0) {
      const message = `in the place of ${join(directory, state.blocked[0] ?? '')} is something that is no file: move it away`
      this.#add('TARGET_BLOCKED', message, directory)
    }
    const different = this.toExchange(state).map(({ name }) => name)
    const names = [...different, ...state.extra]
    if (names.length === 0) return { remove: [], exchange: [] }
    if (this.#config.force) {
      const data = `${set.name}-Data.db`
      // Beside the same Data.db a component is exchanged in one step; otherwise all of the other SSTable goes first.
      if (state.same.includes(data) || !names.some(name => parseComponent(name) !== undefined)) {
        return { remove: [], exchange: different }
      }
      const first = names.includes(data) ? [data] : []
      return { remove: [...first, ...names.filter(name => name !== data)], exchange: [] }
    }
    const message = `${join(directory, set.name)} is there with other content (${shown(names)}): move it away, or overwrite it with --force`
    this.#add('TARGET_CONFLICT', message, join(directory, set.name))
    return { remove: [], exchange: [] }
  }

  /** The files of a set that take the place of others; what Cassandra rewrote itself stays unless --force. */
  toExchange({ different, rewritten }: SetState): readonly MomentFile[] {
    return this.#config.force ? [...different, ...rewritten] : different
  }

  /** Objects that states promise: without them the moment is none. */
  damaged(sets: readonly MomentSet[]): void {
    const lost = sets.filter(({ promised }) => promised === true).flatMap(({ missing }) => missing)
    if (lost.length === 0 || this.#config.partial) return
    const keys = shown(lost.map(({ key, reason }) => `${key} ${reason}`))
    const message = `the bucket is damaged: ${keys}; an earlier moment may be whole (--at), and --partial brings the sets that are`
    this.#add('STATE_DAMAGED', message, lost[0]?.key ?? '')
  }

  /** Tables of system keyspaces that no moment makes whole: of different moments Cassandra would not start. */
  split(units: readonly string[]): void {
    if (this.#config.partial) return
    for (const unit of units) {
      const message = `${unit} has no whole restore point as old as those of the other tables of its keyspace, which Cassandra reads as of one moment: give an earlier one with --at, or restore what there is with --partial`
      this.#add('KEYSPACE_SPLIT', message, unit)
    }
  }

  /** Objects that S3 does not give before they are thawed. @param what as a phrase */
  archived(what: string, key: string): void {
    this.#add('OBJECTS_ARCHIVED', what, key)
  }

  /** SSTables of tables that were dropped and created again: Cassandra reads another directory now. */
  async superseded(sets: readonly Pick<PlannedSet, 'directory' | 'name' | 'files'>[]): Promise<void> {
    if (this.#config.force) return
    const tables = new Map<string, TableDirectory>()
    for (const { name, directory, files } of sets) {
      const table = tableAt(directory.path)
      if (files.some(file => file.name === `${name}-Data.db`) && !isHardlinks(directory.path))
        tables.set(table.path, table)
    }
    for (const { path, keyspace, table } of tables.values()) {
      const live = await supersededBy(path)
      if (live === undefined) continue
      const message = `Cassandra does not read ${path}: ${keyspace}.${table} was dropped and created again, and its directory is ${live}. Restore into that one with --map-table ${keyspace}.${table}, or into the old one with --force`
      this.#add('TARGET_SUPERSEDED', message, path)
    }
  }

  /** SSTables that were damaged before they came into the bucket. */
  corrupt(sets: readonly MomentSet[]): void {
    if (sets.length === 0 || this.#config.force || this.#config.partial) return
    const names = shown(sets.map(({ directory, name }) => join(directory, name)))
    const message = `SSTables were damaged on the node already, by their Digest.crc32 (${names}): --force brings them as they are, --partial leaves them out`
    this.#add('SET_CORRUPT', message, sets[0]?.directory ?? '')
  }

  /** SSTables in a directory that the moment does not have. @param names of their files */
  foreign(directory: string, names: readonly string[]): void {
    if (names.length === 0 || this.#config.replace) return
    const sets = names.filter(name => name.endsWith('-Data.db'))
    const message = `${directory} holds SSTables of another moment (${shown(sets)}), which would mix with what is restored: move them aside with --replace`
    this.#add('TARGET_FOREIGN', message, directory)
  }

  /** Nothing may be written into or above a directory. */
  unwritable({ path, existing }: TargetDirectory): void {
    if (this.#unwritable.has(existing)) return
    this.#unwritable.add(existing)
    this.#add(
      'TARGET_NOT_WRITABLE',
      `cannot restore to ${path}: ${existing} is not writable for this user`,
      existing,
    )
  }

  space({ base, needed, free }: FileSystemShare): void {
    if (needed * (1 + SLACK) <= free) return
    const lack = Math.ceil(needed * (1 + SLACK)) - free
    const message = `not enough space in ${base}: the restore needs ${formatBytes(needed)}, and ${formatBytes(free)} are free; make room for ${formatBytes(lack)} more`
    this.#add('NO_SPACE', message, base)
  }

  /** Files that are to be replaced or moved must not be in use. */
  async held(paths: readonly string[]): Promise<void> {
    const held = await heldOpen(paths)
    for (const { pid, command } of new Map(held.map(one => [one.pid, one])).values()) {
      const files = held.filter(one => one.pid === pid).map(({ path }) => path)
      const message = `process ${pid} (${command}) holds files open that are to be replaced (${shown(files)}): stop Cassandra first`
      this.#add('TARGET_IN_USE', message, files[0] ?? '')
    }
  }

  #add(code: string, message: string, path: string): void {
    this.#found.push(new TablesnapError({ code, message, step: { operation: 'restore', path } }))
  }
}

/**
 * Names of the files of SSTables that a moment does not have, in a directory that Cassandra reads. One without Data.db
 * is none: Cassandra removes it at its start.
 * @param table whether the moment speaks for all SSTables of the directory, also if it has none
 */
export function foreignSets(local: LocalDirectory, moment: readonly MomentSet[], table: boolean): string[] {
  const named = new Set(moment.map(({ name }) => name))
  const isTable =
    table || moment.some(({ name, files }) => files.some(file => file.name === `${name}-Data.db`))
  if (!isTable || isHardlinks(local.path)) return []
  const foreign: string[] = []
  for (const [set, names] of local.sets) {
    if (!named.has(set) && names.includes(`${set}-Data.db`)) foreign.push(...names)
  }
  return foreign
}

function shown(names: readonly string[]): string {
  const more = names.length - SHOWN
  return more > 0 ? `${names.slice(0, SHOWN).join(', ')} and ${more} more` : names.join(', ')
}
