import type { Command } from 'commander'

import type { ConfigInput } from '../config/load.js'
import { UsageError } from '../errors.js'

import { FlagValues } from './flag-values.js'
import { buildCommand, helpOf, parse, type OptionGroups } from './parse.js'

/** A command beside tablesnap, as it is declared. */
export interface OwnCommand {
  readonly name: string
  /** As in the line of usage: `<bucket> [path]`. */
  readonly positionals: string
  readonly description: string
  /** The text behind the flags in `--help`. */
  readonly epilogue: string
  readonly groups: () => OptionGroups
}

/** The text that `--help` or `--version` asks for. */
export interface Print {
  readonly action: 'print'
  readonly text: string
}

/** Where a configuration comes from, besides the command line. */
export type Places = Pick<ConfigInput, 'env' | 'cwd' | 'home'>

/** The parser of a command line; the man page and the completions are made of it, too. */
export function parserOf(own: OwnCommand, columns?: number): Command {
  const command = buildCommand(own.name, own.groups(), own.epilogue, columns)
    .usage(`[options] ${own.positionals}`)
    .description(own.description)
  for (const name of namesOf(own)) command.argument(`[${name}]`)
  return command
}

/** The text of `--help`. */
export function helpTextOf(own: OwnCommand, columns?: number): string {
  return helpOf(parserOf(own, columns))
}

/** Parses a command line; nothing is printed and nothing exits. @throws UsageError as of {@link parse}; `USAGE` */
export function parseOwn(
  own: OwnCommand,
  argv: readonly string[],
  columns?: number,
): Print | { readonly action: 'run'; readonly values: FlagValues; readonly positionals: readonly string[] } {
  const parsed = parse(parserOf(own, columns), argv)
  if (parsed.action === 'print') return parsed
  const names = namesOf(own)
  if (parsed.positionals.length > names.length) {
    const all = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
    throw new UsageError('USAGE', `there are more arguments than ${all}. See ${own.name} --help`)
  }
  return { ...parsed, values: new FlagValues(parsed.values) }
}

function namesOf({ positionals }: OwnCommand): string[] {
  return positionals.match(/\w+/g) ?? []
}
