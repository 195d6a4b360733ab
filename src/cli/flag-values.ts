import { DURATION_FORMS, parseDuration } from '../config/duration.js'
import type { SettingKey } from '../config/settings.js'
import { UsageError } from '../errors.js'

import { sharedFlags } from './shared-options.js'

/** A long flag as the operator writes it: `--drill-dir`. */
export type LongFlag = `--${string}`

/** The values that a command line gave to flags, read as what they mean. */
export class FlagValues {
  readonly #all: Readonly<Record<string, unknown>>

  /** @param all by the names that commander gives them */
  constructor(all: Readonly<Record<string, unknown>>) {
    this.#all = all
  }

  /** Whether a flag without a value was given. */
  has(flag: LongFlag): boolean {
    return this.#value(flag) === true
  }

  /** The text as it was given, also an empty one. */
  raw(flag: LongFlag): string | undefined {
    const value = this.#value(flag)
    return typeof value === 'string' ? value : undefined
  }

  /** @param label the flag as messages name it @throws UsageError `SETTING_INVALID` for an empty text */
  text(flag: LongFlag, label: string = flag): string | undefined {
    const text = this.raw(flag)
    if (text === '') throw new UsageError('SETTING_INVALID', `${label}: the value is empty`)
    return text
  }

  /** A length of time, ms. @throws UsageError `SETTING_INVALID` */
  span(flag: LongFlag): number | undefined {
    const text = this.text(flag)
    return text === undefined ? undefined : spanOf(flag, text, DURATION_FORMS, parseDuration)
  }

  /** A whole number. @param label the flag as messages name it @throws UsageError `SETTING_INVALID` */
  count(flag: LongFlag, least: number, most: number, label: string = flag): number | undefined {
    const text = this.text(flag, label)
    if (text === undefined) return undefined
    const count = /^\d{1,7}$/.test(text) ? Number(text) : NaN
    if (count >= least && count <= most) return count
    throw new UsageError(
      'SETTING_INVALID',
      `${label}: ${quoted(text)} is no whole number from ${least} to ${most}`,
    )
  }

  /** The settings that were given. */
  settings(keys: readonly SettingKey[]): Map<SettingKey, readonly string[]> {
    return sharedFlags(keys, this.#all)
  }

  #value(flag: LongFlag): unknown {
    return this.#all[flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  }
}

/** A length of time, ms. @param what the flag or argument as messages name it @throws UsageError `SETTING_INVALID` */
export function spanOf(
  what: string,
  text: string,
  forms: string,
  parse: (text: string) => number | undefined,
): number {
  const span = parse(text)
  if (span !== undefined) return span
  throw notOfForm(what, text, forms)
}

/** @param forms what the value may be */
export function notOfForm(what: string, text: string, forms: string): UsageError {
  return new UsageError('SETTING_INVALID', `${what}: ${quoted(text)} is not ${forms}`)
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
