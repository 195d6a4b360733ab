import { tableAt, wantedBy } from '../../cassandra/table-directory.js'
import type { Config } from '../../config/config.js'
import { TablesnapError } from '../../errors.js'
import type { RestoreDeps } from '../deps.js'
import { readCatalog, type Catalog } from '../read/catalog.js'
import { nothingFound } from '../read/nodes.js'
import { nothingAsOld, select, takesStates } from '../read/scope.js'

import { readMoments, type Moments } from './moments.js'
import { readUnits, type UnitMoments } from './unit-moments.js'

/** Tables shown of many. */
const SHOWN = 10

/** The objects in the bucket that are to be restored. */
export interface BucketContent {
  readonly catalog: Catalog
  readonly units: UnitMoments
  readonly moments: Moments
}

/**
 * Reads from the bucket what is to be restored.
 * @throws S3Error
 * @throws TablesnapError `NOTHING_FOUND`, which names the nodes or the tables that the bucket has; `LISTING_MISSING`,
 * `MOMENT_MISSING`, `STATE_CORRUPT`, `LISTING_CORRUPT`
 */
export async function readBucket(config: Config, deps: RestoreDeps): Promise<BucketContent> {
  const { client, log, signal, scope } = deps
  const { name } = deps.node
  const { prefix, separator, at, all } = config
  const versions = takesStates(scope)
  const origin = scope?.origin
  const source = { client, prefix, name, separator, origin, versions, until: at, log, signal }
  const everything = await readCatalog(source)
  const named = namedOf(everything, config)
  const units = await readUnits(config, deps, named)
  const known = units.found.size + units.later.size + named.directories.size + named.refused.length
  if (known === 0 && everything.directories.size > 0 && named !== everything)
    throw nothingNamed(config, name, everything)
  if (scope === undefined && known === 0) throw await nothingFound(source)
  const catalog = scope === undefined ? named : await select(named, scope, source, units, all)
  const moments = await readMoments(config, deps, { catalog, units, source })
  if (moments.later.length > 0 && moments.later.length === moments.directories.size)
    throw nothingAsOld(origin ?? name, at)
  return { catalog, units, moments }
}

/** The part of a catalog that --keyspace and --table leave; which objects there are, they do not change. */
export function namedOf(catalog: Catalog, { only }: Config): Catalog {
  if (only.keyspaces.length + only.tables.length === 0) return catalog
  const wanted = wantedBy(only)
  const directories = [...catalog.directories].filter(([path]) => wanted(path))
  return { ...catalog, directories: new Map(directories), refused: [] }
}

/** The error of --keyspace and --table that name nothing; it says what tables there are. */
export function nothingNamed({ only }: Config, name: string, { directories }: Catalog): TablesnapError {
  const tables = new Set<string>()
  for (const path of directories.keys()) {
    const { keyspace, table } = tableAt(path)
    tables.add(`${keyspace}.${table}`)
  }
  const shown = [...tables].slice(0, SHOWN).join(', ')
  const more = tables.size > SHOWN ? ', …' : ''
  return new TablesnapError({
    code: 'NOTHING_FOUND',
    message: `there is nothing of ${[...only.keyspaces, ...only.tables].join(', ')} of ${name}; there are ${shown}${more}`,
    step: { operation: 'restore' },
  })
}
