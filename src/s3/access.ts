import type { RetryPolicy } from './retry.js'
import type { CredentialSource, S3Settings } from './settings.js'

/** How a bucket is reached: where it is, who asks, and how often a request is repeated. */
export interface BucketAccess {
  readonly settings: S3Settings
  readonly credentials: CredentialSource
  /** Absent: the policy of {@link DEFAULT_RETRY}. */
  readonly retry?: RetryPolicy | undefined
}
