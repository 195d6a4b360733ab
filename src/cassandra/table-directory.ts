import { basename, dirname } from 'node:path'

import { BACKUPS, SNAPSHOTS } from './names.js'
import { tableOfUnit, type TableName } from './unit.js'

/** The part of a node that is restored; if nothing is named, everything. */
export interface TableFilter {
  readonly keyspaces: readonly string[]
  /** `<keyspace>.<table>` or `<keyspace>.<table>-<id>`. */
  readonly tables: readonly string[]
}

/** A table's own directory. */
export interface TableDirectory extends TableName {
  /** Absolute. */
  readonly path: string
}

/**
 * The table that a directory belongs to: its own one, one of its indexes', or one of its snapshots or backups. Up to 2.0
 * there is no id in a table's directory; then keyspace and table are what stands where they would.
 * @param directory absolute
 */
export function tableAt(directory: string): TableDirectory {
  const segments = directory.split('/')
  for (let end = 3; end <= segments.length; end++) {
    const name = tableOfUnit(segments.slice(end - 2, end).join('/'))
    if (name !== undefined) return { ...name, path: segments.slice(0, end).join('/') }
  }
  const path = tableOf(directory)
  return { keyspace: basename(dirname(path)), table: basename(path), path }
}

/** Whether a table is one of these: `<keyspace>.<table>`, or with `-<id>` as its directory has it. */
export function namesTable(tables: readonly string[], { keyspace, table, path }: TableDirectory): boolean {
  return tables.includes(`${keyspace}.${table}`) || tables.includes(`${keyspace}.${basename(path)}`)
}

/** Which directories a restore is about: those of the keyspaces and of the tables that are named; all, if none is. */
export function wantedBy({ keyspaces, tables }: TableFilter): (directory: string) => boolean {
  if (keyspaces.length + tables.length === 0) return () => true
  return directory => {
    const table = tableAt(directory)
    return keyspaces.includes(table.keyspace) || namesTable(tables, table)
  }
}

/** The table's own directory, of one that may be its index's, its backups' or a snapshot's. */
export function tableOf(directory: string): string {
  let path = directory
  if (basename(path).startsWith('.')) path = dirname(path)
  if (isHardlinks(path)) path = dirname(basename(path) === BACKUPS ? path : dirname(path))
  return path
}

/** Whether a directory holds Cassandra's hardlinks (backups/, snapshots/<tag>/) and not what it reads. */
export function isHardlinks(directory: string): boolean {
  const path = basename(directory).startsWith('.') ? dirname(directory) : directory
  if (basename(path) === BACKUPS) return true
  // A keyspace may be called snapshots; its tables have their id in the name.
  return basename(dirname(path)) === SNAPSHOTS && !/-[0-9a-f]{32}$/.test(basename(path))
}
