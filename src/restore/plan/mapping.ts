import { basename, dirname, join, relative } from 'node:path'

import { siblingsOf, type TableSibling } from '../../cassandra/table-directories.js'
import { namesTable, tableAt, type TableDirectory } from '../../cassandra/table-directory.js'
import type { Config, PathMap } from '../../config/config.js'
import { TablesnapError } from '../../errors.js'
import { localOf, type Scope } from '../read/scope.js'

import type { Target } from './target.js'

/** Names shown of many. */
const SHOWN = 10

/** Finds where directories of the original node come to lie below the target. */
export class Mapping {
  readonly #config: Pick<Config, 'mapPaths' | 'mapTables'>
  readonly #scope: Scope | undefined
  readonly #target: Target
  readonly #present = new Map<string, Promise<string | TablesnapError>>()
  readonly #used = new Set<string>()

  constructor(config: Pick<Config, 'mapPaths' | 'mapTables'>, scope: Scope | undefined, target: Target) {
    this.#config = config
    this.#scope = scope
    this.#target = target
  }

  /**
   * The place of a directory, as an absolute path of which the target is the root: by --map-table, if that names its table
   * and no --map-path names a directory of the table's; else by --map-path; else its own.
   * @param directory absolute, as on the node that was backed up
   * @returns the error `MAP_TABLE_MISSING` or `MAP_TABLE_AMBIGUOUS` where the table has no one present directory
   */
  async localOf(directory: string): Promise<string | TablesnapError> {
    const table = tableAt(directory)
    const { mapPaths, mapTables } = this.#config
    const map = longest(mapPaths, directory)
    if (map !== undefined) this.#used.add(map.from)
    const nearer = map !== undefined && isWithin(map.from, table.path)
    if (nearer || !namesTable(mapTables, table)) return this.#byPath(directory, map)
    for (const name of mapTables) if (namesTable([name], table)) this.#used.add(name)
    const present = await this.#presentOf(table)
    return present instanceof TablesnapError ? present : join(present, relative(table.path, directory))
  }

  /** Whether --map-path or --map-table says where a directory comes to lie. */
  maps(directory: string): boolean {
    const { mapPaths, mapTables } = this.#config
    return longest(mapPaths, directory) !== undefined || namesTable(mapTables, tableAt(directory))
  }

  /** The values of --map-path and --map-table that have matched nothing so far. */
  get unused(): { readonly paths: readonly PathMap[]; readonly tables: readonly string[] } {
    const { mapPaths, mapTables } = this.#config
    return {
      paths: mapPaths.filter(({ from }) => !this.#used.has(from)),
      tables: mapTables.filter(name => !this.#used.has(name)),
    }
  }

  #byPath(directory: string, map: PathMap | undefined): string {
    if (map === undefined) return localOf(directory, this.#scope)
    return join(map.to, relative(map.from, directory))
  }

  #presentOf(table: TableDirectory): Promise<string | TablesnapError> {
    const own = this.#byPath(table.path, longest(this.#config.mapPaths, table.path))
    let present = this.#present.get(own)
    if (present === undefined) {
      present = this.#search(table, own)
      this.#present.set(own, present)
    }
    return present
  }

  /** Cassandra leaves a dropped table's directory where it is: another one is what the table has now. */
  async #search(table: TableDirectory, own: string): Promise<string | TablesnapError> {
    const { keyspace, table: name } = table
    const parent = dirname(own)
    const where = join(this.#target.root, parent)
    const found = await siblingsOf(where, keyspace, name)
    const others = found.filter(other => other.name !== basename(own))
    const live = others.filter(({ dropped }) => !dropped)
    const [only, ...more] = live
    if (only !== undefined && more.length === 0) return join(parent, only.name)
    if (only === undefined && found.length > others.length) return own
    if (only === undefined) {
      const why =
        found.length === 0
          ? `there is no directory ${name}-<id> in ${where}`
          : `${where} has only directories of ${name} that was dropped (${shown(found)})`
      return error(
        'MAP_TABLE_MISSING',
        `--map-table ${keyspace}.${name}: ${why}: create the table first, or give its data directory's place with --map-path`,
        where,
      )
    }
    return error(
      'MAP_TABLE_AMBIGUOUS',
      `--map-table ${keyspace}.${name}: ${where} has several directories that may be the table's (${shown(live)}): choose that of the id in system_schema.tables, with --map-path ${table.path}=${join(parent, only.name)}`,
      where,
    )
  }
}

function shown(found: readonly TableSibling[]): string {
  return found
    .slice(0, SHOWN)
    .map(({ name }) => name)
    .join(', ')
}

/** The map of the longest path that a directory is, or lies below. */
function longest(maps: readonly PathMap[], directory: string): PathMap | undefined {
  return maps
    .filter(({ from }) => isWithin(directory, from))
    .reduce<PathMap | undefined>(
      (best, map) => (best === undefined || map.from.length > best.from.length ? map : best),
      undefined,
    )
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(join(directory, '/'))
}

function error(code: string, message: string, path: string): TablesnapError {
  return new TablesnapError({ code, message, step: { operation: 'restore', path } })
}
