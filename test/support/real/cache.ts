import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The path of something that `.ci/install` puts into CI's cache directory. */
export function cached(...path: readonly string[]): string {
  const file = join(cacheDirectory(), ...path)
  if (!existsSync(file)) throw new Error(`${file} is missing: run .ci/install first`)
  return file
}

function cacheDirectory(): string {
  const own = process.env['TABLESNAP_CI_CACHE']
  if (own !== undefined && own !== '') return own
  const xdg = process.env['XDG_CACHE_HOME']
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'tablesnap-ci')
}
