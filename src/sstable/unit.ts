import { basename, dirname } from 'node:path'

/** A table's directory since 2.1: `<table>-<id>`, the id without its hyphens. */
const TABLE = /^.+-[0-9a-f]{32}$/

/** What a directory is part of. */
export interface UnitOf {
  /** `<ks>/<table>-<id>` over all data directories; of any other directory its path without the first slash. */
  readonly name: string
  /** Whether it is a table. */
  readonly table: boolean
  /** The secondary index of the table that the directory holds (`.idx`), or ''. */
  readonly index: string
}

/** The unit that a directory belongs to. @param directory absolute */
export function unitOf(directory: string): UnitOf {
  const name = basename(directory)
  const index = name.startsWith('.') ? name : ''
  const table = index === '' ? directory : dirname(directory)
  const keyspace = basename(dirname(table))
  if (TABLE.test(basename(table)) && keyspace !== '') {
    return { name: `${keyspace}/${basename(table)}`, table: true, index }
  }
  return { name: directory.replace(/^\/+/, '') || '.', table: false, index: '' }
}
