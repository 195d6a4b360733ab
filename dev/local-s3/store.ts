import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Bucket } from './bucket.js'
import { S3Error } from './s3-error.js'

/** Amazon's rules for general purpose buckets: 3–63 of `a-z0-9.-`, no address, no two dots in a row. */
function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name)
  )
}

/** All buckets below one directory. */
export class Store {
  readonly #directory: string
  readonly #buckets = new Map<string, Bucket>()

  /** Opens the directory, creating it when absent, and loads what a server before left there. */
  constructor(directory: string) {
    this.#directory = join(directory, 'buckets')
    mkdirSync(this.#directory, { recursive: true })
    for (const name of readdirSync(this.#directory)) {
      if (isBucketName(name)) this.#buckets.set(name, new Bucket(this.#directory, name, 0))
    }
  }

  /** @throws S3Error `NoSuchBucket` */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) throw new S3Error('NoSuchBucket', undefined, { BucketName: name })
    return bucket
  }

  /** The buckets by name. */
  list(): Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * @param now milliseconds since the epoch
   * @throws S3Error `InvalidBucketName` or `BucketAlreadyOwnedByYou`
   */
  create(name: string, now: number): void {
    if (!isBucketName(name)) throw new S3Error('InvalidBucketName', undefined, { BucketName: name })
    if (this.#buckets.has(name)) throw new S3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: name })
    this.#buckets.set(name, new Bucket(this.#directory, name, now))
  }

  /** @throws S3Error `NoSuchBucket` or `BucketNotEmpty` */
  delete(name: string): void {
    const bucket = this.bucket(name)
    if (bucket.objects.size > 0) throw new S3Error('BucketNotEmpty', undefined, { BucketName: name })
    this.#buckets.delete(name)
    bucket.remove()
  }

  /** Waits until everything that was to be removed is gone. */
  async close(): Promise<void> {
    await Promise.all([...this.#buckets.values()].map(bucket => bucket.files.settle()))
  }
}
