import { dirname, join, relative } from 'node:path'

import { LISTING_SUFFIX } from '../../bucket-names.js'
import { SEGMENT } from '../../cassandra/commit-log.js'
import { parseComponent } from '../../cassandra/names.js'
import { unitOf } from '../../cassandra/unit.js'
import { TablesnapError } from '../../errors.js'
import { parseKeyPath } from '../../manifest/key-path.js'
import { KeyLayout } from '../../manifest/keys.js'
import { States } from '../../manifest/states.js'
import { listObjects } from '../../s3/list.js'
import { iso } from '../lines.js'

import { emptyDirectory, rootOf, type Catalog, type CatalogDirectory, type CatalogSource } from './catalog.js'
import { nothingFound } from './nodes.js'

/** A part of what a node has in the bucket. */
export interface Scope {
  /** The directory that comes to lie at the target; absolute, as on the node the objects came from. */
  readonly origin: string
  /**
   * `newest`: the origin's newest state, or what its newest listing names; `{ listing }`: what its listing named after that
   * file names, or where that is ours or there is none the state with which the file came; `below`: the newest states or listings of the origin and of every directory below it; `commitlogs`: its
   * commitlog segments.
   */
  readonly take: 'newest' | 'below' | 'commitlogs' | { readonly listing: string }
}

/** Names shown of many. */
const SHOWN = 10

/** The new place of a directory of the original node, as a path below the target. */
export function localOf(directory: string, scope: Scope | undefined): string {
  return scope === undefined ? directory : join('/', relative(scope.origin, directory))
}

/** Whether a directory is asked for. */
export function scopeHolds(scope: Scope | undefined, directory: string): boolean {
  if (scope === undefined || directory === scope.origin) return true
  return scope.take === 'below' && directory.startsWith(join(scope.origin, '/'))
}

/** Whether states may say what is restored: not of the commitlog, of which all is asked for. */
export function takesStates(scope: Scope | undefined): boolean {
  return scope?.take !== 'commitlogs'
}

/** The knowledge about a directory's table from its manifests. */
export interface KnownUnits {
  /** Units with a state that may count; their directories that are asked for. */
  readonly found: ReadonlyMap<string, { readonly sets: ReadonlyMap<string, unknown> }>
  /** Units whose states are all later than asked for. */
  readonly later: ReadonlySet<string>
}

/**
 * The part of a catalog that a restore is about.
 * @param catalog of the origin and all below it
 * @param all whether every object is asked for, whatever names it
 * @throws TablesnapError `LISTING_MISSING`, which names the listings near by, `NOTHING_FOUND`, `MOMENT_MISSING`
 */
export async function select(
  catalog: Catalog,
  scope: Scope,
  source: CatalogSource,
  units: KnownUnits,
  all: boolean,
): Promise<Catalog> {
  const { origin, take } = scope
  if (take === 'below') return all ? catalog : below(catalog, scope, source, units)
  const directory = catalog.directories.get(origin)
  const unit = units.found.get(unitOf(origin))
  const found = directory === undefined ? undefined : pick(directory, take)
  const everything = all && take === 'newest' ? directory : undefined
  const chosen =
    everything ??
    found ??
    (unit?.sets.has(origin) === true ? (directory ?? emptyDirectory(origin)) : undefined)
  if (chosen === undefined) {
    if (take === 'newest' && isLater(origin, directory, units)) throw nothingAsOld(origin, source.until)
    throw await missing(scope, directory, source)
  }
  return { ...catalog, directories: new Map([[origin, chosen]]), refused: [] }
}

function isLater(path: string, directory: CatalogDirectory | undefined, { later }: KnownUnits): boolean {
  return (directory?.listings.size ?? 0) > 0 || later.has(unitOf(path))
}

/** The error of a time before all that the bucket has. @param until ms since 1970 */
export function nothingAsOld(what: string, until: number | undefined): TablesnapError {
  const time = until === undefined ? 'that' : iso(until)
  return error(
    'MOMENT_MISSING',
    `${what} has no restore point and no upstream listing as old as ${time}: give a later time with --at, and see --list --limit all`,
  )
}

function pick(
  directory: CatalogDirectory,
  take: Exclude<Scope['take'], 'below'>,
): CatalogDirectory | undefined {
  if (take === 'commitlogs') {
    const files = new Map([...directory.files].filter(([name]) => SEGMENT.test(name)))
    return files.size === 0 ? undefined : { ...directory, files, listings: new Map(), listing: undefined }
  }
  const listing = take === 'newest' ? directory.listing : directory.listings.get(take.listing)
  return listing === undefined ? undefined : { ...directory, listing }
}

async function below(
  catalog: Catalog,
  scope: Scope,
  source: CatalogSource,
  units: KnownUnits,
): Promise<Catalog> {
  const directories = new Map<string, CatalogDirectory>()
  const unlisted: string[] = []
  for (const [path, directory] of catalog.directories) {
    if (directory.listings.size > 0 || units.found.has(unitOf(path)) || units.later.has(unitOf(path)))
      directories.set(path, directory)
    else if (hasSSTables(directory)) unlisted.push(path)
    else source.log.info(`Left out ${path}: it has no upstream listing and no SSTables`)
  }
  const stated = [...units.found.values()].some(({ sets }) => sets.size > 0)
  if (directories.size === 0 && !stated) throw await missing(scope, undefined, source)
  return { ...catalog, directories, unlisted }
}

function hasSSTables({ files }: CatalogDirectory): boolean {
  for (const name of files.keys()) if (parseComponent(name)?.component === 'Data.db') return true
  return false
}

/** The error of an origin that has not what was asked for. */
async function missing(
  { origin, take }: Scope,
  directory: CatalogDirectory | undefined,
  source: CatalogSource,
): Promise<TablesnapError> {
  const where = `bucket ${source.client.settings.bucket} (keys ${rootOf(source)}${join(origin, '/')}…)`
  if (take === 'commitlogs') {
    return error('NOTHING_FOUND', `there are no commitlog segments of ${origin} in ${where}`)
  }
  const listings = [...(directory?.listings ?? [])].sort(([, a], [, b]) => b.lastModified - a.lastModified)
  if (typeof take === 'object' && listings.length > 0) {
    const names = shown(listings.map(([name]) => name))
    const message = `there is no listing of ${origin} named after ${take.listing}, and no state that names it; there are listings of ${names}`
    return error('LISTING_MISSING', message)
  }
  const near = await listedNear(origin, source)
  if (near === undefined) return nothingFound(source)
  const what = take === 'below' ? `${origin} or of anything below it` : origin
  const advice = near.some(path => path.startsWith(join(origin, '/')))
    ? '; -r restores all that are below it'
    : ''
  const states = near.length > 0 ? [] : await statesNear(source)
  const hint =
    near.length > 0
      ? `there are those of ${shown(near)}${advice}`
      : states.length > 0
        ? `there are states of ${shown(states)}; -r restores all that are below a directory`
        : `${source.name} has no listings at all: tablesnap -D restores every object`
  return error('LISTING_MISSING', `there is no listing of ${what} in ${where}; ${hint}`)
}

function error(code: string, message: string): TablesnapError {
  return new TablesnapError({ code, message, step: { operation: 'restore' } })
}

/**
 * Directories with a listing, the nearest that there are: paths that begin as `origin` does, its siblings, any.
 * @returns undefined where the node has nothing
 */
async function listedNear(origin: string, source: CatalogSource): Promise<string[] | undefined> {
  const root = rootOf(source)
  let empty = true
  for (const start of new Set([origin, join(dirname(origin), '/'), ''])) {
    const found = new Set<string>()
    for await (const { key } of listObjects(source.client, {
      prefix: `${root}${start}`,
      signal: source.signal,
    })) {
      empty = false
      if (!key.endsWith(LISTING_SUFFIX)) continue
      const place = parseKeyPath(key.slice(root.length))
      if (typeof place !== 'string') found.add(place.directory)
      // One more than is shown tells that there are more.
      if (found.size > SHOWN) break
    }
    if (found.size > 0) return [...found]
  }
  return empty ? undefined : []
}

/** The first of the units that have states; one more than is shown. */
async function statesNear({ client, prefix, name, separator, signal }: CatalogSource): Promise<string[]> {
  const units: string[] = []
  for await (const unit of new States(client, new KeyLayout(prefix, name, separator), signal).units()) {
    units.push(unit)
    if (units.length > SHOWN) break
  }
  return units
}

function shown(names: readonly string[]): string {
  return names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} and others` : names.join(', ')
}
