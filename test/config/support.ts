import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { start } from '../../src/cli/options.js'
import type { LoadedConfig } from '../../src/config/load.js'
import { TablesnapError } from '../../src/errors.js'

/** Where a configuration is loaded: everything that would otherwise come from the machine. */
export interface Place {
  readonly env: Record<string, string>
  readonly cwd: string
  readonly home: string
}

/** A place of its own below a test's directory: an empty working directory, an empty home, an empty conf file. */
export function makePlace(folder: string): Place {
  const place: Place = {
    env: { TABLESNAP_CONF: '/dev/null' },
    cwd: join(folder, 'cwd'),
    home: join(folder, 'home'),
  }
  mkdirSync(place.cwd, { recursive: true })
  mkdirSync(place.home, { recursive: true })
  return place
}

/** Writes a conf file that `$TABLESNAP_CONF` names; a section header is put before the lines. */
export function writeConf(place: Place, text: string, mode = 0o600): string {
  const path = join(place.cwd, 'test.conf')
  writeFileSync(path, text.startsWith('[') ? text : `[tablesnap]\n${text}\n`, { mode })
  place.env['TABLESNAP_CONF'] = path
  return path
}

/** The configuration of a command line, given with blanks between the words. */
export function load(place: Place, words: string | readonly string[]): LoadedConfig {
  const argv = typeof words === 'string' ? words.split(' ').filter(word => word !== '') : words
  const started = start(argv, place)
  if (started.action !== 'run') throw new Error('the command line asks for a text')
  return started
}

/** What a command line is refused with. */
export function refusal(place: Place, words: string | readonly string[]): TablesnapError {
  try {
    load(place, words)
  } catch (error) {
    if (error instanceof TablesnapError) return error
    throw error
  }
  throw new Error(`not refused: ${String(words)}`)
}
