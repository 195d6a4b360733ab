import type { Setting, ValueOf } from './setting.js'
import { RUN_SETTINGS } from './settings-run.js'
import { STORAGE_SETTINGS } from './settings-storage.js'

const table = [...RUN_SETTINGS, ...STORAGE_SETTINGS] as const

type Entry = (typeof table)[number]

export type SettingKey = Entry['key']

/** A setting of {@link SETTINGS}: any of the table's. */
export type KnownSetting = Setting & { readonly key: SettingKey }

/** All settings of tablesnap; flags, keys, checks and help are made from it. */
export const SETTINGS: readonly KnownSetting[] = table

/** The parsed value of every setting. */
export type Values = { readonly [E in Entry as E['key']]: ValueOf<E> }

/** Settings of which only one may be given; the place with the higher precedence decides. */
export const EXCLUSIVE: readonly (readonly [SettingKey, SettingKey])[] = [
  ['backup', 'download'],
  ['backup', 'list'],
  ['backup', 'list_nodes'],
  ['backup', 'status'],
  ['check_config', 'status'],
  ['all', 'at'],
  ['exclude', 'include'],
  ['name', 'name_from'],
  ['reduced_redundancy', 'storage_class'],
  ['with_sse', 'sse_kms_key_id'],
]

const byKey = new Map<string, KnownSetting>(SETTINGS.map(setting => [setting.key, setting]))

/** The setting of a conf-file key, or undefined. */
export function findSetting(key: string): KnownSetting | undefined {
  return byKey.get(key)
}

/** The setting of a key that is known to exist. */
export function settingOf(key: SettingKey): KnownSetting {
  const setting = byKey.get(key)
  if (setting === undefined) throw new TypeError(`no setting ${key}`)
  return setting
}
