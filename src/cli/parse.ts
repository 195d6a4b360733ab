import { Command, CommanderError, Option } from 'commander'

import { nearest } from '../config/suggest.js'
import { UsageError } from '../errors.js'

import { fit } from './fit.js'
import { versionText } from './version.js'

/** A parsed command line; the values have the names that commander gives them. */
export type Parsed =
  | { readonly action: 'print'; readonly text: string }
  | {
      readonly action: 'run'
      readonly values: Readonly<Record<string, unknown>>
      readonly positionals: readonly string[]
    }

/** Options under one heading of `--help`. */
export type OptionGroups = Readonly<Record<string, readonly Option[]>>

/** A command line with its options in groups; `--help` and `--version` come last. @param epilogue what follows the flags */
export function buildCommand(name: string, groups: OptionGroups, epilogue: string, columns = 100): Command {
  const command = new Command(name)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureHelp({
      helpWidth: Math.min(columns, 100),
      visibleArguments: () => [],
      optionTerm: option => (/^-\w$/.test(option.short ?? '') ? option.flags : `    ${option.flags}`),
    })
    .helpOption(false)
  for (const [group, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(`${group}:`))
  }
  const general = 'General:'
  return command
    .addHelpOption(new Option('-h, --help', 'print this help').helpGroup(general))
    .optionsGroup(general)
    .version(versionText(), '-V, --version', 'print the version')
    .addHelpText('after', `\n${fit(epilogue, Math.min(columns, 100))}`)
}

/** The text of a command's `--help`. */
export function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: piece => (text += piece) }).outputHelp()
  return text
}

/**
 * Parses a command line (without node and script); nothing is printed and nothing exits.
 * @param spell gives the command line the form that commander understands
 * @throws UsageError `FLAG_UNKNOWN`, `FLAG_VALUE_MISSING`
 */
export function parse(
  command: Command,
  argv: readonly string[],
  spell: (argv: readonly string[]) => readonly string[] = all => all,
): Parsed {
  checkValues(command, argv)
  let text = ''
  command.configureOutput({ writeOut: piece => (text += piece), writeErr: () => undefined })
  command.allowExcessArguments()
  try {
    command.parse(spell(argv), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { action: 'print', text }
    throw usageError(command, error)
  }
  return { action: 'run', values: command.opts(), positionals: command.args }
}

function flagsOf(option: Option): string[] {
  return [option.long, option.short].filter(flag => flag !== undefined)
}

function allFlags(command: Command): string[] {
  return [...command.options.flatMap(flagsOf), '--help', '-h']
}

/**
 * Refuses a flag in the place of another's value: `-k $KEY -s $SECRET` with an empty KEY would take `-s` for the key and
 * the secret for the bucket.
 */
function checkValues(command: Command, argv: readonly string[]): void {
  const all = allFlags(command)
  for (let at = 0; at < argv.length; at++) {
    const flag = argv[at] ?? ''
    if (flag === '--') return
    const option = command.options.find(one => flagsOf(one).includes(flag))
    if (option?.required !== true) continue
    const value = argv[++at]
    if (value !== undefined && all.includes(value)) {
      const long = option.long ?? flag
      throw new UsageError(
        'FLAG_VALUE_MISSING',
        `${flagsOf(option).reverse().join('/')} needs a value before ${value}; write ${long}=${value} if that is the value`,
      )
    }
  }
}

/** The usage error for commander's; what follows a flag's = is left out, for it may be a secret. */
function usageError(command: Command, error: CommanderError): UsageError {
  const see = `See ${command.name()} --help`
  const [, quoted = ''] = /'([^']*)/.exec(error.message) ?? []
  if (error.code === 'commander.optionMissingArgument') {
    const [short, long] = quoted.replace(/ <.*$/, '').split(', ')
    return new UsageError('FLAG_VALUE_MISSING', `${long ?? short ?? ''} needs a value. ${see}`, error)
  }
  if (error.code !== 'commander.unknownOption') {
    return new UsageError('USAGE', error.message.replace(/^error: /, ''), error)
  }
  const flag = quoted.startsWith('--') ? quoted.replace(/=.*$/s, '') : quoted.slice(0, 2)
  const all = allFlags(command)
  if (all.includes(flag)) return new UsageError('FLAG_UNKNOWN', `${flag} takes no value. ${see}`, error)
  const near = flag.startsWith('--') ? nearest(flag, all) : undefined
  const advice = near === undefined ? '.' : `; did you mean ${near}?`
  return new UsageError('FLAG_UNKNOWN', `unknown flag ${flag}${advice} ${see}`, error)
}
