import { basename, dirname } from 'node:path'

import type { TableFilter } from '../config/config.js'
import { tableOfUnit, type TableName } from '../sstable/unit.js'

import { tableOf } from './file-system.js'

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
