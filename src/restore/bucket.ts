import type { Config } from '../config/config.js'

import { nothingFound, readCatalog, type Catalog } from './catalog.js'
import type { RestoreDeps } from './deps.js'
import { readMoments, type Moments } from './moments.js'
import { nothingAsOld, select, takesStates } from './scope.js'
import { readUnits, type UnitMoments } from './unit-moments.js'

/** What the bucket has of what is to be restored. */
export interface BucketContent {
  readonly catalog: Catalog
  readonly units: UnitMoments
  readonly moments: Moments
}

/**
 * Reads from the bucket what is to be restored.
 * @throws S3Error
 * @throws TablesnapError `NOTHING_FOUND`, which names the nodes that the bucket has; `LISTING_MISSING`, `MOMENT_MISSING`,
 * `STATE_CORRUPT`, `LISTING_CORRUPT`
 */
export async function readBucket(config: Config, deps: RestoreDeps): Promise<BucketContent> {
  const { client, name, log, signal, scope } = deps
  const { prefix, separator, at } = config
  const versions = takesStates(scope)
  const origin = scope?.origin
  const source = { client, prefix, name, separator, origin, versions, until: at, log, signal }
  const everything = await readCatalog(source)
  const units = await readUnits(config, deps, everything)
  const known = units.found.size + units.later.size + everything.directories.size + everything.refused.length
  if (scope === undefined && known === 0) throw await nothingFound(source)
  const catalog = scope === undefined ? everything : await select(everything, scope, source, units)
  const moments = await readMoments(config, deps, { catalog, units, source })
  if (moments.later.length > 0 && moments.later.length === moments.directories.size)
    throw nothingAsOld(origin ?? name, at)
  return { catalog, units, moments }
}
