import { basename, dirname } from 'node:path'

import { SNAPSHOTS } from './names.js'

/** A table's own directory since 2.1: its name, and its id without hyphens. */
const TABLE = /^([^/]+)-[0-9a-f]{32}$/

/** A table as Cassandra names it. */
export interface TableName {
  readonly keyspace: string
  readonly table: string
}

/**
 * The unit that a directory belongs to: that of a table's directory, in whichever data directory it lies, and of its
 * secondary indexes' below it is `<keyspace>/<table>-<id>`; every other directory is one of its own, named by its path
 * without the first slash (`/` itself is `/`).
 * @param directory absolute, without a trailing slash
 */
export function unitOf(directory: string): string {
  const table = basename(directory).startsWith('.') ? dirname(directory) : directory
  const above = dirname(table)
  const keyspace = basename(above)
  // A snapshot's tag may look like a table's directory.
  const isCopy = keyspace === SNAPSHOTS && TABLE.test(basename(dirname(above)))
  if (keyspace !== '' && !isCopy && TABLE.test(basename(table))) return `${keyspace}/${basename(table)}`
  return directory.replace(/^(?!\/$)\/+/, '')
}

/** The secondary index whose SSTables a table's directory holds (`.idx`); '' for the table's own, or no table's. */
export function indexOf(directory: string): string {
  const name = basename(directory)
  return name.startsWith('.') && tableOfUnit(unitOf(directory)) !== undefined ? name : ''
}

/** The table that a unit is; undefined when it is another directory. @param unit by {@link unitOf} */
export function tableOfUnit(unit: string): TableName | undefined {
  const [keyspace = '', name = '', ...more] = unit.split('/')
  const [, table] = TABLE.exec(name) ?? []
  return table === undefined || keyspace === '' || more.length > 0 ? undefined : { keyspace, table }
}
