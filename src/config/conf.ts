import { readFileSync, statSync } from 'node:fs'
import { errorCode, UsageError } from '../errors.js'
import { splitArguments } from './arguments.js'
import type { Given } from './given.js'
import { GrammarError, parseConf, type ConfEntry, type ConfSection } from './grammar.js'
import { cannotRead } from './places.js'
import { isRepeatable } from './setting.js'
import { findSetting, SETTINGS, type KnownSetting, type SettingKey } from './settings.js'
import { nearest } from './suggest.js'

/** The contents of the conf file. */
export interface Conf {
  readonly path: string
  readonly settings: ReadonlyMap<SettingKey, Given>
  /** `<bucket> <path>...`, split; undefined when the file does not say. */
  readonly positionals: readonly string[] | undefined
  readonly warnings: readonly string[]
}

/** Bytes beyond which a file was named by mistake. */
const LIMIT = 64 * 1024

const section = 'tablesnap'
const defaults = 'DEFAULT'

function unknownKey(path: string, entry: ConfEntry): UsageError {
  // A secret that stands where a key belongs must not be repeated; no key is as long as one.
  const shown = /^[a-z][a-z0-9_ .-]{0,29}$/.test(entry.key) ? ` "${entry.key}"` : ''
  const near = nearest(entry.key, ['args', ...SETTINGS.map(({ key }) => key)])
  const advice = near === undefined ? 'remove the line' : `did you mean ${near}?`
  return new UsageError('CONF_KEY_UNKNOWN', `${path}:${entry.line}: unknown key${shown}; ${advice}`)
}

class ConfReader {
  readonly settings = new Map<SettingKey, Given>()
  readonly warnings: string[] = []
  positionals: readonly string[] | undefined

  constructor(private readonly path: string) {}

  read(sections: readonly ConfSection[]): void {
    for (const { name, line } of sections) {
      if (name !== section && name !== defaults) {
        this.warnings.push(
          `${this.path}:${line}: section [${name}] is not read; settings belong below [${section}]`,
        )
      }
    }
    const own = sections.find(({ name }) => name === section)
    if (own === undefined) return
    const keys = new Map<string, ConfEntry>()
    // [DEFAULT] serves every section of a file, so keys of others may stand there.
    for (const entry of sections.find(({ name }) => name === defaults)?.entries ?? []) {
      if (entry.key === 'args' || findSetting(entry.key) !== undefined) keys.set(entry.key, entry)
    }
    const lines = new Map<string, number>()
    for (const entry of own.entries) {
      const before = lines.get(entry.key)
      if (before !== undefined) {
        this.warnings.push(`${this.path}:${entry.line}: set in line ${before} already; this line counts`)
      }
      lines.set(entry.key, entry.line)
      keys.set(entry.key, entry)
    }
    for (const entry of keys.values()) this.entry(entry)
  }

  private entry(entry: ConfEntry): void {
    const label = `${this.path}:${entry.line}: ${entry.key}`
    if (entry.key === 'args') {
      const words = splitArguments(entry.lines.join('\n'), label)
      if (words.length > 0) this.positionals = words
      return
    }
    const setting = findSetting(entry.key)
    if (setting === undefined) throw unknownKey(this.path, entry)
    const texts = textsOf(setting, entry.lines)
    if (texts.length === 0) return
    if (texts.length > 1 && !isRepeatable(setting)) {
      throw new UsageError('SETTING_INVALID', `${label}: the value continues in the next, indented line`)
    }
    if (setting.kind === 'text' && /^(["']).+\1$/.test(texts[0] ?? '')) {
      this.warnings.push(`${label}: the quotes around the value are part of it`)
    }
    this.settings.set(setting.key, { setting, source: 'file', label, texts })
  }
}

/** The texts of a value; blank is no value, and `""` an empty one where that has a meaning. */
function textsOf(setting: KnownSetting, lines: readonly string[]): readonly string[] {
  if (lines.length !== 1 || lines[0] !== '""') return lines
  return setting.kind === 'text' && setting.empty === true ? [''] : []
}

function readText(path: string): { text: string; mode: number } {
  try {
    const { size, mode } = statSync(path)
    if (size > LIMIT)
      throw new UsageError(
        'CONF_UNREADABLE',
        `${path}: has ${size} bytes, and no tablesnap.conf has more than ${LIMIT}`,
      )
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)), mode }
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (errorCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw new UsageError('CONF_UNREADABLE', `${path}: is not UTF-8 text`, error)
    }
    throw cannotRead(path, error)
  }
}

/**
 * Reads a conf file. Unlike the originals, which went on as if there were none, a file that cannot be read or
 * has a line that means nothing is an error: a backup must not run with other settings than its owner wrote.
 * @throws UsageError `CONF_UNREADABLE`, `CONF_SYNTAX`, `CONF_KEY_UNKNOWN`, `SETTING_INVALID`, `ARGS_INVALID`
 */
export function readConf(path: string): Conf {
  const { text, mode } = readText(path)
  const reader = new ConfReader(path)
  try {
    reader.read(parseConf(text))
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    throw new UsageError('CONF_SYNTAX', `${path}:${error.line}: ${error.message}`, error)
  }
  const { settings, positionals, warnings } = reader
  const secret = [...settings.values()].find(
    ({ setting }) => setting.kind === 'text' && setting.secret === true,
  )
  if (secret !== undefined && (mode & 0o044) !== 0) {
    const permissions = (mode & 0o777).toString(8)
    warnings.push(`${secret.label} is a secret that others can read (mode ${permissions}); chmod 600 ${path}`)
  }
  return { path, settings, positionals, warnings }
}
