import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { isAbsent } from '../errors.js'

import { SNAPSHOTS, isTemporary, parseComponent } from './names.js'
import { tableOfUnit } from './unit.js'

/** A directory below a keyspace's that is a table's by its name. */
export interface TableSibling {
  /** `<table>-<id>`. */
  readonly name: string
  /** Whether SSTables lie in it. */
  readonly filled: boolean
  /** Whether the table was dropped: Cassandra leaves the directory where it is, with a snapshot. */
  readonly dropped: boolean
  /** When it was last changed, ms since 1970. */
  readonly changed: number
}

/**
 * The directories that are or were one table's: a table that is created again gets another id, and Cassandra reads only the
 * directory of that. The one that was changed last comes first.
 * @param parent the keyspace's directory; need not exist
 */
export async function siblingsOf(parent: string, keyspace: string, table: string): Promise<TableSibling[]> {
  const names = await namesIn(parent)
  const tables = names.filter(name => tableOfUnit(`${keyspace}/${name}`)?.table === table)
  const found = await Promise.all(tables.map(name => siblingAt(join(parent, name))))
  return found.filter(one => one !== undefined).sort((a, b) => b.changed - a.changed)
}

async function siblingAt(path: string): Promise<TableSibling | undefined> {
  const info = await stat(path).catch(() => undefined)
  if (info?.isDirectory() !== true) return undefined
  const files = await namesIn(path)
  const filled = files.some(name => !isTemporary(name) && parseComponent(name)?.component === 'Data.db')
  // Cassandra's name for the snapshot that it takes of a table which is dropped: dropped-<ms>-<table>.
  const snapshots = await namesIn(join(path, SNAPSHOTS))
  const dropped = !filled && snapshots.some(name => name.startsWith('dropped-'))
  return { name: basename(path), filled, dropped, changed: info.mtimeMs }
}

/**
 * The directory that Cassandra reads instead of one that SSTables are to come into; undefined where nothing says that there is
 * one.
 * @param path of a table's directory; need not exist
 */
export async function supersededBy(path: string): Promise<string | undefined> {
  const parent = dirname(path)
  const keyspace = basename(parent)
  const table = tableOfUnit(`${keyspace}/${basename(path)}`)
  if (table === undefined) return undefined
  const siblings = await siblingsOf(parent, keyspace, table.table)
  const own = siblings.find(({ name }) => name === basename(path))
  if (own?.filled === true) return undefined
  const live = siblings.filter(one => one !== own && !one.dropped)
  // If two directories are empty, nobody can tell which one Cassandra reads.
  const other = own === undefined || own.dropped ? live[0] : live.find(({ filled }) => filled)
  return other === undefined ? undefined : join(parent, other.name)
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
}
