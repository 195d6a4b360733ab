import { errorMessage, UsageError } from '../errors.js'

import type { Given } from './given.js'
import { Pattern } from './pattern.js'
import type {
  ChoiceSetting,
  ChoicesSetting,
  FlagSetting,
  NumberSetting,
  Setting,
  TextSetting,
  TextsSetting,
  Unit,
} from './setting.js'
import { TIME_FORMS, isMomentKey, parseTime } from './time.js'

const factors: Readonly<Record<Unit, number>> = {
  MB: 2 ** 20,
  milliseconds: 1,
  seconds: 1000,
  bytes: 1,
  threads: 1,
  attempts: 1,
}

const exponents: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 }

const truths: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
])

const forms: Readonly<Record<Exclude<NonNullable<TextSetting['form']>, 'url'>, readonly [RegExp, string]>> = {
  credential: [/^[\x21-\x7e]+$/, 'blanks or characters that are not printable ASCII'],
  word: [/^[\w-]+$/, 'something else than letters, digits, - and _'],
  count: [/^(?:all|[1-9]\d{0,8})$/, 'something else than a number from 1 on, or all'],
  address: [
    /^(?:\[[0-9a-f:.]+\]|[\w.-]+):(?:[1-9]\d{0,4}|0)$/i,
    'something else than host:port, such as 127.0.0.1:9109 or [::1]:9109',
  ],
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  printable: [/^[^\x00-\x1f\x7f]*$/, 'control characters'],
}

const listed: Readonly<Record<TextsSetting['form'], readonly [RegExp, string]>> = {
  keyspace: [/^\w+$/, 'the name of a keyspace'],
  table: [/^\w+\.\w+(?:-[0-9a-f]{32})?$/, 'a table such as ks.table, or ks.table-<id> for one of several'],
  'path map': [
    // eslint-disable-next-line no-control-regex -- control characters are what it is about
    /^\/[^=\x00]*=(?!(?:.*\/)?\.\.(?:\/|$))[^\x00]+$/,
    'OLD=NEW: OLD is an absolute path of the node that was backed up, NEW one below the target, without ..',
  ],
}

function invalid(given: Given, message: string, cause?: unknown): UsageError {
  return new UsageError('SETTING_INVALID', `${given.label}: ${message}`, cause)
}

/** A byte count as a person writes it: `64MiB`. */
function exactBytes(bytes: number): string {
  for (const [exponent, unit] of [
    [4, 'TiB'],
    [3, 'GiB'],
    [2, 'MiB'],
    [1, 'KiB'],
  ] as const) {
    if (bytes > 0 && bytes % 1024 ** exponent === 0) return `${bytes / 1024 ** exponent}${unit}`
  }
  return String(bytes)
}

function parseFlag(setting: FlagSetting, given: Given): boolean {
  const text = given.texts[0] ?? ''
  const value = truths.get(text.toLowerCase())
  if (value === undefined) {
    throw invalid(given, `"${text}" is neither true, yes, on or 1 nor false, no, off or 0`)
  }
  return value
}

function numberFrom(text: string, unit: Unit): number | undefined {
  if (unit !== 'bytes') return /^\d{1,15}$/.test(text) ? Number(text) : undefined
  const [, digits, prefix = ''] = /^(\d{1,15}(?:\.\d{1,9})?) ?(?:([kmgt])i?)?b?$/i.exec(text) ?? []
  if (digits === undefined) return undefined
  return Math.floor(Number(digits) * 1024 ** (exponents[prefix.toLowerCase()] ?? 0))
}

function parseNumber(setting: NumberSetting, given: Given): number {
  const text = given.texts[0] ?? ''
  const value = numberFrom(text, setting.unit)
  if (value !== undefined && value >= setting.min && value <= setting.max)
    return value * factors[setting.unit]
  const range =
    setting.unit === 'bytes'
      ? `a number of bytes from ${exactBytes(setting.min)} to ${exactBytes(setting.max)}, such as 64MiB`
      : `a whole number of ${setting.unit} from ${setting.min} to ${setting.max}`
  const why = value !== undefined && setting.why !== undefined ? ` (${setting.why})` : ''
  throw invalid(given, `"${text}" is not ${range}${why}`)
}

function parseChoices(setting: ChoiceSetting | ChoicesSetting, given: Given): readonly string[] {
  for (const text of given.texts) {
    if (!setting.choices.includes(text)) {
      throw invalid(given, `"${text}" is none of ${setting.choices.join(', ')}`)
    }
  }
  return [...new Set(given.texts)]
}

/** An endpoint as scheme, host and port. */
function parseUrl(text: string, given: Given): string {
  // A user and a password in an URL are secrets: such a text is never shown.
  const shown = text.includes('@') ? 'the URL' : `"${text}"`
  if (!/^https?:\/\//i.test(text)) {
    throw invalid(given, `${shown} does not begin with http:// or https://`)
  }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw invalid(given, `${shown} is not a URL`)
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(given, 'the URL has a user or a password in it; use --aws-key and --aws-secret')
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw invalid(given, `${shown} has more than scheme, host and port; the bucket is the first argument`)
  }
  return url.origin
}

function parseText(setting: TextSetting, given: Given): string {
  const text = given.texts[0] ?? ''
  if (setting.form === 'url') return parseUrl(text, given)
  if (setting.form !== undefined) {
    const [form, fault] = forms[setting.form]
    if (!form.test(text)) throw invalid(given, `the value contains ${fault}`)
  }
  return text
}

function parseTexts(setting: TextsSetting, given: Given): readonly string[] {
  const [form, what] = listed[setting.form]
  for (const text of given.texts) {
    if (!form.test(text)) throw invalid(given, `"${text}" is not ${what}`)
  }
  return [...new Set(given.texts)]
}

function parseMoment(given: Given): number | string {
  const text = given.texts[0] ?? ''
  if (isMomentKey(text)) return text
  const time = parseTime(text)
  if (time === undefined) throw invalid(given, `"${text}" is not ${TIME_FORMS}`)
  return time
}

function parsePatterns(given: Given): readonly Pattern[] {
  return given.texts.map(text => {
    try {
      return new Pattern(text)
    } catch (error) {
      throw invalid(given, `"${text}" is not a regular expression: ${errorMessage(error)}`, error)
    }
  })
}

/**
 * Parses what was given for a setting into the type that {@link ValueOf} says.
 * @throws UsageError `SETTING_INVALID`, naming the place, the range and the unit
 */
export function parseValue(given: Given): unknown {
  const { setting } = given
  const empty = setting.kind === 'text' && setting.empty === true
  if (!empty && given.texts.includes('')) throw invalid(given, 'the value is empty')
  switch (setting.kind) {
    case 'flag':
      return parseFlag(setting, given)
    case 'text':
      return parseText(setting, given)
    case 'number':
      return parseNumber(setting, given)
    case 'time':
      return parseMoment(given)
    case 'choice':
      return parseChoices(setting, given)[0]
    case 'choices':
      return parseChoices(setting, given)
    case 'patterns':
      return parsePatterns(given)
    case 'texts':
      return parseTexts(setting, given)
  }
}

/** The value of a setting that nobody gave. */
export function defaultValue(setting: Setting): unknown {
  if (setting.kind === 'flag') return setting.negatable === true ? undefined : false
  if (setting.kind === 'patterns' || setting.kind === 'texts') return []
  return undefined
}
