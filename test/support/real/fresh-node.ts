import { mkdirSync, renameSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { Cassandra, type CassandraOptions } from './cassandra.js'
import type { Result, Tablesnap } from './tablesnap.js'

/**
 * Restores a whole node into the empty data directories of another one, which is not started.
 * @param origins the data directories that were backed up
 * @param flags more arguments of the restore, such as --at
 */
export async function restoreFreshNode(
  tablesnap: Tablesnap,
  origins: readonly string[],
  options: CassandraOptions,
  flags: readonly string[] = [],
): Promise<{ node: Cassandra; result: Result }> {
  const node = await Cassandra.create({ ...options, dataDirectories: origins.length })
  const target = join(options.home, 'restored')
  mkdirSync(target)
  const result = await tablesnap.succeed('-D', ...flags, 'backup', target)
  for (const [index, origin] of origins.entries()) {
    const own = node.dataDirectories[index] ?? ''
    rmdirSync(own)
    renameSync(join(target, origin), own)
  }
  return { node, result }
}
