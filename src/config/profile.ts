import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Given, Layer } from './given.js'
import { settingOf, type SettingKey } from './settings.js'

/** Lines of the AWS config file, by section; a setting within another one (as `s3 =` of services) is `<outer>.<inner>`. */
type Sections = Map<string, Map<string, { text: string; line: number }>>

/** Settings that a profile may give, and the names that AWS's tools know them by. */
const NAMES: readonly (readonly [SettingKey, string])[] = [
  ['aws_region', 'region'],
  ['ca_bundle', 'ca_bundle'],
]

/**
 * The settings of the AWS profile in use (`AWS_PROFILE`, else `default`): the region, the endpoint, the CA bundle and the
 * number of attempts, as every AWS tool takes it. A file that is not there says nothing.
 * Format: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export function profileLayer(env: NodeJS.ProcessEnv, home: string | undefined): Layer {
  const layer = new Map<SettingKey, Given>()
  const path =
    given(env['AWS_CONFIG_FILE']) ?? join(given(env['HOME']) ?? home ?? '/nonexistent', '.aws/config')
  const sections = parse(path)
  const name = given(env['AWS_PROFILE']) ?? given(env['AWS_DEFAULT_PROFILE']) ?? 'default'
  // Only the default one may go without the word.
  const profile = sections.get(`profile ${name}`) ?? (name === 'default' ? sections.get(name) : undefined)
  if (profile === undefined) return layer
  const take = (key: SettingKey, found: { text: string; line: number } | undefined, label: string): void => {
    if (found === undefined || found.text === '' || layer.has(key)) return
    const source = `${path}:${found.line}: ${label}`
    layer.set(key, { setting: settingOf(key), source: 'file', label: source, texts: [found.text] })
  }
  for (const [key, theirs] of NAMES) take(key, profile.get(theirs), theirs)
  const attempts = profile.get('max_attempts')
  if (attempts !== undefined) take('retries', { ...attempts, text: retriesOf(attempts.text) }, 'max_attempts')
  const ignored =
    given(env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']) ?? profile.get('ignore_configured_endpoint_urls')?.text
  if (ignored?.toLowerCase() === 'true') return layer
  const services = sections.get(`services ${profile.get('services')?.text ?? ''}`)
  take('endpoint_url', services?.get('s3.endpoint_url'), 'endpoint_url')
  take('endpoint_url', profile.get('s3.endpoint_url') ?? profile.get('endpoint_url'), 'endpoint_url')
  return layer
}

/** AWS's tools count all attempts, this program those after the first; what is no number stays for the message. */
export function retriesOf(attempts: string): string {
  return /^[1-9]\d{0,3}$/.test(attempts) ? String(Number(attempts) - 1) : attempts
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function parse(path: string): Sections {
  const sections: Sections = new Map()
  let section = new Map<string, { text: string; line: number }>()
  let outer = ''
  for (const [index, line] of read(path).split(/\r?\n/).entries()) {
    if (/^\s*([#;].*)?$/.test(line)) continue
    const [, title] = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line) ?? []
    if (title !== undefined) {
      const name = title.replace(/\s+/g, ' ')
      section = sections.get(name) ?? new Map<string, { text: string; line: number }>()
      sections.set(name, section)
      outer = ''
      continue
    }
    const [, indent = '', key = '', text = ''] = /^(\s*)([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (key === '') continue
    if (indent === '') outer = text === '' ? key : ''
    const name = indent === '' || outer === '' ? key : `${outer}.${key}`
    // A comment begins behind a blank.
    section.set(name, { text: text.replace(/\s[#;].*$/, ''), line: index + 1 })
  }
  return sections
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
