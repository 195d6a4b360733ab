import { Command, CommanderError, Option } from 'commander'
import { UsageError } from '../errors.js'
import { loadConfig, type ConfigInput, type LoadedConfig } from '../config/load.js'
import type { Flags } from '../config/layers.js'
import { GROUPS, flagName, longFlag, type Setting } from '../config/setting.js'
import { SETTINGS, type SettingKey } from '../config/settings.js'
import { nearest } from '../config/suggest.js'
import { describe, epilogue, packageVersion } from './help.js'
import { spellValues, type ValuedFlag } from './values.js'

/** What a command line asks for. */
export type Invocation =
  | { readonly action: 'print'; readonly text: string }
  | {
      readonly action: 'run'
      readonly flags: Flags
      readonly positionals: readonly string[]
      readonly warnings: readonly string[]
    }

/** {@link Invocation}, with the configuration of a run. */
export type Start =
  { readonly action: 'print'; readonly text: string } | ({ readonly action: 'run' } & LoadedConfig)

const general = 'General:'

function optionsOf(setting: Setting): Option[] {
  const short = setting.short === undefined ? '' : `${setting.short}, `
  const value = setting.kind === 'flag' ? '' : ` <${setting.argument}>`
  const option = new Option(`${short}${longFlag(setting)}${value}`, describe(setting))
  if (setting.kind !== 'flag') {
    option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text])
  }
  if (setting.kind !== 'flag' || setting.negatable !== true) return [option]
  return [
    option,
    new Option(longFlag(setting).replace('--', '--no-'), `the opposite of ${longFlag(setting)}`),
  ]
}

/** The parser and the help of tablesnap's command line, made from the table of settings. */
export function buildCommand(columns = 100): Command {
  const command = new Command('tablesnap')
    .usage('[options] <bucket> <path>...')
    .description(
      'Backs up the SSTables of a Cassandra node to S3 as they are written (the default), those that exist (-B), ' +
        'or restores them (-D).',
    )
    .argument('[bucket]')
    .argument('[path...]')
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureHelp({
      helpWidth: Math.min(columns, 100),
      visibleArguments: () => [],
      optionTerm: option => (option.short === undefined ? `    ${option.flags}` : option.flags),
    })
    .helpOption(false)
  for (const group of GROUPS) {
    for (const setting of SETTINGS.filter(one => one.group === group)) {
      for (const option of optionsOf(setting)) command.addOption(option.helpGroup(`${group}:`))
    }
  }
  command.addHelpOption(new Option('-h, --help', 'print this help').helpGroup(general))
  return command
    .optionsGroup(general)
    .version(packageVersion(), '-V, --version', 'print the version')
    .addHelpText('after', `\n${epilogue}`)
}

/** The text of `--help`. */
export function helpText(columns?: number): string {
  let text = ''
  const command = buildCommand(columns).configureOutput({ writeOut: piece => (text += piece) })
  command.outputHelp()
  return text
}

const spellings: ReadonlyMap<string, Setting> = new Map(
  SETTINGS.flatMap(setting =>
    [longFlag(setting), setting.short].flatMap(flag =>
      flag === undefined ? [] : [[flag, setting] as const],
    ),
  ),
)

const negated = SETTINGS.filter(setting => setting.kind === 'flag' && setting.negatable === true).map(
  setting => longFlag(setting).replace('--', '--no-'),
)

const allFlags = [...spellings.keys(), ...negated, '--help', '-h', '--version', '-V']

/**
 * Refuses a flag in the place of another's value: `-k $KEY -s $SECRET` with an empty KEY would take `-s` for
 * the key and the secret for the bucket.
 */
function checkValues(argv: readonly string[]): void {
  for (let at = 0; at < argv.length; at++) {
    const flag = argv[at] ?? ''
    if (flag === '--') return
    const setting = spellings.get(flag)
    if (setting === undefined || setting.kind === 'flag') continue
    const value = argv[++at]
    if (value !== undefined && allFlags.includes(value)) {
      throw new UsageError(
        'FLAG_VALUE_MISSING',
        `${flagName(setting)} needs a value before ${value}; write ${longFlag(setting)}=${value} if that is the value`,
      )
    }
  }
}

/** The flag of an argument whose value follows in the next one: `-e`, `--exclude`, or the last one of `-rae`. */
function valuedFlagOf(argument: string): ValuedFlag | undefined {
  const letters = /^-[A-Za-z]{2,}$/.test(argument)
    ? Array.from(argument.slice(1), letter => `-${letter}`)
    : [argument]
  for (const [index, flag] of letters.entries()) {
    const setting = spellings.get(flag)
    if (setting === undefined) return undefined
    if (setting.kind === 'flag') continue
    // The rest of the same argument is its value.
    return index === letters.length - 1 ? { flag, takesAll: setting.kind === 'patterns' } : undefined
  }
  return undefined
}

/** The usage error for commander's; what follows a flag's = is left out, for it may be a secret. */
function usageError(error: CommanderError): UsageError {
  const [, quoted = ''] = /'([^']*)/.exec(error.message) ?? []
  if (error.code === 'commander.optionMissingArgument') {
    const [short, long] = quoted.replace(/ <.*$/, '').split(', ')
    return new UsageError(
      'FLAG_VALUE_MISSING',
      `${long ?? short ?? ''} needs a value. See tablesnap --help`,
      error,
    )
  }
  if (error.code !== 'commander.unknownOption') {
    return new UsageError('USAGE', error.message.replace(/^error: /, ''), error)
  }
  const flag = quoted.startsWith('--') ? quoted.replace(/=.*$/s, '') : quoted.slice(0, 2)
  if (allFlags.includes(flag)) {
    return new UsageError('FLAG_UNKNOWN', `${flag} takes no value. See tablesnap --help`, error)
  }
  const near = flag.startsWith('--') ? nearest(flag, allFlags) : undefined
  const advice = near === undefined ? '.' : `; did you mean ${near}?`
  return new UsageError('FLAG_UNKNOWN', `unknown flag ${flag}${advice} See tablesnap --help`, error)
}

function textsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'boolean') return [String(value)]
  return Array.isArray(value) ? value.map(String) : undefined
}

/**
 * Parses a command line (without node and script); nothing is printed and nothing exits.
 * @throws UsageError `FLAG_UNKNOWN`, `FLAG_VALUE_MISSING`
 */
export function parseCommandLine(argv: readonly string[], columns?: number): Invocation {
  checkValues(argv)
  const spelled = spellValues(argv, valuedFlagOf)
  let text = ''
  const command = buildCommand(columns).configureOutput({
    writeOut: piece => (text += piece),
    writeErr: () => undefined,
  })
  try {
    command.parse(spelled.argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { action: 'print', text }
    throw usageError(error)
  }
  const flags = new Map<SettingKey, readonly string[]>()
  for (const { key } of SETTINGS) {
    const name = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    const texts = textsOf(command.getOptionValue(name))
    if (texts !== undefined) flags.set(key, texts)
  }
  return { action: 'run', flags, positionals: command.args, warnings: spelled.warnings }
}

/**
 * Makes a run's configuration of its command line, environment and conf file, or the text that `--help` and
 * `--version` ask for.
 * @throws UsageError, and what {@link loadConfig} throws
 */
export function start(
  argv: readonly string[],
  places: Pick<ConfigInput, 'env' | 'cwd' | 'home'>,
  columns?: number,
): Start {
  const invocation = parseCommandLine(argv, columns)
  if (invocation.action === 'print') return invocation
  const { flags, positionals, warnings } = invocation
  const loaded = loadConfig({ flags, positionals, ...places })
  return { action: 'run', ...loaded, warnings: [...warnings, ...loaded.warnings] }
}
