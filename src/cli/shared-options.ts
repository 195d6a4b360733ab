import { resolve } from 'node:path'

import { Option } from 'commander'

import { isRepeatable, longFlag, shorthandsOf, type Setting } from '../config/setting.js'
import { settingOf, type SettingKey } from '../config/settings.js'
import { UsageError } from '../errors.js'

import { describe } from './help.js'

/** Settings of tablesnap that every other command has, too. */
export const NODE = [
  'name',
  'name_from',
  'prefix',
  'keyname_separator',
] as const satisfies readonly SettingKey[]
export const S3 = [
  'aws_key',
  'aws_secret',
  'aws_token',
  'aws_region',
  'endpoint_url',
  'path_style',
  'ca_bundle',
] as const satisfies readonly SettingKey[]
export const REQUESTS = [
  'retries',
  'retry_time',
  'request_timeout',
  'log_level',
  'log_format',
] as const satisfies readonly SettingKey[]

/** Their help in those commands: tablesnap's speaks of its modes. */
export const SHARED_HELP: Partial<Record<SettingKey, string>> = {
  retries: 'how often a failed request is repeated',
  retry_time: 'how long to wait for a server that cannot be reached',
}

/** How a command has one of tablesnap's settings. */
export interface SharedOption {
  /** In place of tablesnap's help. */
  readonly help?: string | undefined
  /** A flag beside the long one, in place of tablesnap's short one; '': none. */
  readonly flag?: string | undefined
  /** Whether each value is kept where the flag is given twice; only repeatable ones unless given. */
  readonly gathers?: boolean
}

/** The options of a setting that is tablesnap's as well. */
export function sharedOptions(key: SettingKey, { help, flag, gathers }: SharedOption = {}): Option[] {
  const setting = settingOf(key)
  const short = flag ?? setting.short ?? ''
  const flags = `${short === '' ? '' : `${short}, `}${longFlag(setting)}`
  const text = describe({ ...setting, help: help ?? setting.help })
  if (setting.kind !== 'flag') {
    const option = new Option(`${flags} <${setting.argument}>`, text)
    return [
      (gathers ?? isRepeatable(setting)) ? option.argParser(gathered) : option,
      ...shorthandOptions(setting),
    ]
  }
  if (setting.negatable !== true) return [new Option(flags, text)]
  const long = longFlag(setting)
  return [new Option(flags, text), new Option(long.replace('--', '--no-'), `the opposite of ${long}`)]
}

/** The options that stand for a setting with one of its values. */
function shorthandOptions(setting: Setting): Option[] {
  const all = shorthandsOf(setting)
  return all.map(({ short, long, help }) => {
    const others = all.filter(one => one.long !== long).map(one => one.long.slice(2))
    return new Option(`${short}, ${long}`, help).conflicts([...others, optionKey(setting.key)])
  })
}

/** The value of a setting on the command line; a flag such as `-v` stands for `--log-level debug`. */
function optionValue(setting: Setting, values: Readonly<Record<string, unknown>>): unknown {
  const shorthand = shorthandsOf(setting).find(({ long }) => values[long.slice(2)] === true)
  return shorthand?.choice ?? values[optionKey(setting.key)]
}

/** The name that commander gives to a setting's value. */
function optionKey(key: string): string {
  return key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function gathered(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text]
}

/** The settings that a command line gave. @param values by the names that commander gives them */
export function sharedFlags(
  keys: readonly SettingKey[],
  values: Readonly<Record<string, unknown>>,
): Map<SettingKey, readonly string[]> {
  const flags = new Map<SettingKey, readonly string[]>()
  for (const key of keys) {
    const value = optionValue(settingOf(key), values)
    if (typeof value === 'string' || typeof value === 'boolean') flags.set(key, [String(value)])
    else if (Array.isArray(value)) flags.set(key, value.map(String))
  }
  return flags
}

/** Settings that a conf file of tablesnap may give, and that tablechop and tablecheck do not follow. */
export const NO_OTHER_WORK: readonly (readonly [SettingKey, readonly string[]])[] = [
  ['download', ['true']],
  ['all', ['false']],
  ['list', ['false']],
  ['list_nodes', ['false']],
  ['dry_run', ['false']],
  ['force', ['false']],
]

/**
 * The directory on the node whose backup is meant. The error does not repeat the text: the arguments may be in the wrong order, and
 * it may be a secret. @throws UsageError `PATH_INVALID`
 */
export function nodeDirectory(text: string): string {
  if (text.startsWith('/') && !text.includes('\0')) return resolve(text)
  throw new UsageError(
    'PATH_INVALID',
    'the path (the second argument) is a directory of the node that was backed up: it begins with /',
  )
}
