import type { Command, Option } from 'commander'

import { tablecheck } from '../../src/cli/check-options.js'
import { tablechop } from '../../src/cli/chop-options.js'
import { epilogue } from '../../src/cli/help.js'
import { tablesnapCommand } from '../../src/cli/options.js'
import { parserOf } from '../../src/cli/own-command.js'
import { tableslurp } from '../../src/cli/slurp-options.js'
import { longFlag } from '../../src/config/setting.js'
import { SETTINGS } from '../../src/config/settings.js'

/** One flag of a command, for its man page and its completions. */
export interface FlagOf {
  /** As `-h`; undefined: it has a long form only. */
  readonly short: string | undefined
  readonly long: string
  /** The name of its value; undefined: it takes none. */
  readonly value: string | undefined
  /** The values that it may have; empty: any. */
  readonly choices: readonly string[]
  readonly help: string
}

/** A command as `--help` describes it. */
export interface CommandOf {
  readonly name: string
  /** What follows the name in its usage: `[options] <bucket> <path>...`. */
  readonly usage: string
  readonly description: string
  /** The arguments' names, in their order; the last one may repeat. */
  readonly positionals: readonly string[]
  readonly groups: readonly { readonly heading: string; readonly flags: readonly FlagOf[] }[]
  /** The text behind the flags. */
  readonly epilogue: string
}

/** All commands of the package. */
export function allCommands(): CommandOf[] {
  return [
    commandOf(tablesnapCommand(), epilogue),
    ...[tableslurp, tablechop, tablecheck].map(own => commandOf(parserOf(own), own.epilogue)),
  ]
}

function commandOf(command: Command, epilogue: string): CommandOf {
  const groups = new Map<string, FlagOf[]>()
  for (const option of command.createHelp().visibleOptions(command)) {
    const heading = (option.helpGroupHeading ?? 'General:').replace(/:$/, '')
    groups.set(heading, [...(groups.get(heading) ?? []), flagOf(option)])
  }
  return {
    name: command.name(),
    usage: command.usage(),
    description: command.description(),
    positionals: [...command.usage().matchAll(/[<[](\w+)[>\]]/g)]
      .map(([, name = '']) => name)
      .filter(name => name !== 'options'),
    groups: [...groups].map(([heading, flags]) => ({ heading, flags })),
    epilogue,
  }
}

function flagOf(option: Option): FlagOf {
  const long = option.long ?? option.flags
  return {
    short: option.short ?? undefined,
    long,
    value: /<(.+)>/.exec(option.flags)?.[1],
    choices: choicesOf(long),
    help: helpOf(option),
  }
}

function choicesOf(long: string): readonly string[] {
  const setting = SETTINGS.find(one => longFlag(one) === long)
  return setting?.kind === 'choice' || setting?.kind === 'choices' ? setting.choices : []
}

/** commander adds the default itself. */
function helpOf({ description, defaultValue }: Option): string {
  const isShown = typeof defaultValue === 'string' && !description.includes('(default:')
  return isShown ? `${description} (default: ${defaultValue})` : description
}
