import { flagName, isRepeatable, longFlag } from './setting.js'
import { UsageError } from '../errors.js'
import type { Given, Layer } from './given.js'
import { EXCLUSIVE, SETTINGS, settingOf, type SettingKey, type Values } from './settings.js'
import { retriesOf } from './profile.js'
import { defaultValue, parseValue } from './value.js'

/** The values of the command line's flags, by key; a flag without a value is `true` or `false`. */
export type Flags = ReadonlyMap<SettingKey, readonly string[]>

/** The settings that the command line gave. */
export function commandLineLayer(flags: Flags): Layer {
  const layer = new Map<SettingKey, Given>()
  for (const [key, texts] of flags) {
    const setting = settingOf(key)
    const given = isRepeatable(setting) ? texts : texts.slice(-1)
    layer.set(key, { setting, source: 'command line', label: longFlag(setting), texts: given })
  }
  return layer
}

/** The settings that the environment gave; an empty variable is none. */
export function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const layer = new Map<SettingKey, Given>()
  for (const setting of SETTINGS) {
    for (const variable of setting.environment ?? []) {
      const text = env[variable]
      if (text === undefined || text === '' || layer.has(setting.key)) continue
      layer.set(setting.key, { setting, source: 'environment', label: variable, texts: [text] })
    }
  }
  const attempts = env['AWS_MAX_ATTEMPTS'] ?? ''
  if (attempts !== '') {
    const texts = [retriesOf(attempts)]
    layer.set('retries', {
      setting: settingOf('retries'),
      source: 'environment',
      label: 'AWS_MAX_ATTEMPTS',
      texts,
    })
  }
  return layer
}

function chosen(given: Given | undefined): given is Given {
  return given !== undefined && !(given.setting.kind === 'flag' && parseValue(given) === false)
}

/** Whether both say the same: -R is a name for one storage class. */
function agree(first: Given, second: Given): boolean {
  return first.setting.key === 'reduced_redundancy' && second.texts[0] === 'REDUCED_REDUNDANCY'
}

function conflict(first: Given, second: Given): UsageError {
  const [one, other] = [first, second].map(({ source, setting, label }) =>
    source === 'command line' ? flagName(setting) : label,
  )
  return new UsageError('SETTINGS_CONFLICT', `${String(one)} and ${String(other)} cannot be used together`)
}

/**
 * One layer of several, earlier ones winning. Of two settings that exclude each other the earlier layer's
 * stays; both in one layer is an error.
 * @throws UsageError `SETTINGS_CONFLICT`
 */
export function mergeLayers(layers: readonly Layer[]): Layer {
  const merged = new Map<SettingKey, Given>()
  for (const layer of layers) {
    const taken = new Set(merged.keys())
    for (const [first, second] of EXCLUSIVE) {
      const [one, other] = [layer.get(first), layer.get(second)]
      if (chosen(one) && chosen(other) && !agree(one, other)) throw conflict(one, other)
      if (chosen(merged.get(first)) || chosen(merged.get(second))) taken.add(first).add(second)
    }
    for (const [key, given] of layer) if (!taken.has(key)) merged.set(key, given)
  }
  return merged
}

/** The parsed value of every setting, defaults included. */
export function valuesOf(layer: Layer): Values {
  const values: Partial<Record<SettingKey, unknown>> = {}
  for (const setting of SETTINGS) {
    const given = layer.get(setting.key)
    if (given !== undefined) values[setting.key] = parseValue(given)
    else if (!('default' in setting)) values[setting.key] = defaultValue(setting)
    else {
      const texts = setting.default === '""' ? [''] : setting.default.split('\n')
      values[setting.key] = parseValue({ setting, source: 'file', label: 'default', texts })
    }
  }
  return values as Values
}
