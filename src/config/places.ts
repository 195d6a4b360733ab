import { statSync, type Stats } from 'node:fs'
import { join, resolve } from 'node:path'
import { errorCode, errorMessage, UsageError } from '../errors.js'

/** The places where a conf file may lie. */
export interface ConfPlaces {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly home: string | undefined
}

/** The conf file that counts, if there is one. */
export interface Found {
  readonly path: string | undefined
  readonly warnings: readonly string[]
}

/** The error for a conf file that is not there or cannot be read. */
export function cannotRead(path: string, error: unknown): UsageError {
  const missing = ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')
  return new UsageError(
    missing ? 'CONF_MISSING' : 'CONF_UNREADABLE',
    missing ? `${path}: there is no such file` : `${path}: cannot be read: ${errorMessage(error)}`,
    error,
  )
}

function named(path: string): string {
  let stats: Stats
  try {
    stats = statSync(path)
  } catch (error) {
    const cause = cannotRead(path, error)
    throw new UsageError(cause.code, `TABLESNAP_CONF names ${cause.message}`, error)
  }
  if (stats.isDirectory()) {
    throw new UsageError('CONF_UNREADABLE', `TABLESNAP_CONF names ${path}, which is a directory`)
  }
  return path
}

/**
 * The conf file that counts: $TABLESNAP_CONF, ./tablesnap.conf, ~/.tablesnap.conf or
 * /etc/tablesnap/tablesnap.conf, the first that is a regular file. What $TABLESNAP_CONF names must exist.
 * @throws UsageError `CONF_MISSING`, `CONF_UNREADABLE`
 */
export function findConf({ env, cwd, home }: ConfPlaces): Found {
  const given = env['TABLESNAP_CONF']
  if (given !== undefined && given !== '') return { path: named(resolve(cwd, given)), warnings: [] }
  const places = [join(cwd, 'tablesnap.conf')]
  if (home !== undefined && home !== '') places.push(join(home, '.tablesnap.conf'))
  places.push('/etc/tablesnap/tablesnap.conf')
  const warnings: string[] = []
  for (const path of places) {
    try {
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return { path, warnings }
    } catch (error) {
      // A home that another user owns (su, a service) must not keep the daemon from starting.
      const code = errorCode(error) ?? 'error'
      if (code !== 'ENOTDIR') warnings.push(`${path}: cannot be looked at (${code}), and is passed over`)
    }
  }
  return { path: undefined, warnings }
}
