import type { RetryPolicy } from './retry.js'
import type { CredentialSource, S3Settings } from './settings.js'

/** How a bucket is reached: where it is, who asks, and how often a request is repeated (absent: {@link DEFAULT_RETRY}). */
export interface BucketAccess {
  readonly settings: S3Settings
  readonly credentials: CredentialSource
  /** The prefix that the account may surely list, if it may not list the whole bucket. */
  readonly ownPrefix?: string
  readonly retry?: RetryPolicy | undefined
}
