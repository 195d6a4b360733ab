import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import { listPages, type ListPage } from '../s3/list.js'
import { listUploads } from '../s3/multipart.js'
import { getObject, headObject, type ObjectInfo } from '../s3/object.js'
import { monotonic } from '../s3/server-time.js'

import type { CheckBucket, ListedKeys, OpenUpload } from './check-bucket.js'

/** The bucket in S3. */
export class LiveBucket implements CheckBucket {
  readonly #client: S3Client
  readonly #signal: AbortSignal

  constructor(client: S3Client, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
  }

  now(): number {
    const { serverOffset } = this.#client
    return serverOffset === undefined ? Date.now() : Math.floor(monotonic() + serverOffset)
  }

  pages(keys: ListedKeys): AsyncIterable<ListPage> {
    return listPages(this.#client, { ...keys, signal: this.#signal })
  }

  async read(key: string): Promise<Buffer | undefined> {
    try {
      return (await getObject(this.#client, key, { signal: this.#signal })).body
    } catch (error) {
      if (isS3Error(error, 404)) return undefined
      throw error
    }
  }

  head(key: string): Promise<ObjectInfo | undefined> {
    return headObject(this.#client, key, this.#signal)
  }

  uploads(prefix: string): AsyncIterable<OpenUpload> {
    return listUploads(this.#client, prefix, this.#signal)
  }
}
