import type { Command } from 'commander'

import type { Flags } from '../config/layers.js'
import { loadConfig, type LoadedConfig } from '../config/load.js'
import { GROUPS, longFlag, shorthandsOf } from '../config/setting.js'
import { SETTINGS } from '../config/settings.js'

import { epilogue } from './help.js'
import type { Places, Print } from './own-command.js'
import { buildCommand, helpOf, parse, type OptionGroups } from './parse.js'
import { sharedFlags, sharedOptions } from './shared-options.js'
import { spellValues, type ValuedFlag } from './values.js'

/** A parsed command line. */
export type Invocation =
  | Print
  | {
      readonly action: 'run'
      readonly flags: Flags
      readonly positionals: readonly string[]
      readonly warnings: readonly string[]
    }

/** {@link Invocation}, with the configuration of a run. */
export type Start = Print | ({ readonly action: 'run' } & LoadedConfig)

function groups(): OptionGroups {
  return Object.fromEntries(
    GROUPS.map(group => [
      group,
      SETTINGS.filter(one => one.group === group).flatMap(({ key }) => sharedOptions(key, { gathers: true })),
    ]),
  )
}

/** The parser of tablesnap's command line, made from the table of settings; the man page and the completions are made of it, too. */
export function tablesnapCommand(columns?: number): Command {
  return buildCommand('tablesnap', groups(), epilogue, columns)
    .usage('[options] <bucket> <path>...')
    .description(
      'Backs up the SSTables of a Cassandra node to S3 as they are written (the default), those that exist (-B), ' +
        'or restores them (-D).',
    )
    .argument('[bucket]')
    .argument('[path...]')
}

/** The text of `--help`. */
export function helpText(columns?: number): string {
  return helpOf(tablesnapCommand(columns))
}

/** Whether a value follows a flag, and whether all do that follow. */
const spellings: ReadonlyMap<string, 'alone' | 'value' | 'values'> = new Map(
  SETTINGS.flatMap(setting => {
    const kind = setting.kind === 'flag' ? 'alone' : setting.kind === 'patterns' ? 'values' : 'value'
    const own = [longFlag(setting), setting.short].map(flag => [flag, kind] as const)
    const others = shorthandsOf(setting).flatMap(({ short, long }) => [short, long])
    return [...own, ...others.map(flag => [flag, 'alone'] as const)].flatMap(([flag, follows]) =>
      flag === undefined ? [] : [[flag, follows] as const],
    )
  }),
)

/** The flag of an argument whose value follows in the next one: `-e`, `--exclude`, or the last one of `-rae`. */
function valuedFlagOf(argument: string): ValuedFlag | undefined {
  const letters = /^-[A-Za-z]{2,}$/.test(argument)
    ? Array.from(argument.slice(1), letter => `-${letter}`)
    : [argument]
  for (const [index, flag] of letters.entries()) {
    const follows = spellings.get(flag)
    if (follows === undefined) return undefined
    if (follows === 'alone') continue
    // The rest of the same argument is its value.
    return index === letters.length - 1 ? { flag, takesAll: follows === 'values' } : undefined
  }
  return undefined
}

/**
 * Parses a command line (without node and script); nothing is printed and nothing exits.
 * @throws UsageError `FLAG_UNKNOWN`, `FLAG_VALUE_MISSING`
 */
export function parseCommandLine(argv: readonly string[], columns?: number): Invocation {
  let warnings: readonly string[] = []
  const parsed = parse(tablesnapCommand(columns), argv, all => {
    const spelled = spellValues(all, valuedFlagOf)
    warnings = spelled.warnings
    return spelled.argv
  })
  if (parsed.action === 'print') return parsed
  const flags = sharedFlags(
    SETTINGS.map(({ key }) => key),
    parsed.values,
  )
  return { action: 'run', flags, positionals: parsed.positionals, warnings }
}

/**
 * Makes a run's configuration of its command line, environment and conf file, or the text that `--help` and
 * `--version` ask for.
 * @throws UsageError, and what {@link loadConfig} throws
 */
export function start(argv: readonly string[], places: Places, columns?: number): Start {
  const invocation = parseCommandLine(argv, columns)
  if (invocation.action === 'print') return invocation
  const { flags, positionals, warnings } = invocation
  const loaded = loadConfig({ flags, positionals, ...places })
  return { action: 'run', ...loaded, warnings: [...warnings, ...loaded.warnings] }
}
