import { LISTING_SUFFIX } from '../bucket-names.js'
import { TablesnapError } from '../errors.js'
import { KeySet } from '../manifest/key-set.js'
import { namesInListing } from '../manifest/listing-reader.js'
import { Reads } from '../retention/reads.js'
import type { ListedObject } from '../s3/list.js'

import type { CheckBucket } from './check-bucket.js'

/** How long before its manifest a listing of ours is written, at most, ms. */
const BESIDE = 2_000

/** Listings that are read at once. */
const AT_ONCE = 16

/** The Python program's listings of a directory of which manifests tell since: what they name is no orphan. */
export class FormerListings {
  static readonly SUFFIX = LISTING_SUFFIX
  readonly #bucket: CheckBucket
  readonly #directory: string
  readonly #oldest: number
  readonly #keys: string[] = []

  /** @param oldest when the oldest manifest was stored, ms since 1970 */
  constructor(bucket: CheckBucket, directory: string, oldest: number) {
    this.#bucket = bucket
    this.#directory = directory
    this.#oldest = oldest
  }

  /** Takes an object that no manifest names, if it is such a listing. */
  takes({ key, lastModified }: ListedObject): boolean {
    if (!key.endsWith(LISTING_SUFFIX) || lastModified >= this.#oldest - BESIDE) return false
    this.#keys.push(key)
    return true
  }

  /** @returns whether a listing names a file, or is one of them; undefined: there are no listings @throws S3Error */
  async read(): Promise<((name: string) => boolean) | undefined> {
    if (this.#keys.length === 0) return undefined
    const names = new KeySet()
    const reads = new Reads(AT_ONCE)
    for (const key of this.#keys) {
      names.add(key.slice(key.lastIndexOf('/') + 1))
      await reads.begin(async () => {
        const body = await this.#bucket.read(key)
        if (body === undefined) return
        try {
          for (const name of namesInListing(body, key, this.#directory)) names.add(name)
        } catch (error) {
          if (!(error instanceof TablesnapError) || error.code !== 'LISTING_CORRUPT') throw error
        }
      })
    }
    await reads.end()
    return name => names.has(name)
  }
}
