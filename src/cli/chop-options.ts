import { Option, type Command } from 'commander'

import { DURATION_FORMS, parseAge, parseDuration } from '../config/duration.js'
import { ArgumentsMissingError, loadConfig, type ConfigInput, type LoadedConfig } from '../config/load.js'
import type { SettingKey } from '../config/settings.js'
import { UsageError } from '../errors.js'
import type { ChopOptions } from '../retention/chop.js'
import type { KeepFlags } from '../retention/keep-rules.js'
import { ChopScope } from '../retention/scope.js'

import { chopEpilogue } from './chop-help.js'
import { buildCommand, helpOf, parse, type OptionGroups } from './parse.js'
import { NO_OTHER_WORK, nodeDirectory, sharedFlags, sharedOptions } from './shared-options.js'

/** A run of tablechop. */
export interface ChopRun extends LoadedConfig {
  readonly options: ChopOptions
  /** Whether one run makes a plan, waits, and carries it out. */
  readonly isNow: boolean
  /** Whether each object that goes is printed. */
  readonly lists: boolean
}

/** A command line of tablechop, with the configuration of its run. */
export type ChopStart =
  { readonly action: 'print'; readonly text: string } | (ChopRun & { readonly action: 'run' })

/** A plan that is younger than this could name what a run of tablesnap is about to name, ms; see `Fence`. */
const LEAST_GRACE = 300_000

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
  'retries',
  'retry_time',
  'request_timeout',
  'log_level',
  'log_format',
] as const satisfies readonly SettingKey[]

const SHARED_KEYS: readonly SettingKey[] = ['dry_run', 'force', ...NODE, ...S3, ...ENGINE]

const HELP: Partial<Record<SettingKey, string>> = {
  force: 'ignore the limits, and do not check that tablesnap on the node reads plans',
  retries: 'how often a failed request is repeated',
  retry_time: 'how long to wait for a server that cannot be reached',
}

/** The flags of the Python tablechop that tablesnap calls otherwise. */
const FORMER: Partial<Record<SettingKey, string>> = {
  aws_key: 'key',
  aws_secret: 'secret',
  aws_token: 'token',
}

const KEEP = ['last', 'hourly', 'daily', 'weekly', 'monthly'] as const

function groups(): OptionGroups {
  const shared = (key: SettingKey): Option[] => sharedOptions(key, { help: HELP[key] })
  const per = { last: '', hourly: ' hours', daily: ' days', weekly: ' weeks', monthly: ' months' }
  return {
    'What to do': [
      new Option('-r, --recursive', 'everything below the path, not only the files directly in it'),
      new Option('-d, --debug', 'print what would be deleted, and change nothing'),
      new Option('--dry-run', 'the same as --debug'),
      new Option('-l, --list-deletes', 'print each object that is deleted'),
      new Option('--now', 'write a plan, wait for the grace time, and carry the plan out in one run'),
      new Option(
        '--grace <time>',
        'how old a plan must be before it is carried out; less than 5m only with --force',
      ).default('1h'),
    ],
    'What stays': [
      new Option(
        '--keep-within <time>',
        'keep restore points up to this long before the newest one; with any --keep-… flag, younger restore points stay only if a flag names them',
      ),
      ...KEEP.map(
        name =>
          new Option(
            `--keep-${name} <n>`,
            name === 'last'
              ? 'the n newest complete restore points'
              : `the newest complete restore point of each of the n newest${per[name]} that have one`,
          ),
      ),
      new Option(
        '--max-delete-percent <n>',
        'delete nothing of a table that would lose more than this share of its bytes; --force ignores this',
      ).default('50'),
      new Option(
        '--min-restore-points <n>',
        'delete nothing of a table that would keep fewer complete restore points; --force ignores this',
      ).default('1'),
      ...shared('force'),
    ],
    'Node and keys': NODE.flatMap(shared),
    S3: [
      ...S3.flatMap(shared),
      ...Object.values(FORMER).map(name => new Option(`--${name} <text>`).hideHelp()),
    ],
    Engine: [
      new Option('-j, --parallel <n>', 'delete requests under way at once').default('5'),
      ...ENGINE.flatMap(shared),
    ],
  }
}

/** The parser of tablechop's command line; the man page and the completions are made of it, too. */
export function chopCommand(columns?: number): Command {
  return buildCommand('tablechop', groups(), chopEpilogue, columns)
    .usage('[options] <bucket> <path> <age>')
    .description(
      'Deletes objects from the bucket that no restore point needs which is kept: per table the newest one, those that are ' +
        'younger than the age, and the newest complete one that is not.',
    )
    .argument('[bucket]')
    .argument('[path]')
    .argument('[age]')
}

/** The text of tablechop's `--help`. */
export function chopHelp(columns?: number): string {
  return helpOf(chopCommand(columns))
}

/**
 * Makes a run's configuration of its command line, environment and conf file, or the text that `--help` and `--version` ask for.
 * @throws UsageError, and what {@link loadConfig} throws
 */
export function startChop(
  argv: readonly string[],
  places: Pick<ConfigInput, 'env' | 'cwd' | 'home'>,
  columns?: number,
): ChopStart {
  const parsed = parse(chopCommand(columns), argv)
  if (parsed.action === 'print') return parsed
  const { values, positionals } = parsed
  const [bucket, path, age, more] = positionals
  if (bucket === undefined || path === undefined || age === undefined)
    throw new ArgumentsMissingError('bucket, path or age is missing')
  if (more !== undefined)
    throw new UsageError('USAGE', 'there are more arguments than bucket, path and age. See tablechop --help')
  const flags = new Map<SettingKey, readonly string[]>([
    ...NO_OTHER_WORK,
    ...sharedFlags(SHARED_KEYS, values),
  ])
  for (const key of S3) {
    const former = values[FORMER[key] ?? '']
    if (typeof former === 'string') flags.set(key, [former])
  }
  if (values['debug'] === true) flags.set('dry_run', ['true'])
  const loaded = loadConfig({ flags, positionals: [bucket, '/'], ...places })
  const { force, dryRun } = loaded.config
  const isNow = values['now'] === true
  if (isNow && dryRun)
    throw new UsageError('SETTINGS_CONFLICT', '--now and --dry-run cannot be used together')
  const options: ChopOptions = {
    scope: new ChopScope(nodeDirectory(path), values['recursive'] === true),
    age: spanOf('the age (the third argument)', age, `days, or ${DURATION_FORMS}`, parseAge),
    keep: keepOf(values),
    grace: graceOf(String(values['grace']), force),
    isDryRun: dryRun,
    maxDeletePercent: countOf(values, 'maxDeletePercent', '--max-delete-percent', 0, 100),
    floor: countOf(values, 'minRestorePoints', '--min-restore-points', 0, 1_000_000),
    force,
    parallel: countOf(values, 'parallel', '-j/--parallel', 1, 64),
  }
  return { ...loaded, action: 'run', options, isNow, lists: values['listDeletes'] === true }
}

function spanOf(
  what: string,
  text: string,
  forms: string,
  parse: (text: string) => number | undefined,
): number {
  const span = parse(text)
  if (span !== undefined) return span
  throw new UsageError('SETTING_INVALID', `${what}: ${JSON.stringify(text.slice(0, 100))} is not ${forms}`)
}

function graceOf(text: string, force: boolean): number {
  const grace = spanOf('--grace', text, DURATION_FORMS, parseDuration)
  if (grace >= LEAST_GRACE || force) return grace
  throw new UsageError(
    'SETTING_INVALID',
    '--grace: a run of tablesnap may name an object for some minutes before it sees the plan: give 5m or more, or --force where none runs',
  )
}

function keepOf(values: Readonly<Record<string, unknown>>): KeepFlags {
  const within = values['keepWithin']
  const counts = KEEP.map(name => {
    const key = `keep${name.charAt(0).toUpperCase()}${name.slice(1)}`
    return [
      name,
      values[key] === undefined ? undefined : countOf(values, key, `--keep-${name}`, 0, 1_000_000),
    ]
  })
  return {
    ...(typeof within === 'string'
      ? { within: spanOf('--keep-within', within, DURATION_FORMS, parseDuration) }
      : {}),
    ...(Object.fromEntries(counts) as KeepFlags),
  }
}

function countOf(
  values: Readonly<Record<string, unknown>>,
  key: string,
  flag: string,
  least: number,
  most: number,
): number {
  const text = String(values[key])
  const count = /^\d{1,7}$/.test(text) ? Number(text) : NaN
  if (count >= least && count <= most) return count
  throw new UsageError(
    'SETTING_INVALID',
    `${flag}: ${JSON.stringify(text.slice(0, 100))} is no whole number from ${least} to ${most}`,
  )
}
