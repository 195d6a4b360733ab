import type { TableFilter } from '../cassandra/table-directory.js'
import type { ChecksumKind, Credentials, ObjectSettings, S3Settings } from '../s3/settings.js'

import type { Pattern } from './pattern.js'

/** `watch` new files only; `backup` what exists, then exit; `backup-watch` both; `download` restore. */
export type Mode = 'watch' | 'backup' | 'backup-watch' | 'download'

/** The source of the node's name in the bucket, if `-n` does not give it. */
export type NameSource = 'fqdn' | 'hostname' | 'ami-launch-index'

export type ListenEvent = 'IN_MOVED_TO' | 'IN_CLOSE_WRITE' | 'IN_CREATE'

/** Bounds of the upload and download engine. */
export interface EngineSettings {
  /** Worker threads. */
  readonly threads: number
  /** Ceiling for all part buffers together, bytes. */
  readonly memory: number
  /** Bytes that uploads send per second, all together; undefined: no limit. */
  readonly maxRate: number | undefined
  /** Largest file sent by one PUT, bytes; undefined: one part. */
  readonly maxUploadSize: number | undefined
  /** Largest part of a multipart upload, bytes; undefined: the engine's default. */
  readonly chunkSize: number | undefined
  readonly checksum: ChecksumKind
  /** Further attempts of a one-shot mode after a retryable failure; the daemon has no such end. */
  readonly retries: number
  /** How long a one-shot mode waits for a server that cannot be reached, ms of silence; the daemon waits for ever. */
  readonly retryTime: number
}

/** Which paths are backed up; the regular expressions are searched for in the whole path. */
export interface FilterSettings {
  readonly exclude: readonly Pattern[]
  readonly include: readonly Pattern[]
  readonly snapshots: boolean
  readonly backups: boolean
}

/** Everything below `from` on the node that was backed up is restored below `to` in the target; both are absolute. */
export interface PathMap {
  readonly from: string
  readonly to: string
}

/** The options of `--status`. */
export interface StatusQuery {
  readonly json: boolean
  /** How long files may wait, or how old the newest restore point may be, ms; undefined: files may not wait. */
  readonly maxAge: number | undefined
}

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** All that one run of tablesnap was told, validated and frozen. */
export interface Config {
  readonly mode: Mode
  /** Absolute, without a trailing slash (but `/` itself), symlinks not resolved. */
  readonly paths: readonly string[]
  readonly recursive: boolean
  readonly autoAdd: boolean
  /** Whether a path that is not there at the start is waited for; only ever in a run that watches. */
  readonly waitForPaths: boolean
  readonly filter: FilterSettings
  readonly listenEvents: readonly ListenEvent[]
  /** Quiet time before a set without a transaction log counts as complete, ms. */
  readonly settle: number
  /** How long the first signal lets uploads finish, ms. */
  readonly shutdownTimeout: number
  /** Write the original's `-listdir.json`. */
  readonly index: boolean
  readonly deleteOnBackup: boolean
  readonly md5OnStart: boolean
  /** `-n`; undefined: found by `nameFrom`, or by the rule for neither. */
  readonly name: string | undefined
  readonly nameFrom: NameSource | undefined
  /** Key prefix before the name. */
  readonly prefix: string
  readonly separator: string
  /** Take the name over from the writer that has it. */
  readonly takeOver: boolean
  readonly engine: EngineSettings
  readonly object: ObjectSettings
  readonly s3: S3Settings
  /** Undefined: the AWS provider chain (shared files, container, instance role). */
  readonly credentials: Credentials | undefined
  /** With `download`: every object instead of the newest state's. */
  readonly all: boolean
  /** With `download`: the latest time that a state may have, ms since 1970; undefined: the newest. */
  readonly at: number | undefined
  /** The key of the state or the listing that `at` is to be the time of. */
  readonly atKey: string | undefined
  /** With `download`: which tables. */
  readonly only: TableFilter
  readonly mapPaths: readonly PathMap[]
  /** Tables that go to their present directory, as {@link TableFilter} names them. */
  readonly mapTables: readonly string[]
  /** With `download`: print the moments or the nodes of the bucket instead. */
  readonly list: 'moments' | 'nodes' | undefined
  /** With `list`: moments of each table, the newest; undefined: all. */
  readonly limit: number | undefined
  /** With `list`: the earliest time of a moment, ms since 1970; undefined: any. */
  readonly since: number | undefined
  readonly partial: boolean
  readonly replace: boolean
  readonly force: boolean
  readonly dryRun: boolean
  readonly logFormat: 'text' | 'json'
  /** Print how the running tablesnap stands instead. */
  readonly status: StatusQuery | undefined
  /** Say what a run would do instead; undefined: run. */
  readonly checkConfig: { readonly json: boolean } | undefined
  /** Where a backup serves metrics and the status page; undefined: nowhere. */
  readonly metricsListen: ListenAddress | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** Show how far a restore is. */
  readonly progress: boolean
}
