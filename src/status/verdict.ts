import { lastingReasons, span } from './reasons.js'
import type { Status } from './status.js'

/** How long something may wait, or the server be away, before /healthz says so, ms. */
const PATIENCE = 600_000

/**
 * The exit code of `--status` for a running backup: 0 when everything is protected, 1 when not; with a limit, files may wait for so long: 3
 * when one has waited for longer.
 * @param maxAge ms; undefined: no file may wait
 */
export function exitCodeOf(status: Status, maxAge: number | undefined): 0 | 1 | 3 {
  if (status.isProtected) return 0
  if (maxAge === undefined) return 1
  if (lastingReasons(status.tables, status.failed).length > 0) return 1
  return ageOf(status) > maxAge ? 3 : 0
}

/** Why a running backup needs somebody to look after it; none: it does not. Short waits are normal. */
export function healthOf(status: Status): string[] {
  const age = ageOf(status)
  if (age > PATIENCE) return [`something has not been protected for ${span(age)}`, ...status.reasons]
  return lastingReasons(status.tables, status.failed)
}

/** For how long not everything has been protected, ms. */
function ageOf({ time, unprotectedSince }: Status): number {
  return unprotectedSince === null ? 0 : Date.parse(time) - Date.parse(unprotectedSince)
}
