import { dirname, join } from 'node:path'

import type { Config } from '../config/config.js'
import { TablesnapError, errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'
import { unitOf } from '../sstable/unit.js'
import { KeyLayout, type StateKey } from '../state/keys.js'
import { States } from '../state/states.js'

import { namedOf, nothingNamed } from './bucket.js'
import { readCatalog, type Catalog, type CatalogDirectory, type Entry } from './catalog.js'
import type { RestoreDeps } from './deps.js'
import { readListingWithOwner } from './listing.js'
import { momentOf, type MomentSet } from './moment.js'
import { atMoment } from './moment-key.js'
import { nothingFound } from './nodes.js'
import { scopeHolds } from './scope.js'
import { eachOf } from './slots.js'
import { setsOf } from './state-sets.js'
import { headsOf } from './unit-moments.js'
import { wantedBy } from './tables.js'

/** States, and listings, read at once. */
const READS = 8

/**
 * What a restore of a moment would be: `complete`; `partial`: sets or files were not in the bucket, or are named by a listing
 * and are not; `unexplained`: sets had vanished; `damaged`: the bucket lacks what a state promises; `unreadable`: the state or
 * the listing itself; `undated`: objects without either.
 */
export type MomentStatus = 'complete' | 'partial' | 'unexplained' | 'damaged' | 'unreadable' | 'undated'

/** A moment that can be restored, or why it cannot. */
export interface ListedMoment {
  readonly unit: string
  /** Of a listing, and of objects without one: where they are of; a state is of all of the unit's directories. */
  readonly directory: string | undefined
  /** Of the state or the listing. */
  readonly key: string | undefined
  /** ms since 1970; undefined for objects without a state or a listing. */
  readonly time: number | undefined
  readonly status: MomentStatus
  /** SSTables, and files that are none's, that would come whole. */
  readonly sets: number
  /** Of those. */
  readonly bytes: number
  /** Objects that are missing or of the wrong size, and sets that never were in the bucket or had vanished. */
  readonly missing: number
  /** Why it is unreadable. */
  readonly reason?: string
}

/** What all moments of a unit are read with. */
interface History {
  readonly config: Config
  readonly deps: RestoreDeps
  readonly catalog: Catalog
  readonly keys: KeyLayout
  readonly states: States
}

/** Reading a moment tells of every file what a restore would do with it: not here. */
const QUIET: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/**
 * The moments of what is asked for, unit by unit, of each the newest first: states, and the Python program's listings. `at`
 * is the latest time that counts.
 * @throws S3Error; TablesnapError `NOTHING_FOUND`, `MOMENT_MISSING`
 */
export async function* listMoments(asked: Config, deps: RestoreDeps): AsyncGenerator<ListedMoment> {
  const config = await atMoment(asked, deps)
  const { client, name, log, signal, scope } = deps
  const { prefix, separator, at } = config
  const origin = scope?.origin
  const source = { client, prefix, name, separator, origin, versions: true, until: at, log, signal }
  const everything = await readCatalog(source)
  const catalog = namedOf(everything, config)
  const keys = new KeyLayout(prefix, name, separator)
  const history: History = { config, deps, catalog, keys, states: new States(client, keys, signal) }
  const wanted = wantedBy(config.only)
  const units = new Map<string, { directories: CatalogDirectory[]; head: StateKey | undefined }>()
  for (const head of await headsOf(history.states, scope))
    if (wanted(join('/', head.unit))) units.set(head.unit, { directories: [], head })
  for (const [path, directory] of catalog.directories) {
    if (!scopeHolds(scope, path)) continue
    const unit = unitOf(path)
    const known = units.get(unit)
    if (known === undefined) units.set(unit, { directories: [directory], head: undefined })
    else known.directories.push(directory)
  }
  if (units.size === 0) {
    if (everything.directories.size > 0 && catalog !== everything)
      throw nothingNamed(config, name, everything)
    throw await nothingFound(source)
  }
  for (const [unit, { directories, head }] of [...units].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const listed = await listedMoments(history, unit, directories, head !== undefined)
    if (head === undefined) yield* listed
    else yield* inSequence(stateMoments(history, unit), listed)
  }
}

/** Two sequences, each the newest first, as one. */
async function* inSequence(
  states: AsyncGenerator<ListedMoment>,
  listed: readonly ListedMoment[],
): AsyncGenerator<ListedMoment> {
  let next = 0
  for await (const moment of states) {
    for (let one = listed[next]; one !== undefined && timeOf(one) > timeOf(moment); one = listed[next]) {
      next++
      yield one
    }
    yield moment
  }
  yield* listed.slice(next)
}

function timeOf({ time }: ListedMoment): number {
  return time ?? 0
}

async function* stateMoments(history: History, unit: string): AsyncGenerator<ListedMoment> {
  let batch: StateKey[] = []
  const read = async (): Promise<ListedMoment[]> => {
    const moments = await Promise.all(batch.map(one => stateMoment(history, one)))
    batch = []
    return moments.filter(moment => moment !== undefined)
  }
  for await (const key of history.states.keysOf(unit, history.config.at)) {
    if (batch.push(key) === READS) yield* await read()
  }
  yield* await read()
}

/** @returns undefined for a state of directories that are not asked for */
async function stateMoment(
  { deps, catalog, keys, states }: History,
  { key, unit, time }: StateKey,
): Promise<ListedMoment | undefined> {
  const { client, scope, signal } = deps
  const about = { unit, directory: undefined, key, time }
  try {
    const state = await states.read(key)
    const wanted = (directory: string): boolean => scopeHolds(scope, directory)
    const byDirectory = await setsOf(state, {
      key,
      client,
      keys,
      catalog,
      wanted,
      complete: scope === undefined,
      signal,
    })
    if (byDirectory.size === 0 && ![...state.directories.keys()].some(wanted)) return undefined
    const sets = [...byDirectory.values()].flat()
    const asked = (path: string): boolean => wanted(dirname(path))
    const unprotected = state.unprotected.filter(asked)
    const unexplained = state.unexplained.filter(asked)
    const lost = sets.flatMap(({ missing }) => missing).length
    const status =
      unexplained.length > 0
        ? 'unexplained'
        : unprotected.length > 0
          ? 'partial'
          : lost > 0
            ? 'damaged'
            : 'complete'
    return { ...about, status, ...sumOf(sets), missing: lost + unprotected.length + unexplained.length }
  } catch (error) {
    return unreadable(about, error)
  }
}

/** What listings say, the newest first; last the directories that have neither a listing nor a state. */
async function listedMoments(
  history: History,
  unit: string,
  directories: readonly CatalogDirectory[],
  stated: boolean,
): Promise<ListedMoment[]> {
  const { at = Infinity } = history.config
  const moments: ListedMoment[] = []
  const listings = directories.flatMap(directory =>
    [...directory.listings.values()].map(listing => ({ directory, listing })),
  )
  const due = listings.filter(({ listing }) => listing.lastModified <= at)
  await eachOf(due, READS, async ({ directory, listing }) => {
    const moment = await listedMoment(history, unit, { ...directory, listing }, listing, stated)
    if (moment !== undefined) moments.push(moment)
  })
  moments.sort((a, b) => timeOf(b) - timeOf(a) || ((a.key ?? '') < (b.key ?? '') ? 1 : -1))
  const bare = stated
    ? []
    : directories.filter(({ listings, files }) => listings.size === 0 && files.size > 0)
  return [
    ...moments,
    ...bare.map((directory): ListedMoment => {
      const sets = momentOf(
        directory,
        { names: undefined, isDirectory: () => false, everything: true },
        QUIET,
      )
      const about = { unit, directory: directory.path, key: undefined, time: undefined }
      return { ...about, status: 'undated', ...sumOf(sets), missing: 0 }
    }),
  ]
}

/** @returns undefined for a listing of ours beside states, which say more */
async function listedMoment(
  { deps, catalog }: History,
  unit: string,
  directory: CatalogDirectory,
  listing: Entry,
  stated: boolean,
): Promise<ListedMoment | undefined> {
  const about = { unit, directory: directory.path, key: listing.key, time: listing.lastModified }
  try {
    const { client, signal } = deps
    const { names, own } = await readListingWithOwner(client, listing, directory.path, signal)
    if (own && stated) return undefined
    const isDirectory = (name: string): boolean => catalog.parents.has(join(directory.path, name))
    const sets = momentOf(directory, { names, isDirectory, everything: false }, QUIET)
    const missing = sets.flatMap(set => set.missing).length
    return { ...about, status: missing > 0 ? 'partial' : 'complete', ...sumOf(sets), missing }
  } catch (error) {
    return unreadable(about, error)
  }
}

function sumOf(sets: readonly MomentSet[]): Pick<ListedMoment, 'sets' | 'bytes'> {
  const whole = sets.filter(({ whole, files }) => whole && files.length > 0)
  const bytes = whole.reduce((sum, { files }) => sum + files.reduce((part, { size }) => part + size, 0), 0)
  return { sets: whole.length, bytes }
}

function unreadable(
  about: Pick<ListedMoment, 'unit' | 'directory' | 'key' | 'time'>,
  error: unknown,
): ListedMoment {
  const corrupt = error instanceof TablesnapError && /^(STATE|LISTING)_CORRUPT$/.test(error.code)
  if (!corrupt) throw error
  return { ...about, status: 'unreadable', sets: 0, bytes: 0, missing: 0, reason: errorMessage(error) }
}
