import type { Config } from '../config/config.js'
import type { BucketNode } from '../node/bucket-node.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import type { Traffic } from '../status/traffic.js'
import type { Engine } from '../transfer/pool/engine.js'

/** The resources of a backup. */
export interface BackupDeps {
  readonly config: Config
  readonly client: S3Client
  readonly engine: Engine
  readonly node: BucketNode
  readonly log: Logger
  readonly traffic: Traffic
}
