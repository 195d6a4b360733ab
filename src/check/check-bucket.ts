import type { ListPage } from '../s3/list.js'
import type { ObjectInfo } from '../s3/object.js'

/** Which keys are listed. */
export interface ListedKeys {
  readonly prefix: string
  /** `/`: keys of directories below are not listed, and only their beginnings are told. */
  readonly delimiter?: string
  /** Keys after this one only. */
  readonly startAfter?: string
}

/** A multipart upload that nobody has completed. */
export interface OpenUpload {
  readonly key: string
  /** ms since 1970. */
  readonly initiated: number
}

/** The bucket, as tablecheck reads it; all times are the server's. */
export interface CheckBucket {
  /** ms since 1970, by the server's newest answer. */
  now(): number
  /** Keys in the order of their bytes. @throws S3Error */
  pages(keys: ListedKeys): AsyncIterable<ListPage>
  /** @returns undefined where there is no such object @throws S3Error */
  read(key: string): Promise<Buffer | undefined>
  /** @returns undefined where there is no such object @throws S3Error */
  head(key: string): Promise<ObjectInfo | undefined>
  /** @throws S3Error */
  uploads(prefix: string): AsyncIterable<OpenUpload>
}
