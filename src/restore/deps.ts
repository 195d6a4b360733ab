import type { BucketNode } from '../node/bucket-node.js'
import type { Logger } from '../report/logger.js'
import type { Progress } from '../report/progress.js'
import type { S3Client } from '../s3/client.js'
import type { Engine } from '../transfer/pool/engine.js'

import type { Ownership } from './place/owner.js'
import type { Scope } from './read/scope.js'

/** The resources for carrying a plan out. */
export interface PlaceDeps {
  readonly client: S3Client
  readonly engine: Engine
  readonly log: Logger
  /** The owner of the restored files; undefined: the owner in their metadata or that of the target, as far as this process may set it. */
  readonly ownership?: Ownership | undefined
  /** Is told how far the restore is. */
  readonly progress?: Progress | undefined
  /** Stops the restore; what is in place by then stays. */
  readonly signal?: AbortSignal | undefined
}

/** The resources of a restore. */
export interface RestoreDeps extends PlaceDeps {
  readonly node: Pick<BucketNode, 'name'>
  /** The part of the node's objects that is restored, and the places; undefined: everything, each file to its path below the target. */
  readonly scope?: Scope | undefined
}
