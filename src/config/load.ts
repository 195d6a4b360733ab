import { resolve } from 'node:path'

import { TablesnapError, UsageError } from '../errors.js'
import { checkName } from './name.js'
import { readConf, type Conf } from './conf.js'
import type { Config, ListenAddress, Mode, PathMap, StatusQuery } from './config.js'
import { findCredentials } from './credentials.js'
import { DURATION_FORMS, parseDuration } from './duration.js'
import { freeze } from './freeze.js'
import type { Layer } from './given.js'
import { commandLineLayer, environmentLayer, mergeLayers, valuesOf, type Flags } from './layers.js'
import { findConf } from './places.js'
import { profileLayer } from './profile.js'
import { flagName, longFlag } from './setting.js'
import { settingOf, type Values } from './settings.js'
import { absolutePath, checkBucket } from './target.js'
import { trusted } from './trust.js'
import { parseValue } from './value.js'
import { shownSettings, type ShownSetting } from './shown.js'
import { proxiesOf } from '../s3/proxy.js'

/** All that decides about a run. */
export interface ConfigInput {
  /** The flags of the command line. */
  readonly flags: Flags
  /** … and besides: `<bucket> <path>...`, or nothing. */
  readonly positionals: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly home: string | undefined
}

/** A configuration and how it came about. */
export interface LoadedConfig {
  readonly config: Config
  /** One line each, to be shown at start. */
  readonly warnings: readonly string[]
  /** The conf file that was read. */
  readonly source: string | undefined
  /** With --check-config: every setting, and where its value comes from; else none. */
  readonly settings: readonly ShownSetting[]
}

/** Bucket or path is missing: the help is what the user needs; exit code 255, as ever. */
export class ArgumentsMissingError extends TablesnapError {
  override readonly name = 'ArgumentsMissingError'

  constructor(message: string) {
    super({ code: 'ARGUMENTS_MISSING', message, exitCode: 255 })
  }
}

function modeOf({ backup, watch, download, list, list_nodes: nodes, status }: Values): Mode {
  if (download || list || nodes || status) return 'download'
  if (backup) return watch ? 'backup-watch' : 'backup'
  return 'watch'
}

/**
 * Refuses flags that the mode has no use for. The file is shared by all modes, so only flags are judged; but
 * whoever asks for a dry run, anywhere, must get one.
 */
function checkFlags(flags: Layer, all: Layer, mode: Mode): string[] {
  const backup = flagName(settingOf('backup'))
  const download = flagName(settingOf('download'))
  const isStatus = flags.get('status') !== undefined || all.get('status') !== undefined
  const fits = {
    backup: mode === 'backup' || mode === 'backup-watch',
    download: mode === 'download',
    'backup or download': mode !== 'watch',
    status: isStatus,
    'status or check': isStatus || all.get('check_config') !== undefined,
  }
  const needed = {
    backup,
    download,
    'backup or download': `${backup} or ${download}`,
    status: '--status',
    'status or check': '--status or --check-config',
  }
  const unused: string[] = []
  for (const { setting } of flags.values()) {
    if (setting.needs !== undefined && !fits[setting.needs]) {
      throw new UsageError(
        'SETTINGS_CONFLICT',
        `${flagName(setting)} works only with ${needed[setting.needs]}`,
      )
    }
    if (setting.uploads === true && mode === 'download') unused.push(longFlag(setting))
  }
  const dryRun = all.get('dry_run')
  if (dryRun !== undefined && parseValue(dryRun) === true && (mode === 'watch' || mode === 'backup-watch')) {
    throw new UsageError(
      'SETTINGS_CONFLICT',
      `${dryRun.label} works only with ${needed['backup or download']}${mode === 'backup-watch' ? ', not with --watch' : ''}`,
    )
  }
  const wait = flags.get('wait_for_paths')
  if (wait !== undefined && mode === 'backup')
    throw new UsageError('SETTINGS_CONFLICT', `${flagName(wait.setting)} works only when watching`)
  return unused.length === 0 ? [] : [`no effect with ${download}: ${unused.join(', ')}`]
}

function configOf(
  values: Values,
  bucket: string,
  paths: readonly string[],
  env: NodeJS.ProcessEnv,
): Omit<Config, 'credentials'> {
  return {
    mode: modeOf(values),
    paths,
    recursive: values.recursive,
    autoAdd: values.auto_add,
    waitForPaths: values.wait_for_paths && modeOf(values) !== 'backup',
    filter: {
      exclude: values.exclude,
      include: values.include,
      snapshots: values.include_snapshots,
      backups: values.include_backups,
    },
    listenEvents: values.listen_events,
    settle: values.settle,
    shutdownTimeout: values.shutdown_timeout,
    index: !values.without_index,
    deleteOnBackup: values.delete_on_backup,
    md5OnStart: values.md5_on_start,
    name: values.name,
    nameFrom: values.name_from,
    prefix: values.prefix,
    separator: values.keyname_separator,
    takeOver: values.take_over,
    engine: {
      threads: values.threads,
      memory: values.memory,
      maxRate: values.max_rate,
      maxUploadSize: values.max_upload_size,
      chunkSize: values.multipart_chunk_size,
      checksum: values.checksum,
      retries: values.retries,
      retryTime: values.retry_time,
    },
    object: {
      storageClass: values.reduced_redundancy ? 'REDUCED_REDUNDANCY' : values.storage_class,
      sse: values.sse_kms_key_id !== undefined ? 'aws:kms' : values.with_sse ? 'AES256' : undefined,
      kmsKeyId: values.sse_kms_key_id,
    },
    s3: {
      endpoint: values.endpoint_url,
      region: values.aws_region,
      pathStyle: values.path_style,
      bucket,
      ca: values.ca_bundle === undefined ? undefined : trusted(values.ca_bundle, env),
      proxies: proxiesOf(env),
      requestTimeout: values.request_timeout,
    },
    all: values.all,
    at: typeof values.at === 'number' ? values.at : undefined,
    atKey: typeof values.at === 'string' ? values.at : undefined,
    only: { keyspaces: values.keyspace, tables: values.table },
    mapPaths: values.map_path.map(pathMap),
    mapTables: values.map_table,
    list: values.list_nodes ? 'nodes' : values.list ? 'moments' : undefined,
    limit: values.limit === 'all' ? undefined : Number(values.limit),
    since: sinceOf(values),
    partial: values.partial,
    replace: values.replace,
    force: values.force,
    dryRun: values.dry_run,
    logFormat: values.log_format,
    status: statusOf(values),
    checkConfig: values.check_config ? { json: values.json } : undefined,
    metricsListen: addressOf(values.metrics_listen),
    logLevel: values.log_level,
    progress: values.progress ?? true,
  }
}

/** A key says one moment, not since when. */
function sinceOf({ since }: Values): number | undefined {
  if (typeof since !== 'string') return since
  throw new UsageError(
    'SETTING_INVALID',
    `--since: ${since} is a key; give a time such as 2026-11-23T04:12:33Z or 2h`,
  )
}

function statusOf({ status, json, max_age: text }: Values): StatusQuery | undefined {
  const maxAge = text === undefined ? undefined : parseDuration(text)
  if (text !== undefined && maxAge === undefined)
    throw new UsageError('SETTING_INVALID', `--max-age: "${text}" is not ${DURATION_FORMS}`)
  return status ? { json, maxAge } : undefined
}

function addressOf(text: string | undefined): ListenAddress | undefined {
  if (text === undefined) return undefined
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  if (port > 65_535)
    throw new UsageError('SETTING_INVALID', `--metrics-listen: ${port} is no port: there are 65535`)
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port }
}

function pathMap(text: string): PathMap {
  const [from = '', ...to] = text.split('=')
  return { from: resolve(from), to: resolve('/', to.join('=')) }
}

/** Two maps of one path contradict each other. */
function checkMaps(maps: readonly PathMap[]): void {
  const twice = maps.find(({ from }, index) => maps.findIndex(other => other.from === from) !== index)
  if (twice === undefined) return
  throw new UsageError('SETTINGS_CONFLICT', `--map-path: ${twice.from} is mapped to more than one place`)
}

/** Bucket and paths; those of the command line replace the file's `args` as a whole. */
function targetOf(
  input: ConfigInput,
  conf: Conf | undefined,
  { list, list_nodes: nodes, status }: Values,
): { bucket: string; paths: string[] } {
  const given = input.positionals.length > 0 ? input.positionals : (conf?.positionals ?? [])
  const [bucket, ...paths] = given
  if (status) return { bucket: bucket ?? '', paths: paths.map(path => absolutePath(path, input.cwd)) }
  if (bucket === undefined) throw new ArgumentsMissingError('the bucket and the path are missing')
  if (paths.length === 0 && (list || nodes)) paths.push('/')
  if (paths.length === 0)
    throw new ArgumentsMissingError(`the path is missing after the bucket: only ${bucket} is given`)
  return { bucket, paths: paths.map(path => absolutePath(path, input.cwd)) }
}

/**
 * Makes the configuration of a run: command line before environment before tablesnap.conf before default, for
 * every setting by itself. The result is frozen through and through.
 * @throws UsageError for anything that is not as it should be, naming where it was given
 * @throws ArgumentsMissingError when bucket or path is missing
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const found = findConf(input)
  const conf = found.path === undefined ? undefined : readConf(found.path)
  // A wrong line of the file is an error even where something else overrides it.
  for (const given of conf?.settings.values() ?? []) parseValue(given)
  const layers = [commandLineLayer(input.flags), environmentLayer(input.env), conf?.settings ?? new Map()]
  const [flags] = layers as [Layer]
  const merged = mergeLayers([...layers, profileLayer(input.env, input.home)])
  const values = valuesOf(merged)
  const mode = modeOf(values)
  const warnings = [...found.warnings, ...(conf?.warnings ?? []), ...checkFlags(flags, merged, mode)]
  const { bucket, paths } = targetOf(input, conf, values)
  // A running tablesnap is asked without one.
  const legacy = values.status && bucket === '' ? undefined : checkBucket(bucket)
  checkMaps(values.map_path.map(pathMap))
  if (legacy !== undefined) warnings.push(legacy)
  if (values.name !== undefined) checkName(values.name, values.keyname_separator)
  if (mode === 'download' && !values.status && paths.length > 1) {
    const ignored = paths.splice(1)
    warnings.push(`-D restores into the first path only; ignored: ${ignored.join(', ')}`)
  }
  const { credentials, warnings: more } = findCredentials(layers, input.env)
  const config: Config = { ...configOf(values, bucket, paths, input.env), credentials }
  const settings = values.check_config ? shownSettings(merged) : []
  return freeze({ config, warnings: [...warnings, ...more], source: conf?.path, settings })
}
