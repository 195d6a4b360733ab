const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Units as a person writes them: `30d`, `36h`, `1d12h`. */
const SPAN = /^(?=\d)(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?$/i

/** ISO 8601, without years and months, which have no fixed length. */
const ISO =
  /^P(?=\d|T\d)(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?$/i

const UNITS = [7 * DAY, DAY, HOUR, MINUTE, 1_000] as const

/** The forms that {@link parseDuration} takes, for messages. */
export const DURATION_FORMS = 'a time such as 30d, 36h, 90m, 1d12h or P30D'

/**
 * A span of time.
 * @param bare the unit of a number alone, ms; undefined: it has to have one
 * @returns ms; undefined when it is none
 */
export function parseDuration(text: string, bare?: number): number | undefined {
  if (bare !== undefined && /^\d{1,6}(?:\.\d{1,6})?$/.test(text)) return Math.round(Number(text) * bare)
  const found = SPAN.exec(text) ?? ISO.exec(text)
  if (found === null) return undefined
  return UNITS.reduce((sum, unit, index) => sum + unit * Number(found[index + 1] ?? 0), 0)
}

/** The age of tablechop: days, or {@link parseDuration}. */
export function parseAge(text: string): number | undefined {
  return parseDuration(text, DAY)
}

/** A span for people: `3 days`, `26.4 hours`, `90 min`. @param ms */
export function formatDuration(ms: number): string {
  for (const [unit, name] of [
    [DAY, 'day'],
    [HOUR, 'hour'],
  ] as const) {
    const count = ms / unit
    if (count >= 1 && Number.isInteger(count)) return `${count} ${name}${count === 1 ? '' : 's'}`
  }
  if (ms >= 3 * DAY) return `${(ms / DAY).toFixed(1)} days`
  if (ms >= 3 * HOUR) return `${(ms / HOUR).toFixed(1)} hours`
  return ms >= 2 * MINUTE ? `${Math.round(ms / MINUTE)} min` : `${Math.round(ms / 1000)} s`
}
