import { join } from 'node:path'

import { unitOf } from '../../cassandra/unit.js'
import { eachOf } from '../../concurrency.js'
import type { Config } from '../../config/config.js'
import { readForeignListing, readListing } from '../../manifest/listing-reader.js'
import type { RestoreDeps } from '../deps.js'
import { iso } from '../lines.js'
import {
  emptyDirectory,
  withNewest,
  type Catalog,
  type CatalogDirectory,
  type CatalogSource,
} from '../read/catalog.js'
import { momentOf, type MomentSet } from '../read/moment.js'

import type { UnitMoments } from './unit-moments.js'

/** Listings fetched at once. */
const FETCHES = 8

/** A directory at the restored moment. */
export interface DirectoryMoment {
  readonly sets: readonly MomentSet[]
  /** When its listing was written, ms since 1970; undefined where a unit's state or no moment speaks of it. */
  readonly listed: number | undefined
  /** The unit whose state speaks of it. */
  readonly unit: string | undefined
}

/** The contents of a restore. */
export interface Moments {
  /** In the order of the keys. */
  readonly directories: ReadonlyMap<string, DirectoryMoment>
  /** Directories that have nothing as old as is asked for. */
  readonly later: readonly string[]
}

/**
 * What is to be restored of every directory: what its unit's state names; or its newest listing, where there is no state
 * or an older one and the listing is the original's; or with `--all`, and where there is neither, every object.
 * @param catalog of what is asked for
 * @throws S3Error; TablesnapError `LISTING_CORRUPT`
 */
export async function readMoments(
  config: Config,
  { client, log, signal, scope }: RestoreDeps,
  { catalog, units, source }: { catalog: Catalog; units: UnitMoments; source: CatalogSource },
): Promise<Moments> {
  const { at, all } = config
  const paths = new Set(catalog.directories.keys())
  for (const { sets } of units.found.values()) for (const path of sets.keys()) paths.add(path)
  const moments = new Map<string, DirectoryMoment>([...paths].map(path => [path, NOTHING]))
  const later: string[] = []
  const listed = (directory: CatalogDirectory, names: ReadonlySet<string> | undefined): DirectoryMoment => {
    const isDirectory = (name: string) => catalog.parents.has(join(directory.path, name))
    // The original knows the plain keys only, and tableslurp takes what it took.
    const files = scope === undefined ? withNewest(directory, source) : directory
    const sets = momentOf(files, { names, isDirectory, everything: all }, log)
    const listing = names === undefined ? undefined : directory.listing?.lastModified
    return { sets, listed: listing, unit: undefined }
  }
  await eachOf(paths, FETCHES, async path => {
    const directory = catalog.directories.get(path) ?? emptyDirectory(path)
    const unit = units.found.get(unitOf(path))
    if (unit !== undefined) {
      // The state of one file is asked for, not the newest.
      const newer =
        typeof scope?.take === 'object'
          ? undefined
          : await readForeignListing(client, directory, { from: unit.newest, to: at }, signal)
      if (newer === undefined) {
        moments.set(path, { sets: unit.sets.get(path) ?? [], listed: undefined, unit: unit.unit })
        return
      }
      log.warn(
        `${path}: listing ${newer.listing.key} is the Python program's and newer than the newest state, of ` +
          `${iso(unit.newest)}: tablesnap restores the files that it names`,
      )
      moments.set(path, listed({ ...directory, listing: newer.listing }, newer.names))
      return
    }
    const { listing, listings } = directory
    if (!all && listing === undefined && (listings.size > 0 || units.later.has(unitOf(path)))) {
      later.push(path)
      return
    }
    const names = all || listing === undefined ? undefined : await readListing(client, listing, path, signal)
    if (at !== undefined && names === undefined && directory.files.size > 0)
      log.warn(
        `${path} has neither a manifest nor an upstream listing: tablesnap restores all of its objects`,
      )
    moments.set(path, listed(directory, names))
  })
  return { directories: moments, later }
}

const NOTHING: DirectoryMoment = { sets: [], listed: undefined, unit: undefined }
