import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { files } from './tree.js'

/** SSTables on a node's disk: their components by path without the component. */
export type LiveSets = ReadonlyMap<string, readonly string[]>

/** Which directories count. */
export interface LiveOptions {
  readonly snapshots?: boolean
  readonly backups?: boolean
  /** Keyspaces that are left out. */
  readonly except?: readonly string[]
}

const COMPONENT = /^([a-z]{2}-[^-]+-[a-z]+)-(.+)$/

/** What is complete and live below the data directories; undefined while a transaction is open, as nobody can say then. */
export function liveSets(
  dataDirectories: readonly string[],
  options: LiveOptions = {},
): LiveSets | undefined {
  const found = new Map<string, string[]>()
  for (const data of dataDirectories) {
    for (const file of files(data)) {
      const below = file.slice(data.length + 1).split('/')
      if (options.except?.includes(below[0] ?? '') === true) continue
      if (below.some(name => name.startsWith('.tablesnap-'))) continue
      if (below.includes('snapshots') && options.snapshots !== true) continue
      if (below.includes('backups') && options.backups !== true) continue
      if (basename(file).includes('_txn_')) return undefined
      const [, set, component] = COMPONENT.exec(basename(file)) ?? []
      if (set === undefined || component === undefined || component.endsWith('.tmp')) continue
      const path = join(dirname(file), set)
      found.set(path, [...(found.get(path) ?? []), component])
    }
  }
  return found
}

/** The directories of a table, one in each data directory that has one: the newest of its name. */
export function tableDirectories(
  dataDirectories: readonly string[],
  keyspace: string,
  table: string,
): string[] {
  const all = dataDirectories.flatMap(data => {
    const parent = join(data, keyspace)
    return readdirSync(parent)
      .filter(name => name.slice(0, -33) === table)
      .map(name => join(parent, name))
  })
  const newest = all.toSorted((a, b) => statSync(b).birthtimeMs - statSync(a).birthtimeMs)[0]
  if (newest === undefined) throw new Error(`no directory of ${keyspace}.${table}`)
  return all.filter(path => basename(path) === basename(newest))
}
