import type { Logger } from '../report/logger.js'

/** Lines of one kind that are told one by one; the rest is counted. */
const LINES = 100

/** The items that are told one by one; when there are more, that is told first. @param what they are, with a verb if any */
export function limited<T>(items: readonly T[], log: Logger, what: string): readonly T[] {
  if (items.length > LINES) log.warn(`${items.length} ${what}; the first ${LINES}:`)
  return items.slice(0, LINES)
}

/** A time as messages and --at have it. @param ms since 1970 */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
