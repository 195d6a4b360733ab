import { join } from 'node:path'

import { tableOfUnit } from '../sstable/unit.js'

import type { Catalog } from './catalog.js'
import { unfit, type Refusal } from './key-path.js'
import type { MomentSet } from './moment.js'
import type { Moments } from './moments.js'
import { localOf, type Scope } from './scope.js'
import type { Target, TargetDirectory } from './target.js'

/** A directory with the sets that come into it. */
export interface Place {
  /** Absolute, as on the node the objects came from. */
  readonly origin: string
  readonly directory: TargetDirectory
  readonly sets: readonly MomentSet[]
  /** Places that are complete together have the same. */
  readonly group: string
  /** Whether its moment speaks for all SSTables of a table, also if there are none. */
  readonly table: boolean
}

/** Finds where sets come to lie; what cannot lie there is refused, set by set. @param brings whether a set is to come */
export async function placeSets(
  catalog: Catalog,
  moments: Moments,
  target: Target,
  { scope, brings }: { scope: Scope | undefined; brings: (set: MomentSet) => boolean },
): Promise<{ places: Place[]; refused: Refusal[] }> {
  const places: Place[] = []
  const refused = [...catalog.refused]
  for (const [origin, { sets: all, unit }] of moments.directories) {
    const directory = await target.place(localOf(origin, scope))
    const sets: MomentSet[] = []
    for (const set of all.filter(brings)) {
      const reason = typeof directory === 'string' ? directory : reasonAgainst(catalog, set, directory.path)
      if (reason === undefined) sets.push(set)
      else refused.push(...set.files.map(({ key }) => ({ key, reason })))
    }
    const table = unit !== undefined && tableOfUnit(unit) !== undefined
    if (typeof directory !== 'string' && (sets.length > 0 || table))
      places.push({ origin, directory, sets, group: unit ?? origin, table })
  }
  return { places, refused }
}

/** Why a set cannot lie in its directory. */
function reasonAgainst(catalog: Catalog, set: MomentSet, directory: string): string | undefined {
  for (const { name } of set.files) {
    const reason = unfit(directory, name)
    if (reason !== undefined) return reason
    if (catalog.directories.has(join(set.directory, name)))
      return 'there are other keys below it: it cannot be a file as well'
  }
  return undefined
}
