import { basename } from 'node:path'

import { parseComponent } from '../../cassandra/names.js'
import { isHardlinks } from '../../cassandra/table-directory.js'
import { tableOfUnit, unitOf, type TableName } from '../../cassandra/unit.js'
import { shellWord } from '../../config/command-line.js'
import type { Config } from '../../config/config.js'
import type { Logger } from '../../report/logger.js'
import { limited } from '../lines.js'
import type { PlannedSet, RestorePlan } from '../plan/restore-plan.js'

/** Keyspaces with which a node has its tokens and its schema. */
const SYSTEM = ['system', 'system_schema'] as const

/** SSTables' ids since 4.1, where a node is told to use them. */
const UUID_ID = /^[0-9a-z]{4}_[0-9a-z]{4}_/

/** A directory that got SSTables which Cassandra is to read. */
interface Restored extends TableName {
  readonly path: string
  /** Whether it is where the node had it, or where it was mapped to. */
  readonly meant: boolean
}

/** Tells what is left to do for secondary indexes: they and their tables are flushed in different transactions. */
export function reportIndexes({ sets }: RestorePlan, log: Logger): void {
  const tables = new Map<string, Set<string>>()
  for (const { origin } of sets) {
    const unit = unitOf(origin)
    if (!isIndex(unit, origin)) continue
    const indexes = tables.get(unit) ?? new Set<string>()
    tables.set(unit, indexes.add(basename(origin).slice(1)))
  }
  for (const [unit, indexes] of tables) {
    const { keyspace = '', table = '' } = tableOfUnit(unit) ?? {}
    log.info(
      `Once Cassandra runs, rebuild the secondary indexes: ${nodetool('rebuild_index', keyspace, table, ...[...indexes].sort())}`,
    )
  }
}

/** Tells by which commands Cassandra comes to read what was restored. */
export function reportNext({ sets }: RestorePlan, config: Config, log: Logger): void {
  const restored = restoredIn(sets, config)
  if (restored.length === 0) return
  if (sets.some(({ name }) => UUID_ID.test(parseComponent(`${name}-Data.db`)?.generation ?? ''))) {
    log.info(
      'Cassandra starts with these SSTables only where cassandra.yaml has uuid_sstable_identifiers_enabled: true',
    )
  }
  const keyspaces = new Set(restored.map(({ keyspace }) => keyspace))
  if (SYSTEM.every(keyspace => keyspaces.has(keyspace))) {
    log.info(
      'Next: start Cassandra on what was restored; it takes its tokens and its schema from the system keyspaces',
    )
    return
  }
  const [here, elsewhere] = [restored.filter(({ meant }) => meant), restored.filter(({ meant }) => !meant)]
  if (here.length > 0) log.info('Next: start Cassandra; or where it runs, with the tables in its schema:')
  const refreshes = new Set(here.map(({ keyspace, table }) => nodetool('refresh', keyspace, table)))
  for (const line of limited([...refreshes], log, 'tables are to be loaded')) log.info(`  ${line}`)
  if (elsewhere.length > 0) log.info('Next, where Cassandra runs with the tables in its schema:')
  for (const { keyspace, table, path } of limited(elsewhere, log, 'directories are to be imported'))
    log.info(`  ${nodetool('import', '--copy-data', keyspace, table, path)}`)
}

function restoredIn(sets: readonly PlannedSet[], config: Config): Restored[] {
  const restored = new Map<string, Restored>()
  for (const { name, origin, directory, files } of sets) {
    const unit = unitOf(origin)
    const table = tableOfUnit(unit)
    const isData = files.some(file => file.name === `${name}-Data.db`)
    if (table === undefined || !isData || isIndex(unit, origin) || isHardlinks(origin)) continue
    const { path } = directory
    const mapped = config.mapPaths.length + config.mapTables.length > 0
    const shaped = tableOfUnit(unitOf(path))?.table === table.table
    restored.set(path, { ...table, path, meant: path === origin || (mapped && shaped) })
  }
  return [...restored.values()]
}

/** Whether a directory is that of a table's secondary index. */
function isIndex(unit: string, directory: string): boolean {
  return tableOfUnit(unit) !== undefined && basename(directory).startsWith('.')
}

function nodetool(...words: readonly string[]): string {
  return ['nodetool', ...words].map(shellWord).join(' ')
}
