import { join } from 'node:path'

import { indexOf, tableOfUnit, unitOf } from '../../cassandra/unit.js'
import { TablesnapError } from '../../errors.js'
import { unfit, type Refusal } from '../../manifest/key-path.js'
import type { DirectoryMoment, Moments } from '../choose/moments.js'
import type { Catalog } from '../read/catalog.js'
import type { MomentSet } from '../read/moment.js'

import type { Mapping } from './mapping.js'
import type { Target, TargetDirectory } from './target.js'

/** A directory with the sets that come into it. */
export interface Place {
  readonly directory: TargetDirectory
  readonly sets: readonly MomentSet[]
  /** The moments of the directories that come together here; of most places there is one. */
  readonly moments: readonly DirectoryMoment[]
  /** Places that are complete together have the same. */
  readonly group: string
  /** Whether its moment speaks for all SSTables of a table, also if there are none. */
  readonly table: boolean
}

/** A place while it is gathered. */
interface Gathered extends Place {
  readonly sets: MomentSet[]
  readonly moments: DirectoryMoment[]
  group: string
  table: boolean
}

/**
 * Finds where sets come to lie; what cannot lie there is refused, set by set.
 * @param brings whether a set is to come
 * @throws TablesnapError `MAP_TABLE_MISSING`, `MAP_TABLE_AMBIGUOUS`, `MAP_COLLISION` for what cannot lie in one directory
 */
export async function placeSets(
  catalog: Catalog,
  moments: Moments,
  target: Target,
  { mapping, brings }: { mapping: Mapping; brings: (set: MomentSet) => boolean },
): Promise<{ places: Place[]; refused: Refusal[] }> {
  const places = new Map<string, Gathered>()
  const refused = [...catalog.refused]
  for (const [origin, moment] of moments.directories) {
    const { sets: all, unit } = moment
    const brought = all.filter(brings)
    // A name that no file system can hold is never looked for.
    const impossible = unfit(join(target.root, origin), 'x')
    if (impossible !== undefined) {
      for (const { files } of brought) refused.push(...files.map(({ key }) => ({ key, reason: impossible })))
      continue
    }
    const local = await mapping.localOf(origin)
    if (local instanceof TablesnapError) {
      if (brought.length > 0) throw local
      continue
    }
    const directory = unfit(join(target.root, local), 'x') ?? (await target.place(local))
    const sets: MomentSet[] = []
    for (const set of brought) {
      const reason = typeof directory === 'string' ? directory : reasonAgainst(catalog, set, directory.path)
      if (reason === undefined) sets.push(set)
      else if (typeof directory !== 'string') refused.push(...set.files.map(({ key }) => ({ key, reason })))
      else refused.push(...set.files.map(({ key }) => ({ key, reason, shared: true as const })))
    }
    const table = unit !== undefined && tableOfUnit(unit) !== undefined
    if (typeof directory === 'string' || (sets.length === 0 && !table)) continue
    const group = unit ?? origin
    const there = places.get(directory.path)
    if (there === undefined) {
      places.set(directory.path, { directory, sets, moments: [moment], group, table })
      continue
    }
    checkTogether(there, sets)
    if (there.sets.length === 0) there.group = group
    there.sets.push(...sets)
    there.moments.push(moment)
    there.table ||= table
  }
  return { places: [...places.values()], refused }
}

/** Whether sets of two directories may lie in one: not of two tables, not of a table and its index, nor two of one name. */
function checkTogether({ directory: { path }, sets }: Gathered, more: readonly MomentSet[]): void {
  const [first, second] = [sets[0], more[0]]
  if (first === undefined || second === undefined) return
  const [one, other] = [unitOf(first.directory), unitOf(second.directory)]
  if (one !== other && (tableOfUnit(one) ?? tableOfUnit(other)) !== undefined) {
    throw collision(
      path,
      `${one} and ${other} are different tables, and both would come to lie in ${path}: leave one of them out, with --table ks.table-<id> of the other`,
    )
  }
  if (indexOf(first.directory) !== indexOf(second.directory)) {
    throw collision(
      path,
      `${pathOf(first)} and ${pathOf(second)} belong to a table and to an index of it, and would both come to lie in ${path}: map them to different directories`,
    )
  }
  const names = new Set(sets.map(({ name }) => name))
  const twice = more.find(({ name }) => names.has(name))
  if (twice !== undefined) {
    throw collision(
      path,
      `${join(first.directory, twice.name)} and ${pathOf(twice)} would both come to lie in ${path}: map them to different directories`,
    )
  }
}

function pathOf({ directory, name }: MomentSet): string {
  return join(directory, name)
}

function collision(path: string, message: string): TablesnapError {
  return new TablesnapError({ code: 'MAP_COLLISION', message, step: { operation: 'restore', path } })
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
