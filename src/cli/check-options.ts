import { Option } from 'commander'

import type { CheckAsked } from '../check/check.js'
import { ArgumentsMissingError, loadConfig, type LoadedConfig } from '../config/load.js'
import type { SettingKey } from '../config/settings.js'

import { checkEpilogue } from './check-help.js'
import { notOfForm, type FlagValues } from './flag-values.js'
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
export type CheckStart = Print | (CheckRun & { readonly action: 'run' })

const ENGINE = ['threads', 'memory', ...REQUESTS] as const satisfies readonly SettingKey[]

const SHARED_KEYS: readonly SettingKey[] = [...NODE, ...S3, ...ENGINE]

const HELP: Partial<Record<SettingKey, string>> = {
  ...SHARED_HELP,
  retries: 'further attempts after a failure that may pass',
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

/** The command line of tablecheck. */
export const tablecheck: OwnCommand = {
  name: 'tablecheck',
  positionals: '<bucket> [path]',
  description: 'Says whether a node can be restored from the bucket, to which moments, and what is wrong.',
  epilogue: checkEpilogue,
  groups,
}

/**
 * Makes a run's configuration of its command line, environment and conf file, or the text that `--help` and `--version` ask for.
 * @throws UsageError, and what {@link loadConfig} throws
 */
export function startCheck(argv: readonly string[], places: Places, columns?: number): CheckStart {
  const parsed = parseOwn(tablecheck, argv, columns)
  if (parsed.action === 'print') return parsed
  const { values, positionals } = parsed
  const [bucket, path] = positionals
  if (bucket === undefined) throw new ArgumentsMissingError('the bucket is missing')
  const directory = nodeDirectory(path ?? '/')
  const flags = new Map([...NO_OTHER_WORK, ...values.settings(SHARED_KEYS)])
  const loaded = loadConfig({ flags, positionals: [bucket, directory], ...places })
  return { ...loaded, action: 'run', options: optionsOf(directory, values) }
}

function optionsOf(path: string, values: FlagValues): CheckOptions {
  return {
    path,
    deep: values.has('--deep'),
    share: shareOf(values.text('--read')),
    drill: drillOf(values.text('--drill')),
    drillDirectory: values.text('--drill-dir'),
    lag: values.span('--lag') ?? 0,
    maxAge: values.span('--max-age'),
    retention: values.span('--retention'),
    repair: values.has('--repair'),
    tables: values.has('--tables'),
    json: values.has('--json'),
    prometheus: values.text('--prometheus'),
  }
}

function shareOf(text: string | undefined): number {
  if (text === undefined) return 0
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%?$/.exec(text)?.[1]
  if (percent !== undefined && Number(percent) <= 100) return Number(percent) / 100
  throw notOfForm('--read', text, 'a number from 0 to 100')
}

function drillOf(text: string | undefined): number | 'table' | undefined {
  if (text === undefined || text === 'table') return text
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw notOfForm('--drill', text, 'a number of SSTables, or `table`')
}
