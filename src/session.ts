import type { Config } from './config/config.js'
import { credentialProvider } from './config/provider.js'
import { KeyLayout } from './manifest/keys.js'
import { resolveName } from './node/identity.js'
import type { BucketNode } from './node/bucket-node.js'
import { writerOf } from './node/writer.js'
import type { Logger } from './report/logger.js'
import type { ClientListener } from './s3/client-options.js'
import { S3Client } from './s3/client.js'
import { DEFAULT_RETRY } from './s3/retry.js'
import { Engine } from './transfer/pool/engine.js'
import { SharedOverwriting } from './transfer/pool/overwriting.js'
import { Activity } from './status/activity.js'
import { ServerState } from './status/server-state.js'
import { ServerWatch } from './status/server-watch.js'
import type { Traffic } from './status/traffic.js'

/** The resources of a backup or a restore; see {@link openSession}. */
export interface Session {
  readonly config: Config
  readonly log: Logger
  /** For everything but file contents. */
  readonly client: S3Client
  /** Worker threads for file contents; they start with the first task. */
  readonly engine: Engine
  readonly node: BucketNode
  readonly traffic: Traffic
  /** Ends workers and connections at once. */
  close(): Promise<void>
}

/** Connections of the main thread, which lists, looks up and completes. */
const CONTROL_CONNECTIONS = 4

/**
 * Finds the node's name and credentials and prepares client and workers; sends nothing yet.
 * @throws TablesnapError `IDENTITY_UNKNOWN`, `CREDENTIALS_MISSING`
 * @throws UsageError for an endpoint that is no server address
 */
export async function openSession(config: Config, log: Logger): Promise<Session> {
  const credentials = credentialProvider({ given: config.credentials, region: config.s3.region })
  const { retries, retryTime } = config.engine
  const waits = config.mode === 'watch' || config.mode === 'backup-watch'
  const retry = { ...DEFAULT_RETRY, retries, patience: waits ? Infinity : retryTime }
  const traffic = { activity: new Activity(), server: new ServerState() }
  const watch = new ServerWatch(traffic, log, waits ? 'until it answers' : `for ${retryTime / 1000} s`)
  const identity = await resolveName(config)
  if (identity.warning !== undefined) log.warn(identity.warning)
  log.info(
    `This node is ${identity.name} in the bucket (by ${identity.source === 'flag' ? '-n' : identity.source})`,
  )
  const { name } = identity
  const keys = new KeyLayout(config.prefix, name, config.separator)
  const overwriting = new SharedOverwriting()
  const access = { settings: config.s3, credentials, ownPrefix: keys.node.replace(/[^/]*$/, ''), retry }
  const listener: ClientListener = {
    onRetry(error, pause) {
      watch.onRetry(pause)
      log.debug(`${error.message}; again in ${Math.round(pause)} ms`)
    },
    onNote: text => engine.note(text),
    onSlowDown: () => engine.slowDown(),
    onSilence: (error, length) => watch.onSilence(error.message, length),
    onReturn: length => watch.onReturn(length),
  }
  const client = new S3Client({
    access,
    lines: { connections: CONTROL_CONNECTIONS },
    counts: traffic.server.requests,
    overwriting,
    listener,
  })
  if (client.proxy !== undefined) log.info(`S3 is reached through the proxy ${client.proxy}`)
  await credentials()
  const engine = new Engine({
    access,
    budget: config.engine,
    checksum: config.engine.checksum,
    overwriting,
    listener: watch,
  })
  return {
    config,
    log,
    client,
    engine,
    node: { name, keys, writer: writerOf(config.paths) },
    traffic,
    close: async () => {
      await Promise.all([engine.close(), client.close()])
    },
  }
}
