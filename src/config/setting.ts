import type { Pattern } from './pattern.js'

/** Headings of `--help`, in their order. */
export const GROUPS = [
  'What to do',
  'Which files',
  'Node and keys',
  'S3',
  'How objects are stored',
  'Restore (with -D)',
  'Engine',
] as const

export type Group = (typeof GROUPS)[number]

/** The unit of a number; `MB` is 2^20 bytes, as in the Python tablesnap. */
export type Unit = 'MB' | 'milliseconds' | 'seconds' | 'bytes' | 'threads' | 'attempts'

interface Common {
  /** The key in tablesnap.conf; the long flag is the same with dashes. */
  readonly key: string
  readonly short?: string
  readonly group: Group
  /** The explanation of the flag in `--help`; the printer appends the default. */
  readonly help: string
  /** Environment variables, the first that is set and not empty wins. */
  readonly environment?: readonly string[]
  /** Given on the command line it is an error in any other mode. */
  readonly needs?: 'backup' | 'download' | 'backup or download' | 'status' | 'status or check'
  /** It has no effect with -D; given on the command line beside it, that earns a warning. */
  readonly uploads?: true
}

/** A switch; `negatable` ones have a `--no-` form, and no default. */
export interface FlagSetting extends Common {
  readonly kind: 'flag'
  readonly negatable?: true
}

interface Valued extends Common {
  /** The name of the value in `--help`. */
  readonly argument: string
  /** As it would be written in tablesnap.conf. */
  readonly default?: string
}

export interface TextSetting extends Valued {
  readonly kind: 'text'
  /** The characters that the value may have; undefined: any. */
  readonly form?: 'credential' | 'word' | 'printable' | 'url' | 'count' | 'address'
  /** Whether an empty text is a value (`""` in the file). */
  readonly empty?: true
  /** Whether others must not read the file that has it. */
  readonly secret?: true
}

export interface NumberSetting extends Valued {
  readonly kind: 'number'
  readonly unit: Unit
  /** Bounds in `unit`. */
  readonly min: number
  readonly max: number
  /** Why it cannot be smaller or larger, for the message. */
  readonly why?: string
}

export interface ChoiceSetting extends Valued {
  readonly kind: 'choice'
  readonly choices: readonly string[]
  /** Flags that stand for one of the choices; only one of them may be given. */
  readonly shorthands?: readonly Shorthand[]
}

/** A flag that stands for a setting with one of its values. */
export interface Shorthand {
  readonly short: string
  readonly long: string
  readonly choice: string
  readonly help: string
}

/** Some of the choices; repeatable on the command line, one a line in the file. */
export interface ChoicesSetting extends Valued {
  readonly kind: 'choices'
  readonly choices: readonly string[]
}

/** Regular expressions; repeatable on the command line, one a line in the file. */
export interface PatternsSetting extends Valued {
  readonly kind: 'patterns'
}

/** Texts of one form; repeatable on the command line, one a line in the file. */
export interface TextsSetting extends Valued {
  readonly kind: 'texts'
  readonly form: 'keyspace' | 'table' | 'path map'
}

/** A moment; without a zone local time. Its value is ms since 1970, or the key of a state or a listing. */
export interface TimeSetting extends Valued {
  readonly kind: 'time'
}

/** One thing that a user can set, by flag, by environment or in tablesnap.conf. */
export type Setting =
  | FlagSetting
  | TextSetting
  | TextsSetting
  | NumberSetting
  | TimeSetting
  | ChoiceSetting
  | ChoicesSetting
  | PatternsSetting

type Absent<S> = S extends { readonly default: string } ? never : undefined

/** The type of a setting's parsed value; without a default it may be undefined. */
export type ValueOf<S> = S extends { readonly kind: 'flag' }
  ? S extends { readonly negatable: true }
    ? boolean | undefined
    : boolean
  : S extends { readonly kind: 'text' }
    ? string | Absent<S>
    : S extends { readonly kind: 'number' }
      ? number | Absent<S>
      : S extends { readonly kind: 'time' }
        ? number | string | Absent<S>
        : S extends { readonly kind: 'choice'; readonly choices: readonly (infer C)[] }
          ? C | Absent<S>
          : S extends { readonly kind: 'choices'; readonly choices: readonly (infer C)[] }
            ? readonly C[]
            : S extends { readonly kind: 'texts' }
              ? readonly string[]
              : readonly Pattern[]

/** Whether a setting may be given more than once, each time with another value. */
export function isRepeatable({ kind }: Setting): boolean {
  return kind === 'patterns' || kind === 'choices' || kind === 'texts'
}

/** The flags that stand for a setting with one of its values. */
export function shorthandsOf(setting: Setting): readonly Shorthand[] {
  return setting.kind === 'choice' ? (setting.shorthands ?? []) : []
}

/** The long flag of a setting, e.g. `--aws-key`. */
export function longFlag(setting: Setting): string {
  return `--${setting.key.replaceAll('_', '-')}`
}

/** The flag as messages name it, e.g. `-B/--backup`. */
export function flagName(setting: Setting): string {
  return setting.short === undefined ? longFlag(setting) : `${setting.short}/${longFlag(setting)}`
}
