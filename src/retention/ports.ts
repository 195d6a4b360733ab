import type { PlannedObject } from '../manifest/chop-plan.js'
import type { DeletionResult } from '../s3/delete.js'
import type { ListedObject } from '../s3/list.js'

/** An object that was read. */
export interface ReadResult {
  readonly body: Buffer
  /** Without quotes. */
  readonly etag: string
  /** When the server stored it, ms since 1970, whole seconds. */
  readonly lastModified: number
}

/** A multipart upload that nobody has completed. */
export interface UnfinishedUpload {
  readonly key: string
  readonly id: string
  /** ms since 1970. */
  readonly initiated: number
}

/** The bucket, as retention uses it: S3, or a model of it in a test. All times are the server's. */
export interface RetentionBucket {
  /** ms since 1970, by the server's newest answer. */
  now(): number
  /** Objects in the order of their keys. @throws S3Error */
  list(prefix: string): AsyncIterable<ListedObject>
  /** @returns undefined where there is none @throws S3Error */
  read(key: string): Promise<ReadResult | undefined>
  /** Puts an object that nobody else writes. @throws S3Error */
  write(key: string, body: Buffer): Promise<void>
  /**
   * Puts an object in place of the one with this ETag; undefined: where there is none.
   * @returns whether it was put: not where the object is another one
   * @throws S3Error
   */
  replace(key: string, body: Buffer, etag: string | undefined): Promise<boolean>
  /** Deletes at most 1,000 objects, each only if its ETag is the one that is given, where the server can. @throws S3Error */
  delete(objects: readonly PlannedObject[]): Promise<readonly DeletionResult[]>
  /**
   * Until when Object Lock keeps an object from being deleted, ms since 1970; Infinity: for as long as somebody holds it.
   * Undefined: it does not.
   * @throws S3Error
   */
  lockedUntil(key: string): Promise<number | undefined>
  /** @throws S3Error */
  unfinished(prefix: string): AsyncIterable<UnfinishedUpload>
  /** When a part of it came last, ms since 1970; undefined: none has; Infinity: it is completed or ended meanwhile. @throws S3Error */
  newestPart(upload: UnfinishedUpload): Promise<number | undefined>
  /** @throws S3Error */
  abort(upload: UnfinishedUpload): Promise<void>
  /** ms of a monotonic clock. */
  clock(): number
  /** Waits. @param ms */
  sleep(ms: number): Promise<void>
}
