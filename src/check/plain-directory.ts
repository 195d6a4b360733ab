import { LISTING_SUFFIX } from '../bucket-names.js'
import { isOptional, isTemporary, parseComponent } from '../cassandra/names.js'
import { TablesnapError } from '../errors.js'
import { KeySet } from '../manifest/key-set.js'
import { namesInListing } from '../manifest/listing-reader.js'
import { isComplete } from '../retention/listing-points.js'
import { Reads } from '../retention/reads.js'
import type { ListedObject } from '../s3/list.js'

import type { CheckBucket } from './check-bucket.js'
import { Sample } from './finding.js'

/** Listings that are read at once. */
const AT_ONCE = 16

/** A listing of the Python program, as a restore point. */
interface ListingPoint {
  readonly time: number
  /** Whether the bucket has all that Cassandra needs of what it names; undefined: it cannot be read. */
  readonly isWhole: boolean | undefined
  readonly key: string
}

/** A directory in which tablesnap has no restore points, as the LIST shows it. */
export interface PlainSurvey {
  readonly directory: string
  readonly objects: number
  readonly bytes: number
  /** SSTables that have a Data.db. */
  readonly sstables: number
  /** The newest first. */
  readonly listings: readonly ListingPoint[]
  /** Components that the newest listing names and the bucket lacks. */
  readonly lacking: Sample
  readonly orphans: Sample
  readonly archived: Sample
  readonly archive: string | undefined
  readonly below: readonly string[]
}

/**
 * A directory of which only the listings of the Python program tell, or nothing. Memory holds hashes of its files' names and its
 * listings' keys.
 */
export async function surveyPlain(
  bucket: CheckBucket,
  prefix: string,
  directory: string,
  archiveOf: (object: ListedObject) => string | undefined,
): Promise<PlainSurvey> {
  const names = new KeySet()
  const listed: ListedObject[] = []
  const below: string[] = []
  const archived = new Sample()
  let [objects, bytes, sstables] = [0, 0, 0]
  let archive: string | undefined
  for await (const page of bucket.pages({ prefix, delimiter: '/' })) {
    below.push(...page.prefixes)
    for (const object of page.objects) {
      const name = object.key.slice(prefix.length)
      // Consoles keep an empty object where they show a folder.
      if (name === '') continue
      objects++
      bytes += object.size
      const storageClass = archiveOf(object)
      archive ??= storageClass
      if (storageClass !== undefined) archived.add(object.key, object.size)
      if (name.endsWith(LISTING_SUFFIX)) listed.push(object)
      else {
        names.add(name)
        if (parseComponent(name)?.component === 'Data.db' && !isTemporary(name)) sstables++
      }
    }
  }
  // The last key of one second counts, as ever.
  listed.reverse().sort((a, b) => b.lastModified - a.lastModified)
  const named = new KeySet()
  const lacking = new Sample()
  const listings: ListingPoint[] = listed.map(({ key, lastModified }) => ({
    key,
    time: lastModified,
    isWhole: undefined,
  }))
  const reads = new Reads(AT_ONCE)
  for (const [index, { key, lastModified }] of listed.entries())
    await reads.begin(async () => {
      const found = await namesOf(bucket, key, directory)
      if (found === undefined) return
      for (const name of found) named.add(name)
      listings[index] = { key, time: lastModified, isWhole: isComplete(found, names) }
      if (index === 0) for (const name of found) if (isNeeded(name) && !names.has(name)) lacking.add(name)
    })
  await reads.end()
  const orphans =
    listed.length === 0 ? new Sample() : await orphansOf(bucket, prefix, named, listed[0]?.lastModified ?? 0)
  return { directory, objects, bytes, sstables, listings, lacking, orphans, archived, archive, below }
}

/** @returns undefined where it cannot be used */
async function namesOf(
  bucket: CheckBucket,
  key: string,
  directory: string,
): Promise<ReadonlySet<string> | undefined> {
  try {
    const body = await bucket.read(key)
    return body === undefined ? undefined : namesInListing(body, key, directory)
  } catch (error) {
    if (error instanceof TablesnapError && error.code === 'LISTING_CORRUPT') return undefined
    throw error
  }
}

/** Whether a listing's name is that of a file without which Cassandra does not read an SSTable. */
function isNeeded(name: string): boolean {
  const component = parseComponent(name)?.component
  return component !== undefined && !isTemporary(name) && !isOptional(component)
}

/** A second look at the directory, once it is known what its listings name. @param newest the newest listing, ms since 1970 */
async function orphansOf(
  bucket: CheckBucket,
  prefix: string,
  named: KeySet,
  newest: number,
): Promise<Sample> {
  const orphans = new Sample()
  for await (const { objects } of bucket.pages({ prefix, delimiter: '/' }))
    for (const { key, size, lastModified } of objects) {
      const name = key.slice(prefix.length)
      if (name === '' || name.endsWith(LISTING_SUFFIX) || named.has(name) || lastModified >= newest) continue
      orphans.add(key, size)
    }
  return orphans
}
