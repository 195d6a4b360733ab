import { join } from 'node:path'

import { LISTING_SUFFIX } from '../bucket-names.js'
import { unitOf } from '../cassandra/unit.js'
import { parseKeyPath } from '../manifest/key-path.js'
import type { KeyLayout } from '../manifest/keys.js'
import type { ListedObject } from '../s3/list.js'

import type { DeletionRule, TablePoints } from './deletion-rule.js'
import { Tally, type Going, type IsNews } from './going.js'
import { ListingPoints } from './listing-points.js'
import type { ManifestSurvey, UnitPoints } from './manifest-survey.js'
import type { RetentionBucket } from './ports.js'

/** How long before its manifest a listing of ours is written, at most, ms. */
const BESIDE = 2_000

/** An object of a file, with what its directory says of it. */
interface Placed {
  readonly object: ListedObject
  readonly directory: Place
  readonly name: string
  readonly isListing: boolean
}

/** A directory of the node, while its objects are listed. */
interface Place {
  readonly path: string
  readonly unit: string
  readonly isMeant: boolean
  readonly points: UnitPoints | undefined
}

/**
 * Goes through the objects of a node's files by LIST and decides which go. Of tables whose restore points are manifests it holds
 * nothing; of what the Python programs' listings describe it holds the listings and hashes of names, and goes through the
 * objects a second time.
 */
export class FileSurvey {
  /** Of each table below the path. */
  readonly tallies = new Map<string, Tally>()
  /** Keys of the node's that are no file's, and stay. */
  foreign = 0
  readonly #bucket: RetentionBucket
  readonly #keys: KeyLayout
  readonly #rule: DeletionRule
  readonly #manifests: ManifestSurvey
  readonly #listings: ListingPoints
  #place: Place | undefined
  /** Whether objects are left to be decided on by listings. */
  #hasUndecided = false

  /** @param manifests which has been run @param isNews as of {@link ManifestSurvey} */
  constructor(
    bucket: RetentionBucket,
    keys: KeyLayout,
    rule: DeletionRule,
    manifests: ManifestSurvey,
    isNews: IsNews,
  ) {
    this.#bucket = bucket
    this.#keys = keys
    this.#rule = rule
    this.#manifests = manifests
    this.#listings = new ListingPoints(bucket, rule, isNews)
  }

  /** The objects that go. @throws S3Error; TablesnapError `LISTING_CORRUPT`, `BUCKET_CHANGED` */
  async *run(): AsyncGenerator<Going> {
    for await (const placed of this.#all()) {
      const { object, directory } = placed
      if (!directory.isMeant) continue
      this.#tally(directory.unit).count(object)
      const { points } = directory
      if (points !== undefined && !points.isMeant) continue
      if (points?.hasCutoff === true) {
        if (this.#mayGo(placed, points)) yield this.#going(placed)
      } else this.#gather(placed)
    }
    if (!this.#hasUndecided) return
    await this.#listings.decide()
    for await (const placed of this.#all()) {
      const { directory, object, isListing } = placed
      const { points, path, isMeant } = directory
      if (!isMeant || points?.isMeant === false || points?.hasCutoff === true) continue
      const listed = this.#listings.of(path)
      const own = listed ?? points
      if (own === undefined || listed?.kept.has(object.key) === true) continue
      const isNamed = !isListing && this.#listings.named.has(join(path, placed.name))
      if (!isNamed && this.#mayGo(placed, own)) yield this.#going(placed)
    }
  }

  /** Whether a restore point that came after the plan names a file. */
  isRecent(key: string): boolean {
    if (this.#manifests.recent.has(key)) return true
    const path = this.#keys.pathOf(key)
    const place = path === undefined ? '' : parseKeyPath(path)
    return typeof place !== 'string' && this.#listings.recent.has(join(place.directory, place.name))
  }

  /** A manifest or a listing that was to go stays: what it names counts as recent. @throws S3Error */
  async protect(key: string): Promise<void> {
    if (key.startsWith(this.#keys.states(''))) return this.#manifests.protect(key)
    const place = parseKeyPath(this.#keys.pathOf(key) ?? '')
    if (typeof place !== 'string') await this.#listings.protect(place.directory, key)
  }

  async *#all(): AsyncGenerator<Placed> {
    for (const prefix of [this.#keys.files, this.#keys.versions]) {
      for await (const object of this.#bucket.list(prefix)) {
        const path = this.#keys.pathOf(object.key)
        const place = path === undefined ? '' : parseKeyPath(path)
        if (typeof place === 'string') this.foreign++
        else
          yield {
            object,
            directory: this.#at(place.directory),
            ...nameOf(place.name, prefix === this.#keys.files),
          }
      }
    }
  }

  /** Most objects lie in the directory of the one before. */
  #at(path: string): Place {
    if (this.#place?.path === path) return this.#place
    const unit = unitOf(path)
    this.#place = { path, unit, isMeant: this.#rule.holds(path), points: this.#manifests.units.get(unit) }
    return this.#place
  }

  #mayGo({ object, isListing, name, directory }: Placed, points: TablePoints): boolean {
    if (!this.#rule.isOld(object.lastModified, points)) return false
    // A listing goes with the Data.db that it is named after.
    const key = isListing ? `${this.#keys.files}${join(directory.path, name)}` : object.key
    return !this.#manifests.named.has(key)
  }

  #gather({ object, directory, name, isListing }: Placed): void {
    const { path, points } = directory
    if (!isListing) {
      this.#listings.add(path, name, points)
      this.#hasUndecided ||= object.lastModified < this.#rule.cutoff
    } else if (points === undefined || object.lastModified < points.oldest - BESIDE) {
      this.#listings.addListing(path, object, points)
      this.#hasUndecided ||= object.lastModified < this.#rule.cutoff
    }
  }

  #going({ object, directory: { unit }, isListing }: Placed): Going {
    this.#tally(unit).countGoing(object)
    return { unit, object, phase: isListing ? 'listings' : 'files' }
  }

  #tally(unit: string): Tally {
    let tally = this.tallies.get(unit)
    if (tally === undefined) {
      tally = new Tally()
      this.tallies.set(unit, tally)
    }
    return tally
  }
}

function nameOf(name: string, isPlain: boolean): { name: string; isListing: boolean } {
  const isListing = isPlain && name.endsWith(LISTING_SUFFIX)
  return { name: isListing ? name.slice(0, -LISTING_SUFFIX.length) : name, isListing }
}
