import { UsageError } from '../errors.js'
import type { Credentials } from '../s3/settings.js'
import type { Layer } from './given.js'
import { flagName } from './setting.js'
import { settingOf, type SettingKey } from './settings.js'
import { parseValue } from './value.js'

const keys = ['aws_key', 'aws_secret', 'aws_token'] as const

interface Found {
  readonly credentials: Credentials | undefined
  readonly warnings: readonly string[]
}

function text(layer: Layer, key: SettingKey): string | undefined {
  const given = layer.get(key)
  return given === undefined ? undefined : String(parseValue(given))
}

/** How a user of the layer's place writes the setting. */
function spelled(layer: Layer, key: SettingKey): string {
  const setting = settingOf(key)
  const source = [...layer.values()][0]?.source
  if (source === 'command line') return flagName(setting)
  return source === 'environment' ? (setting.environment?.[0] ?? key) : key
}

function incomplete(layer: Layer): UsageError {
  const given = keys.filter(key => layer.has(key))
  const missing = keys.slice(0, 2).filter(key => !layer.has(key))
  const label = given.map(key => layer.get(key)?.label ?? key).join(' and ')
  return new UsageError(
    'CREDENTIALS_INCOMPLETE',
    `${label} without ${missing.map(key => spelled(layer, key)).join(' and ')}: ` +
      'the key, its secret and its token must be given in the same place',
  )
}

/**
 * The credentials of the first place that gives any. A key is never combined with the secret of another
 * place: the two would most likely belong to different users. None at all leaves the search to the AWS
 * provider chain.
 * @param layers command line, environment, file
 * @throws UsageError `CREDENTIALS_INCOMPLETE`
 */
export function findCredentials(layers: readonly Layer[], env: NodeJS.ProcessEnv): Found {
  const warnings: string[] = []
  for (const layer of layers) {
    const token = layer.get('aws_token')
    const accessKeyId = text(layer, 'aws_key')
    const secretAccessKey = text(layer, 'aws_secret')
    if (accessKeyId !== undefined && secretAccessKey !== undefined) {
      const profile = env['AWS_PROFILE']
      if (profile !== undefined && profile !== '' && layer.get('aws_key')?.source === 'file') {
        warnings.push('AWS_PROFILE is set but has no effect: the conf file has aws_key and aws_secret')
      }
      const sessionToken = text(layer, 'aws_token')
      return { credentials: { accessKeyId, secretAccessKey, sessionToken }, warnings }
    }
    if (accessKeyId !== undefined || secretAccessKey !== undefined) throw incomplete(layer)
    if (token === undefined) continue
    // A shell may well keep the token of keys that it has no more.
    if (token.source !== 'environment') throw incomplete(layer)
    warnings.push(`${token.label} is set without ${spelled(layer, 'aws_key')}, and is not used`)
  }
  return { credentials: undefined, warnings }
}
