import { Option } from 'commander'

import { DURATION_FORMS, parseAge } from '../config/duration.js'
import { ArgumentsMissingError, loadConfig, type LoadedConfig } from '../config/load.js'
import type { SettingKey } from '../config/settings.js'
import { UsageError } from '../errors.js'
import type { ChopOptions } from '../retention/chop.js'
import type { KeepFlags } from '../retention/keep-rules.js'
import { ChopScope } from '../retention/scope.js'

import { chopEpilogue } from './chop-help.js'
import { spanOf, type FlagValues } from './flag-values.js'
import { parseOwn, type OwnCommand, type Places, type Print } from './own-command.js'
import type { OptionGroups } from './parse.js'
import {
  NODE,
  NO_OTHER_WORK,
  REQUESTS,
  S3,
  SHARED_HELP,
  nodeDirectory,
  sharedOptions,
} from './shared-options.js'

/** A run of tablechop. */
export interface ChopRun extends LoadedConfig {
  readonly options: ChopOptions
  /** Whether one run makes a plan, waits, and carries it out. */
  readonly isNow: boolean
  /** Whether each object that goes is printed. */
  readonly lists: boolean
}

/** A command line of tablechop, with the configuration of its run. */
export type ChopStart = Print | (ChopRun & { readonly action: 'run' })

/** A plan that is younger than this could name what a run of tablesnap is about to name, ms; see `Fence`. */
const LEAST_GRACE = 300_000

const SHARED_KEYS: readonly SettingKey[] = ['dry_run', 'force', ...NODE, ...S3, ...REQUESTS]

const HELP: Partial<Record<SettingKey, string>> = {
  ...SHARED_HELP,
  force: 'ignore the limits, and do not check that tablesnap on the node reads plans',
}

/** The flags of the Python tablechop that tablesnap calls otherwise. */
const FORMER = [
  ['aws_key', 'key'],
  ['aws_secret', 'secret'],
  ['aws_token', 'token'],
] as const satisfies readonly (readonly [SettingKey, string])[]

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
    S3: [...S3.flatMap(shared), ...FORMER.map(([, name]) => new Option(`--${name} <text>`).hideHelp())],
    Engine: [
      new Option('-j, --parallel <n>', 'delete requests under way at once').default('5'),
      ...REQUESTS.flatMap(shared),
    ],
  }
}

/** The command line of tablechop. */
export const tablechop: OwnCommand = {
  name: 'tablechop',
  positionals: '<bucket> <path> <age>',
  description:
    'Deletes objects from the bucket that no restore point needs which is kept: per table the newest one, those that are ' +
    'younger than the age, and the newest complete one that is not.',
  epilogue: chopEpilogue,
  groups,
}

/**
 * Makes a run's configuration of its command line, environment and conf file, or the text that `--help` and `--version` ask for.
 * @throws UsageError, and what {@link loadConfig} throws
 */
export function startChop(argv: readonly string[], places: Places, columns?: number): ChopStart {
  const parsed = parseOwn(tablechop, argv, columns)
  if (parsed.action === 'print') return parsed
  const { values, positionals } = parsed
  const [bucket, path, age] = positionals
  if (bucket === undefined || path === undefined || age === undefined)
    throw new ArgumentsMissingError('bucket, path or age is missing')
  const loaded = loadConfig({ flags: flagsOf(values), positionals: [bucket, '/'], ...places })
  const { force, dryRun } = loaded.config
  const isNow = values.has('--now')
  if (isNow && dryRun)
    throw new UsageError('SETTINGS_CONFLICT', '--now and --dry-run cannot be used together')
  const options: ChopOptions = {
    scope: new ChopScope(nodeDirectory(path), values.has('--recursive')),
    age: spanOf('the age (the third argument)', age, `days, or ${DURATION_FORMS}`, parseAge),
    keep: keepOf(values),
    grace: graceOf(values, force),
    isDryRun: dryRun,
    maxDeletePercent: values.count('--max-delete-percent', 0, 100) ?? 0,
    floor: values.count('--min-restore-points', 0, 1_000_000) ?? 0,
    force,
    parallel: values.count('--parallel', 1, 64, '-j/--parallel') ?? 1,
  }
  return { ...loaded, action: 'run', options, isNow, lists: values.has('--list-deletes') }
}

function flagsOf(values: FlagValues): Map<SettingKey, readonly string[]> {
  const flags = new Map([...NO_OTHER_WORK, ...values.settings(SHARED_KEYS)])
  for (const [key, name] of FORMER) {
    const former = values.raw(`--${name}`)
    if (former !== undefined) flags.set(key, [former])
  }
  if (values.has('--debug')) flags.set('dry_run', ['true'])
  return flags
}

function graceOf(values: FlagValues, force: boolean): number {
  const grace = values.span('--grace') ?? 0
  if (grace >= LEAST_GRACE || force) return grace
  throw new UsageError(
    'SETTING_INVALID',
    '--grace: a run of tablesnap may name an object for some minutes before it sees the plan: give 5m or more, or --force where none runs',
  )
}

function keepOf(values: FlagValues): KeepFlags {
  const within = values.span('--keep-within')
  const counts = KEEP.map(name => [name, values.count(`--keep-${name}`, 0, 1_000_000)])
  return { ...(within === undefined ? {} : { within }), ...(Object.fromEntries(counts) as KeepFlags) }
}
