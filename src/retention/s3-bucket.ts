import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import { TablesnapError } from '../errors.js'
import type { PlannedObject } from '../manifest/chop-plan.js'
import type { S3Client } from '../s3/client.js'
import { deleteObjects, type DeletionResult } from '../s3/delete.js'
import { isS3Error } from '../s3/errors.js'
import { listObjects, type ListedObject } from '../s3/list.js'
import { abortMultipartUpload, listParts, listUploads } from '../s3/multipart.js'
import { getObject, putObject, storageHeaders, type GuardedBody } from '../s3/object.js'
import { putInPlaceOf } from '../s3/replace.js'
import { monotonic } from '../s3/server-time.js'
import type { ObjectSettings } from '../s3/settings.js'

import type { ReadResult, RetentionBucket, UnfinishedUpload } from './ports.js'

/** The bucket of a node in S3. */
export class S3Bucket implements RetentionBucket {
  readonly #client: S3Client
  readonly #settings: ObjectSettings
  readonly #signal: AbortSignal

  constructor(client: S3Client, settings: ObjectSettings, signal: AbortSignal) {
    this.#client = client
    this.#settings = settings
    this.#signal = signal
  }

  now(): number {
    const { serverOffset } = this.#client
    if (serverOffset !== undefined) return Math.floor(monotonic() + serverOffset)
    throw new TablesnapError({
      code: 'TIME_UNKNOWN',
      message:
        'the server does not say what time it is (Date): nothing is deleted, as the clock of this machine may be wrong',
      step: { operation: 'retain' },
    })
  }

  list(prefix: string): AsyncIterable<ListedObject> {
    return listObjects(this.#client, { prefix, signal: this.#signal })
  }

  async read(key: string): Promise<ReadResult | undefined> {
    try {
      const { info, body } = await getObject(this.#client, key, { signal: this.#signal })
      return { body, etag: info.etag, lastModified: info.lastModified }
    } catch (error) {
      if (isS3Error(error, 404)) return undefined
      throw error
    }
  }

  async write(key: string, body: Buffer): Promise<void> {
    const headers = this.#headers
    await putObject(this.#client, key, guarded(body), { headers, ifAbsent: false, signal: this.#signal })
  }

  async replace(key: string, body: Buffer, etag: string | undefined): Promise<boolean> {
    try {
      const options = { headers: this.#headers, etag, signal: this.#signal }
      await putInPlaceOf(this.#client, key, guarded(body), options)
      return true
    } catch (error) {
      if (isS3Error(error, 404, 409, 412)) return false
      throw error
    }
  }

  delete(objects: readonly PlannedObject[]): Promise<readonly DeletionResult[]> {
    return deleteObjects(this.#client, objects, this.#signal)
  }

  async lockedUntil(key: string): Promise<number | undefined> {
    const request = { operation: 'HeadObject', method: 'HEAD', key } as const
    const { headers } = await this.#client.call(request, this.#signal)
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, x-amz-object-lock-…
    if (headers['x-amz-object-lock-legal-hold'] === 'ON') return Infinity
    const until = Date.parse(headers['x-amz-object-lock-retain-until-date'] ?? '')
    return until > this.now() ? until : undefined
  }

  unfinished(prefix: string): AsyncIterable<UnfinishedUpload> {
    return listUploads(this.#client, prefix, this.#signal)
  }

  async newestPart({ key, id }: UnfinishedUpload): Promise<number | undefined> {
    try {
      const parts = await listParts(this.#client, key, id, this.#signal)
      return parts.length === 0 ? undefined : Math.max(...parts.map(({ lastModified }) => lastModified))
    } catch (error) {
      if (isS3Error(error, 404)) return Infinity
      throw error
    }
  }

  abort({ key, id }: UnfinishedUpload): Promise<void> {
    return abortMultipartUpload(this.#client, key, id)
  }

  clock(): number {
    return monotonic()
  }

  async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal })
  }

  get #headers(): Record<string, string> {
    return { ...storageHeaders(this.#settings), 'Content-Type': 'application/json' }
  }
}

function guarded(body: Buffer): GuardedBody {
  return { body, headers: { 'Content-MD5': createHash('md5').update(body).digest('base64') } }
}
