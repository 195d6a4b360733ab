import { Option, type Command } from 'commander'

import type { CheckAsked } from '../check/check.js'
import { DURATION_FORMS, parseDuration } from '../config/duration.js'
import { ArgumentsMissingError, loadConfig, type ConfigInput, type LoadedConfig } from '../config/load.js'
import type { SettingKey } from '../config/settings.js'
import { UsageError } from '../errors.js'

import { checkEpilogue } from './check-help.js'
import { buildCommand, helpOf, parse, type OptionGroups } from './parse.js'
import { NO_OTHER_WORK, nodeDirectory, sharedFlags, sharedOptions } from './shared-options.js'

/** A run of tablecheck: the checks that were asked for, and the form of the report. */
export interface CheckOptions extends CheckAsked {
  readonly repair: boolean
  /** Whether the report has a line for each table. */
  readonly tables: boolean
  readonly json: boolean
  readonly prometheus: string | undefined
}

/** A run of tablecheck. */
export interface CheckRun extends LoadedConfig {
  readonly options: CheckOptions
}

/** A command line of tablecheck, with the configuration of its run. */
export type CheckStart =
  { readonly action: 'print'; readonly text: string } | (CheckRun & { readonly action: 'run' })

const NODE = ['name', 'name_from', 'prefix', 'keyname_separator'] as const satisfies readonly SettingKey[]
const S3 = [
  'aws_key',
  'aws_secret',
  'aws_token',
  'aws_region',
  'endpoint_url',
  'path_style',
  'ca_bundle',
] as const satisfies readonly SettingKey[]
const ENGINE = [
  'threads',
  'memory',
  'retries',
  'retry_time',
  'request_timeout',
  'log_level',
  'log_format',
] as const satisfies readonly SettingKey[]

const SHARED_KEYS: readonly SettingKey[] = [...NODE, ...S3, ...ENGINE]

const HELP: Partial<Record<SettingKey, string>> = {
  retries: 'further attempts after a failure that may pass',
  retry_time: 'how long to wait for a server that cannot be reached',
}

function groups(): OptionGroups {
  const shared = (key: SettingKey): Option[] => sharedOptions(key, { help: HELP[key] })
  return {
    'What to look at': [
      new Option('--deep', 'ask for the checksum of every object (a HEAD each)'),
      new Option('--read <percent>', 'read so many percent of the objects, and compare their bytes'),
      new Option(
        '--drill <n>',
        'restore n random SSTables for a test, or `table`: one random table at one random moment',
      ),
      new Option(
        '--drill-dir <directory>',
        'where that is done; by default in the directory for temporary files',
      ),
      new Option(
        '--lag <time>',
        'on the node: how long an SSTable may lie on its disk before a restore point has to name it',
      ).default('10m'),
      new Option('--max-age <time>', 'how old the newest restore point may be; exit code 3 when it is older'),
      new Option(
        '--retention <time>',
        'how long restore points are to be kept: a shorter Object Lock is a finding',
      ),
      new Option('--repair', 'on the node: upload from its disk what the bucket has lost'),
    ],
    Report: [
      new Option('--tables', 'a line for each table as well: to which moments it can be restored'),
      new Option('--json', 'print the report as one JSON document'),
      new Option('--prometheus <file>', "write metrics for node_exporter's textfile collector"),
    ],
    'Node and keys': NODE.flatMap(shared),
    S3: S3.flatMap(shared),
    Engine: ENGINE.flatMap(shared),
  }
}

/** The parser of tablecheck's command line; the man page and the completions are made of it, too. */
export function checkCommand(columns?: number): Command {
  return buildCommand('tablecheck', groups(), checkEpilogue, columns)
    .usage('[options] <bucket> [path]')
    .description('Says whether a node can be restored from the bucket, to which moments, and what is wrong.')
    .argument('[bucket]')
    .argument('[path]')
}

/** The text of tablecheck's `--help`. */
export function checkHelp(columns?: number): string {
  return helpOf(checkCommand(columns))
}

/**
 * Makes a run's configuration of its command line, environment and conf file, or the text that `--help` and `--version` ask for.
 * @throws UsageError, and what {@link loadConfig} throws
 */
export function startCheck(
  argv: readonly string[],
  places: Pick<ConfigInput, 'env' | 'cwd' | 'home'>,
  columns?: number,
): CheckStart {
  const parsed = parse(checkCommand(columns), argv)
  if (parsed.action === 'print') return parsed
  const { values, positionals } = parsed
  const [bucket, path, more] = positionals
  if (bucket === undefined) throw new ArgumentsMissingError('the bucket is missing')
  if (more !== undefined)
    throw new UsageError('USAGE', 'there are more arguments than bucket and path. See tablecheck --help')
  const directory = nodeDirectory(path ?? '/')
  const flags = new Map<SettingKey, readonly string[]>([
    ...NO_OTHER_WORK,
    ...sharedFlags(SHARED_KEYS, values),
  ])
  const loaded = loadConfig({ flags, positionals: [bucket, directory], ...places })
  const options: CheckOptions = {
    path: directory,
    deep: values['deep'] === true,
    share: shareOf(textOf(values, 'read', '--read')),
    drill: drillOf(textOf(values, 'drill', '--drill')),
    drillDirectory: textOf(values, 'drillDir', '--drill-dir'),
    lag: spanOf(textOf(values, 'lag', '--lag'), '--lag') ?? 0,
    maxAge: spanOf(textOf(values, 'maxAge', '--max-age'), '--max-age'),
    retention: spanOf(textOf(values, 'retention', '--retention'), '--retention'),
    repair: values['repair'] === true,
    tables: values['tables'] === true,
    json: values['json'] === true,
    prometheus: textOf(values, 'prometheus', '--prometheus'),
  }
  return { ...loaded, action: 'run', options }
}

function shareOf(text: string | undefined): number {
  if (text === undefined) return 0
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%?$/.exec(text)?.[1]
  if (percent !== undefined && Number(percent) <= 100) return Number(percent) / 100
  throw invalid('--read', text, 'a number from 0 to 100')
}

function drillOf(text: string | undefined): number | 'table' | undefined {
  if (text === undefined || text === 'table') return text
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw invalid('--drill', text, 'a number of SSTables, or `table`')
}

function spanOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined
  const span = parseDuration(text)
  if (span !== undefined) return span
  throw invalid(flag, text, DURATION_FORMS)
}

function textOf(values: Readonly<Record<string, unknown>>, key: string, flag: string): string | undefined {
  const value = values[key]
  if (value === '') throw new UsageError('SETTING_INVALID', `${flag}: the value is empty`)
  return typeof value === 'string' ? value : undefined
}

function invalid(flag: string, text: string, forms: string): UsageError {
  return new UsageError('SETTING_INVALID', `${flag}: ${JSON.stringify(text.slice(0, 100))} is not ${forms}`)
}
