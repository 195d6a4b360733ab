import { join } from 'node:path'

import type { Config } from '../config/config.js'

import type { Catalog } from './catalog.js'
import type { RestoreDeps } from './deps.js'
import { readListing } from './listing.js'
import { momentOf, type MomentSet } from './moment.js'
import { eachOf } from './slots.js'

/** Listings fetched at once. */
const FETCHES = 8

/**
 * What is to be restored of every directory: what its newest listing names, or with `--all` and where there is no
 * listing every object.
 * @returns by directory, in the order of the keys
 * @throws S3Error; TablesnapError `LISTING_CORRUPT`
 */
export async function readMoments(
  config: Config,
  { client, log, signal }: RestoreDeps,
  catalog: Catalog,
): Promise<ReadonlyMap<string, readonly MomentSet[]>> {
  const moments = new Map<string, MomentSet[]>([...catalog.directories.keys()].map(path => [path, []]))
  await eachOf(catalog.directories.values(), FETCHES, async directory => {
    const { listing, path } = directory
    const listed = !config.all && listing !== undefined
    const names = listed ? await readListing(client, listing, path, log, signal) : undefined
    const isDirectory = (name: string) => catalog.parents.has(join(path, name))
    moments.set(path, momentOf(directory, { names, isDirectory, everything: config.all }, log))
  })
  return moments
}
