import { join } from 'node:path'

import { wantedBy } from '../../cassandra/table-directory.js'
import { unitOf } from '../../cassandra/unit.js'
import { backupLine } from '../../config/command-line.js'
import type { Config } from '../../config/config.js'
import { KeyLayout, type StateKey } from '../../manifest/keys.js'
import type { ManifestKind } from '../../manifest/manifest-facts.js'
import { timeOf } from '../../manifest/ranked.js'
import { States } from '../../manifest/states.js'
import type { RestoreDeps } from '../deps.js'
import { readCatalog, type CatalogDirectory, type Entry } from '../read/catalog.js'
import { atMoment } from '../read/moment-key.js'
import { nothingFound } from '../read/nodes.js'
import { scopeHolds } from '../read/scope.js'
import { refuseOtherSeparator } from '../read/separator.js'

import { namedOf, nothingNamed } from './bucket.js'
import {
  listedMoment,
  momentOfKey,
  readMoment,
  undatedMoment,
  type ListedMoment,
  type MomentReader,
} from './listed-moment.js'
import { headsOf } from './unit-moments.js'

export type { ListedMoment, MomentStatus } from './listed-moment.js'

/** Units whose newest manifest is read at once. */
const UNITS = 8

/** How long before its manifest a listing of ours is written, at most, ms: to tell it from others costs no request then. */
const BESIDE = 2_000

/** The moments of one unit. */
export interface ListedUnit {
  readonly unit: string
  /** The newest first, as many as were asked for. */
  readonly moments: readonly ListedMoment[]
  /** Restore points that are not among them. */
  readonly more: number
  /** All restore points by what their keys say; `unknown`: of earlier versions, whose keys do not tell. */
  readonly kinds: Readonly<Record<ManifestKind | 'unknown', number>>
  /** Time of the oldest one, ms since 1970. */
  readonly oldest: number | undefined
  /** The line that mends the newest one, where the bucket lacks something of it. */
  readonly mend: string | undefined
}

/** The facts from the keys of a table's manifests. */
interface Keys {
  readonly shown: StateKey[]
  readonly kinds: Record<ManifestKind | 'unknown', number>
  /** When manifests were stored, ms since 1970: as many as there may be listings of ours to tell from others. */
  readonly stored: number[]
  count: number
  oldest: number | undefined
}

/**
 * The moments of what is asked for, unit by unit, of each the newest first: restore points, and the Python program's
 * listings. A LIST tells them, by the keys; only the newest restore point of each unit is read and compared with the
 * objects that there are, and those whose keys are of earlier versions. `at` is the latest time that counts, `since` the
 * earliest, `limit` how many of each unit.
 * @throws S3Error; TablesnapError `SEPARATOR_CHANGED`, `NOTHING_FOUND`, `MOMENT_MISSING`
 */
export async function* listUnits(asked: Config, deps: RestoreDeps): AsyncGenerator<ListedUnit> {
  await refuseOtherSeparator(asked, deps)
  const config = await atMoment(asked, deps)
  const { client, log, signal, scope } = deps
  const { name } = deps.node
  const { prefix, separator, at } = config
  const origin = scope?.origin
  const source = { client, prefix, name, separator, origin, versions: true, until: at, log, signal }
  const keys = new KeyLayout(prefix, name, separator)
  const everything = await readCatalog(source)
  const catalog = namedOf(everything, config)
  const reader: MomentReader = { config, deps, catalog, keys, states: new States(client, keys, signal) }
  const units = new Map<string, { directories: CatalogDirectory[]; keys: Keys | undefined }>()
  for await (const [unit, found] of keysOf(reader)) units.set(unit, { directories: [], keys: found })
  for (const [path, directory] of catalog.directories) {
    if (!scopeHolds(scope, path)) continue
    const unit = unitOf(path)
    const known = units.get(unit)
    if (known === undefined) units.set(unit, { directories: [directory], keys: undefined })
    else known.directories.push(directory)
  }
  if (units.size === 0) {
    if (everything.directories.size > 0 && catalog !== everything)
      throw nothingNamed(config, name, everything)
    throw await nothingFound(source)
  }
  const sorted = [...units].sort(([a], [b]) => (a < b ? -1 : 1))
  for (let begin = 0; begin < sorted.length; begin += UNITS) {
    const batch = sorted.slice(begin, begin + UNITS)
    yield* await Promise.all(batch.map(([unit, found]) => listedUnit(reader, unit, found)))
  }
}

/** The moments of {@link listUnits}, one by one. @throws as {@link listUnits} */
export async function* listMoments(config: Config, deps: RestoreDeps): AsyncGenerator<ListedMoment> {
  for await (const { moments } of listUnits(config, deps)) yield* moments
}

/** The manifests of every unit that is asked for. */
async function* keysOf({ config, deps, states }: MomentReader): AsyncGenerator<[string, Keys]> {
  const wanted = wantedBy(config.only)
  const { keyspaces, tables } = config.only
  if (deps.scope === undefined && keyspaces.length + tables.length === 0) {
    for await (const { unit, keys } of states.all()) yield [unit, await gather(config, keys)]
    return
  }
  for (const { unit } of await headsOf(states, deps.scope))
    if (wanted(join('/', unit))) yield [unit, await gather(config, states.keysOf(unit, config.at))]
}

async function gather(config: Config, all: AsyncIterable<StateKey>): Promise<Keys> {
  const { at = Infinity, since = -Infinity, limit = Infinity } = config
  const kinds = { complete: 0, partial: 0, unexplained: 0, unknown: 0 }
  const keys: Keys = { shown: [], kinds, stored: [], count: 0, oldest: undefined }
  for await (const key of all) {
    if (key.time > at || key.time < since) continue
    keys.count++
    kinds[key.facts?.kind ?? 'unknown']++
    keys.oldest = Math.min(keys.oldest ?? Infinity, key.time)
    keys.stored.push(key.stored)
    if (keys.shown.length < limit) keys.shown.push(key)
  }
  return keys
}

async function listedUnit(
  reader: MomentReader,
  unit: string,
  { directories, keys }: { directories: readonly CatalogDirectory[]; keys: Keys | undefined },
): Promise<ListedUnit> {
  const { config, deps } = reader
  const { limit = Infinity } = config
  const listings = listingsOf(config, directories, keys)
  const moments: ListedMoment[] = []
  let mend: string | undefined
  const state = async (key: StateKey): Promise<void> => {
    // Which of a unit's directories a manifest is of, its key does not tell.
    const told = moments.length === 0 || deps.scope !== undefined ? undefined : momentOfKey(key)
    const read = told === undefined ? await readMoment(reader, key) : undefined
    const moment = told ?? read?.moment
    if (moment !== undefined && read !== undefined && moments.length === 0 && read.mend.length > 0)
      mend = backupLine(config, deps.node.name, read.mend)
    if (moment !== undefined) moments.push(moment)
  }
  const waiting = [...(keys?.shown ?? [])]
  while (moments.length < limit) {
    const [key, next] = [waiting[0], listings[0]]
    if (next !== undefined && (key === undefined || next.listing.lastModified > timeOf(key))) {
      listings.shift()
      const moment = await listedMoment(reader, unit, next.directory, next.listing, keys !== undefined)
      if (moment !== undefined) moments.push(moment)
    } else if (key !== undefined) {
      waiting.shift()
      await state(key)
    } else break
  }
  const shown = (keys?.shown.length ?? 0) - waiting.length
  if (keys === undefined) {
    for (const directory of directories)
      if (directory.listings.size === 0 && directory.files.size > 0)
        moments.push(undatedMoment(unit, directory))
  }
  const kinds = keys?.kinds ?? { complete: 0, partial: 0, unexplained: 0, unknown: 0 }
  const more = (keys?.count ?? 0) - shown + listings.length
  return { unit, moments, more, kinds, oldest: keys?.oldest, mend }
}

/** Listings of a unit that may be the Python program's, the newest first. */
function listingsOf(
  { at = Infinity, since = -Infinity }: Config,
  directories: readonly CatalogDirectory[],
  keys: Keys | undefined,
): { directory: CatalogDirectory; listing: Entry }[] {
  const stored = [...(keys?.stored ?? [])].sort((a, b) => a - b)
  const isBeside = (time: number): boolean => {
    const next = stored[lowerBound(stored, time)]
    return next !== undefined && next <= time + BESIDE
  }
  return directories
    .flatMap(directory => [...directory.listings.values()].map(listing => ({ directory, listing })))
    .filter(({ listing: { lastModified } }) => lastModified <= at && lastModified >= since)
    .filter(({ listing }) => !isBeside(listing.lastModified))
    .sort(
      (a, b) => b.listing.lastModified - a.listing.lastModified || (a.listing.key < b.listing.key ? 1 : -1),
    )
}

/** The place of the first number that is not less. @param sorted the least first */
function lowerBound(sorted: readonly number[], value: number): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((sorted[middle] ?? Infinity) < value) from = middle + 1
    else to = middle
  }
  return from
}
