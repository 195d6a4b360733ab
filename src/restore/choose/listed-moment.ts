import { dirname, join } from 'node:path'

import type { Config } from '../../config/config.js'
import { TablesnapError, errorMessage } from '../../errors.js'
import type { KeyLayout, StateKey } from '../../manifest/keys.js'
import { readListingWithOwner } from '../../manifest/listing-reader.js'
import { isAhead } from '../../manifest/ranked.js'
import type { States } from '../../manifest/states.js'
import type { Logger } from '../../report/logger.js'
import type { RestoreDeps } from '../deps.js'
import { isArchive } from '../read/archived.js'
import type { Catalog, CatalogDirectory, Entry } from '../read/catalog.js'
import { momentOf, type MomentSet } from '../read/moment.js'
import { scopeHolds } from '../read/scope.js'
import { setsOf } from '../read/state-sets.js'

/**
 * What a restore of a moment would be: `complete`; `partial`: files were not in the bucket, or are named by a listing and are
 * not; `unexplained`: SSTables had vanished; `damaged`: the bucket lacks what a manifest promises; `unreadable`: the manifest
 * or the listing itself; `undated`: objects without either.
 */
export type MomentStatus = 'complete' | 'partial' | 'unexplained' | 'damaged' | 'unreadable' | 'undated'

/** A moment that can be restored, or why it cannot. */
export interface ListedMoment {
  readonly unit: string
  /** Of a listing, and of objects without one: where they are of; a manifest is of all of the unit's directories. */
  readonly directory: string | undefined
  /** Of the manifest or the listing. */
  readonly key: string | undefined
  /** ms since 1970; undefined for objects without a manifest or a listing. */
  readonly time: number | undefined
  readonly status: MomentStatus
  /** SSTables, and files that belong to none, that would come whole; of one that was not checked, all that it names. */
  readonly sets: number
  /** Of those. */
  readonly bytes: number
  /** Objects that are missing or of the wrong size, and SSTables and files that never were in the bucket; undefined: not checked. */
  readonly missing: number | undefined
  /** Whether it was compared with the objects in the bucket; else it is what its key says. */
  readonly checked: boolean
  /** Its time was in the future when the bucket got it: the clock of its node was wrong. */
  readonly future?: true
  /** Objects of it that S3 has archived, by their storage class. */
  readonly archived?: number
  /** Why it is unreadable. */
  readonly reason?: string
}

/** The resources for reading the restore points of a table. */
export interface MomentReader {
  readonly config: Config
  readonly deps: RestoreDeps
  readonly catalog: Catalog
  readonly keys: KeyLayout
  readonly states: States
}

/** A moment with the paths that a new backup would mend it by. */
export interface MendableMoment {
  readonly moment: ListedMoment
  readonly mend: readonly string[]
}

/** Reading a moment tells of every file what a restore would do with it: not here. */
const QUIET: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** The restore point that a manifest's key describes; undefined if the key has no facts. */
export function momentOfKey(one: StateKey): ListedMoment | undefined {
  const { unit, key, time, facts } = one
  if (facts === undefined) return undefined
  const { kind, sets, files, bytes } = facts
  const about = { unit, directory: undefined, key, time, ...(isAhead(one) ? { future: true as const } : {}) }
  return { ...about, status: kind, sets: sets + files, bytes, missing: undefined, checked: false }
}

/**
 * Reads a manifest, and compares it with the objects that there are.
 * @returns undefined for one of directories that are not asked for
 * @throws S3Error
 */
export async function readMoment(
  { deps, catalog, keys, states }: MomentReader,
  one: StateKey,
): Promise<MendableMoment | undefined> {
  const { client, scope, signal } = deps
  const { key, unit, time } = one
  const future = isAhead(one) ? { future: true as const } : {}
  const about = { unit, directory: undefined, key, time, ...future }
  try {
    const state = await states.read(key)
    const wanted = (directory: string): boolean => scopeHolds(scope, directory)
    const complete = scope === undefined
    const byDirectory = await setsOf(state, { key, client, keys, catalog, wanted, complete, signal })
    const isAsked = byDirectory.size > 0 || [...state.directories.keys()].some(wanted)
    if (scope !== undefined && !isAsked) return undefined
    const sets = [...byDirectory.values()].flat()
    const asked = (path: string): boolean => wanted(dirname(path))
    const unprotected = state.unprotected.filter(asked)
    const unexplained = state.unexplained.filter(asked)
    const damaged = sets.filter(set => set.missing.length > 0)
    const lost = damaged.flatMap(set => set.missing).length
    const status =
      unexplained.length > 0
        ? 'unexplained'
        : unprotected.length > 0
          ? 'partial'
          : lost > 0
            ? 'damaged'
            : 'complete'
    const missing = lost + unprotected.length + unexplained.length
    const frozen = sets.flatMap(({ files }) => files).filter(file => isArchive(file.storageClass)).length
    const archived = frozen === 0 ? {} : { archived: frozen }
    const mend = [...damaged.map(set => join(set.directory, set.name)), ...unprotected]
    return { moment: { ...about, status, ...sumOf(sets), missing, checked: true, ...archived }, mend }
  } catch (error) {
    const directories = [...catalog.directories.keys()].filter(path => directoriesOf(unit, path))
    return { moment: unreadable(about, error), mend: directories.map(path => join(path, '*')) }
  }
}

/** Whether a directory is one of a unit's own: where it lies tells, as long as its manifest cannot be read. */
function directoriesOf(unit: string, path: string): boolean {
  return path === join('/', unit) || path.endsWith(`/${unit}`)
}

/** What a listing of the Python program says. @returns undefined for a listing of ours beside manifests, which say more */
export async function listedMoment(
  { deps, catalog }: MomentReader,
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
    const named = { ...directory, listing }
    const sets = momentOf(named, { names, isDirectory, everything: false }, QUIET)
    const missing = sets.flatMap(set => set.missing).length
    return { ...about, status: missing > 0 ? 'partial' : 'complete', ...sumOf(sets), missing, checked: true }
  } catch (error) {
    return unreadable(about, error)
  }
}

/** The objects of a directory that has neither a manifest nor a listing. */
export function undatedMoment(unit: string, directory: CatalogDirectory): ListedMoment {
  const sets = momentOf(directory, { names: undefined, isDirectory: () => false, everything: true }, QUIET)
  const about = { unit, directory: directory.path, key: undefined, time: undefined }
  return { ...about, status: 'undated', ...sumOf(sets), missing: 0, checked: true }
}

function sumOf(sets: readonly MomentSet[]): Pick<ListedMoment, 'sets' | 'bytes'> {
  const whole = sets.filter(({ whole, files }) => whole && files.length > 0)
  const bytes = whole.reduce((sum, { files }) => sum + files.reduce((part, { size }) => part + size, 0), 0)
  return { sets: whole.length, bytes }
}

function unreadable(
  about: Pick<ListedMoment, 'unit' | 'directory' | 'key' | 'time' | 'future'>,
  error: unknown,
): ListedMoment {
  const corrupt = error instanceof TablesnapError && /^(STATE|LISTING)_CORRUPT$/.test(error.code)
  if (!corrupt) throw error
  const nothing = { sets: 0, bytes: 0, missing: 0, checked: true }
  return { ...about, status: 'unreadable', ...nothing, reason: errorMessage(error) }
}
