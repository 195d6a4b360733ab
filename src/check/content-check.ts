import { crc64nvme } from 'tablesnap-io'

import { standingOf } from '../manifest/bucket-comparison.js'
import { KeySet } from '../manifest/key-set.js'
import { Reads } from '../retention/reads.js'
import { hex64 } from '../s3/checksum.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import type { ListedObject } from '../s3/list.js'
import { getRange } from '../s3/object.js'

import type { CheckBucket } from './check-bucket.js'
import type { Flaw } from './damage.js'
import type { Names } from './directory-comparison.js'

/** Objects that are looked at beyond their size. */
export interface ContentOptions {
  /** Whether each object is asked for its checksum by HEAD. */
  readonly deep: boolean
  /** The share of the objects whose bytes are read, 0 to 1. */
  readonly share: number
}

/** The checks that were made. */
export interface ContentCounts {
  /** Objects whose checksum the server told, and of which it told none. */
  compared: number
  silent: number
  /** Objects whose bytes were read, and how many bytes. */
  read: number
  bytes: number
}

/** Bytes of an object that are read at once. */
const RANGE = 8 * 1024 * 1024

/** Objects that are asked for, or read, at once. */
const AT_ONCE = 8

/** Looks at the content of objects: at the checksum that the server tells (--deep), or at the bytes (--read). */
export class ContentCheck {
  readonly counts: ContentCounts = { compared: 0, silent: 0, read: 0, bytes: 0 }
  readonly #bucket: Pick<CheckBucket, 'head'>
  readonly #client: S3Client | undefined
  readonly #options: ContentOptions
  readonly #random: () => number
  /** Shared objects that were looked at, with the checksum that they should have. */
  readonly #right = new KeySet()
  #reads = new Reads(AT_ONCE)

  /** @param client undefined: no bytes are read @param random 0 to 1 */
  constructor(
    bucket: Pick<CheckBucket, 'head'>,
    client: S3Client | undefined,
    options: ContentOptions,
    random: () => number = Math.random,
  ) {
    this.#bucket = bucket
    this.#client = client
    this.#options = options
    this.#random = random
  }

  /**
   * @param isShared whether restore points of other directories name the object as well: it is looked at once for all of them
   * @param onFlaw is told when the object is not what restore points name
   * @throws S3Error of an earlier one
   */
  async take(
    object: ListedObject,
    names: Names,
    isShared: boolean,
    onFlaw: (flaw: Flaw) => void,
  ): Promise<void> {
    const { deep, share } = this.#options
    if (!deep && share === 0) return
    const reads = share > 0 && this.#random() < share
    if (!deep && !reads) return
    const content = `${object.key}\0${names[0].entry.crc64 ?? ''}`
    if (isShared && this.#right.has(content)) return
    await this.#reads.begin(async () => {
      const flaw =
        (deep ? await this.#compare(object.key, names) : undefined) ??
        (reads ? await this.#read(object, names) : undefined)
      if (flaw !== undefined) onFlaw(flaw)
      else if (isShared) this.#right.add(content)
    })
  }

  /** Waits for all. @throws S3Error */
  async end(): Promise<void> {
    await this.#reads.end()
    this.#reads = new Reads(AT_ONCE)
  }

  async #compare(key: string, names: Names): Promise<Flaw | undefined> {
    const info = await this.#bucket.head(key)
    if (info?.checksums.crc64nvme === undefined && info?.metadata['crc64nvme'] === undefined)
      this.counts.silent++
    else this.counts.compared++
    const standing = standingOf(info, names[0].entry)
    if (standing !== 'right') return standing
    return info?.archive === undefined ? undefined : 'archived'
  }

  /** Reads an object in ranges and compares its CRC-64 with the manifest's. */
  async #read({ key, size, etag }: ListedObject, names: Names): Promise<Flaw | undefined> {
    const [{ entry }] = names
    if (this.#client === undefined || entry.crc64 === undefined) return undefined
    let crc = 0n
    const buffer = Buffer.allocUnsafe(Math.min(size, RANGE))
    try {
      for (let start = 0; start < size; start += RANGE) {
        const into = buffer.subarray(0, Math.min(RANGE, size - start))
        await getRange(this.#client, key, { start, etag, into })
        crc = crc64nvme(into, crc)
      }
    } catch (error) {
      if (isS3Error(error, 404)) return 'missing'
      // It was replaced meanwhile, by a repair: another look will tell.
      if (isS3Error(error, 412)) return undefined
      throw error
    }
    this.counts.read++
    this.counts.bytes += size
    return hex64(crc) === entry.crc64 ? undefined : 'other'
  }
}
