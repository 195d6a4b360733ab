import type { Given, Layer } from './given.js'
import type { Setting } from './setting.js'
import { SETTINGS, type SettingKey } from './settings.js'

/** A setting as `--check-config` shows it. */
export interface ShownSetting {
  readonly key: SettingKey
  /** As it would be written in tablesnap.conf; secrets are left out. Null: it has no value. */
  readonly value: string | null
  /** `command line`, `environment AWS_REGION`, `/etc/tablesnap/tablesnap.conf:12` (an AWS profile's file, too), or `default`. */
  readonly from: string
}

/** In place of a secret. */
const HIDDEN = '(not shown)'

/** Every setting with its value and where that comes from. @param merged what was given, the winning places alone */
export function shownSettings(merged: Layer): ShownSetting[] {
  return SETTINGS.map(setting => {
    const given = merged.get(setting.key)
    if (given !== undefined) return { key: setting.key, value: shownValue(given), from: originOf(given) }
    return { key: setting.key, value: defaultOf(setting), from: 'default' }
  })
}

/** An access key as far as it may be shown: enough to tell it from others. */
export function shortened(accessKeyId: string): string {
  return accessKeyId.length < 12
    ? `${accessKeyId.slice(0, 2)}…`
    : `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-4)}`
}

function shownValue({ setting, texts }: Given): string {
  if (setting.key === 'aws_key') return shortened(texts[0] ?? '')
  if (setting.kind === 'text' && setting.secret === true) return HIDDEN
  return texts.join(' ')
}

function defaultOf(setting: Setting): string | null {
  if (setting.kind === 'flag') return setting.negatable === true ? null : 'false'
  if (setting.default === undefined || setting.default === '""') return null
  return setting.default.replaceAll('\n', ' ')
}

function originOf({ source, label }: Given): string {
  if (source === 'command line') return source
  if (source === 'environment') return `${source} ${label}`
  // Behind the line stands the key, which is shown beside it.
  return label.replace(/: [\w ]+$/, '')
}
