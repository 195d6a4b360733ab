import type { KnownSetting, SettingKey } from './settings.js'

/** The places where a value can be given; earlier ones win. */
export type Source = 'command line' | 'environment' | 'file'

/** The texts that a user gave for one setting in one place, before they are parsed. */
export interface Given {
  readonly setting: KnownSetting
  readonly source: Source
  /** How messages name the place: `--threads`, `AWS_REGION`, `/etc/…/tablesnap.conf:12: threads`. */
  readonly label: string
  /** One text, or several for a repeatable setting; `true` or `false` for a flag. */
  readonly texts: readonly string[]
}

/** All that was given in one place. */
export type Layer = ReadonlyMap<SettingKey, Given>
