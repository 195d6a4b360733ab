import type { Config } from '../config/config.js'
import type { KeyLayout } from '../manifest/keys.js'
import type { Writer } from '../node/writer.js'
import type { Logger } from '../report/logger.js'
import type { S3Client } from '../s3/client.js'
import type { Activity } from '../status/activity.js'
import type { ServerState } from '../status/server-state.js'
import type { Engine } from '../transfer/pool/engine.js'

/** The resources of a backup. */
export interface BackupDeps {
  readonly config: Config
  readonly client: S3Client
  readonly engine: Engine
  /** The node's name in the bucket. */
  readonly name: string
  readonly writer: Writer
  readonly keys: KeyLayout
  readonly log: Logger
  /** Is told what is uploaded. */
  readonly activity: Activity
  /** How the S3 server answers. */
  readonly server: ServerState
}
