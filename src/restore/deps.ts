import type { Engine } from '../pool/engine.js'
import type { Logger } from '../report/logger.js'
import type { Progress } from '../report/progress.js'
import type { S3Client } from '../s3/client.js'

import type { Ownership } from './owner.js'
import type { Scope } from './scope.js'

/** What a restore works with. */
export interface RestoreDeps {
  readonly client: S3Client
  readonly engine: Engine
  /** The node's name in the bucket. */
  readonly name: string
  readonly log: Logger
  /** What of the node's objects is restored, and where to; undefined: all, each to its path below the target. */
  readonly scope?: Scope | undefined
  /** Whom files are given to; undefined: as their metadata or the target tells, as far as we may. */
  readonly ownership?: Ownership | undefined
  /** Is told how far the restore is. */
  readonly progress?: Progress | undefined
  /** Stops the restore; what is in place by then stays. */
  readonly signal?: AbortSignal | undefined
}
