import { LISTING_SUFFIX, MANIFESTS_FOLDER, MANIFEST_SUFFIX } from '../bucket-names.js'

/** The last moment that a state can have, ms since 1970: beyond it its key could not be made. */
const LAST = 9_999_999_999_998

const DATE = String.raw`(?<year>\d{4})(?:-(?<month>\d\d)-(?<day>\d\d)|(?<month2>\d\d)(?<day2>\d\d))`
const CLOCK = String.raw`(?<hour>\d\d)(?::(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d{1,9}))?)?|(?<minute2>\d\d)(?:(?<second2>\d\d)(?:[.,]?(?<fraction2>\d{1,9}))?)?)`
const ZONE = String.raw`(?<zone>Z|UTC|GMT|(?<sign>[+-])(?<zoneHour>\d\d):?(?<zoneMinute>\d\d)?)`
const CALENDAR = new RegExp(`^${DATE}(?:[T ]${CLOCK} ?${ZONE}?)?$`, 'i')

/** A span of time before now: `2h`, `90m`, `1d12h`, `2h ago`. */
const SPAN = /^(?=\d)(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?(?: ago)?$/i

/** A day that is named as seen from today: `yesterday 14:00`. */
const NAMED_DAY = /^(today|yesterday)(?=$| )/i

/** The units of {@link SPAN}, ms. */
const UNITS = [7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000] as const

/** A part of the key of every manifest. */
const MANIFESTS = `/${MANIFESTS_FOLDER}`

/** The forms of time that --at accepts, for messages. */
export const TIME_FORMS =
  'a time such as 2026-11-23T04:12:33Z (UTC), 2026-11-23 04:12:33 (local time), yesterday 14:00, 1795407153 (Unix time) or 2h (ago), nor the key of a manifest or a listing'

/** Whether a text is the key of an object that is of a moment: a state's, or a listing's of the Python program. */
export function isMomentKey(text: string): boolean {
  // A regular expression would search every part of a long text anew.
  const states = text.indexOf(MANIFESTS, 1)
  const isState =
    text.endsWith(MANIFEST_SUFFIX) &&
    states > 0 &&
    states + MANIFESTS.length < text.length - MANIFEST_SUFFIX.length
  return isState || (text.endsWith(LISTING_SUFFIX) && text.length > LISTING_SUFFIX.length)
}

/**
 * A time as a person writes it: ISO 8601 down to the day, with a blank for the T, with a comma as in the log, without
 * the separators as in the keys of states; or a Unix time in seconds (`@` may precede it) or milliseconds; or how long ago
 * it was. In place of the date may stand `today` or `yesterday`. Without a zone it is local time, a day alone is its beginning.
 * @param now ms since 1970
 * @returns ms since 1970; undefined when it is none, or outside of 1970 to 2286
 */
export function parseTime(text: string, now = Date.now()): number | undefined {
  const [, seconds, fraction = '', milliseconds] =
    /^@?(?:(\d{9,10})(?:\.(\d{1,9}))?|(\d{13}))$/.exec(text) ?? []
  const unix = seconds === undefined ? milliseconds : seconds + thousandths(fraction)
  const time =
    unix === undefined ? (spanBefore(text, now) ?? calendarTime(withDate(text, now))) : Number(unix)
  return time !== undefined && time >= 0 && time <= LAST ? time : undefined
}

function spanBefore(text: string, now: number): number | undefined {
  const found = SPAN.exec(text)
  if (found === null) return undefined
  return UNITS.reduce((time, unit, index) => time - unit * Number(found[index + 1] ?? 0), now)
}

/** The text with a date in place of `yesterday`: the local one, or with Z that of UTC. */
function withDate(text: string, now: number): string {
  const [, name] = NAMED_DAY.exec(text) ?? []
  if (name === undefined) return text
  const at = new Date(now)
  const isUtc = /(?:Z|UTC|GMT)$/i.test(text)
  const date = isUtc
    ? ([at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()] as const)
    : ([at.getFullYear(), at.getMonth(), at.getDate()] as const)
  const day = new Date(Date.UTC(...date) - (name.toLowerCase() === 'yesterday' ? UNITS[1] : 0))
  return `${day.toISOString().slice(0, 10)}${text.slice(name.length)}`
}

/** The digits after a point as three. */
function thousandths(fraction: string): string {
  return fraction.slice(0, 3).padEnd(3, '0')
}

function calendarTime(text: string): number | undefined {
  const found = CALENDAR.exec(text)?.groups
  if (found === undefined) return undefined
  const part = (name: string): number => Number(found[name] ?? found[`${name}2`] ?? 0)
  const date = [part('year'), part('month') - 1, part('day')] as const
  const millisecond = Number(thousandths(found['fraction'] ?? found['fraction2'] ?? ''))
  const clock = [part('hour'), part('minute'), part('second'), millisecond] as const
  const utc = new Date(Date.UTC(...date, ...clock))
  // Date makes the 2nd of March of a 30th of February.
  const made = [
    utc.getUTCFullYear(),
    utc.getUTCMonth(),
    utc.getUTCDate(),
    utc.getUTCHours(),
    utc.getUTCMinutes(),
  ]
  const given = [...date, clock[0], clock[1]]
  if (clock[2] > 59 || made.some((value, index) => value !== given[index])) return undefined
  if (found['zone'] === undefined) return new Date(...date, ...clock).getTime()
  const [hours, minutes] = [part('zoneHour'), part('zoneMinute')]
  if (hours > 15 || minutes > 59) return undefined
  const offset = (hours * 60 + minutes) * 60_000
  return utc.getTime() - (found['sign'] === '-' ? -offset : offset)
}
