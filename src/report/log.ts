import { createRequire } from 'node:module'

import type { Level, pino as Pino } from 'pino'

import type { LogFields, Logger } from './logger.js'

const require = createRequire(import.meta.url)

/** Where finished lines go. */
export type Write = (line: string) => void

/** Syslog's severities (RFC 5424, table 2); sd-daemon(3) has the same. */
export const SEVERITIES = { debug: 7, info: 6, warn: 4, error: 3 } as const

/** How lines look. */
export interface LineStyle {
  /** JSON, or the original's `2012-02-17 18:35:15,123+01:00 INFO text` in local time. */
  readonly format: 'text' | 'json'
  /** Whether journald reads them: it wants the severity in front (`<6>`), and has the time already. */
  readonly isJournal?: boolean
}

/** A logger that writes whole lines. Control characters in file names never break a line. */
export function createLogger(style: LineStyle, write: Write, level: Level = 'info'): Logger {
  return style.format === 'json' ? jsonLogger(style, write, level) : textLogger(style, write, level)
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

function textLogger({ isJournal }: LineStyle, write: Write, level: Level): Logger {
  const least = LEVELS.findIndex(name => name === level)
  const at = (name: (typeof LEVELS)[number]) => {
    if (LEVELS.indexOf(name) < least) return () => undefined
    const shown = name === 'warn' ? 'WARNING' : name.toUpperCase()
    const start = () => (isJournal === true ? `<${SEVERITIES[name]}>` : `${localTime(new Date())} `)
    return (message: string) => write(`${start()}${shown} ${printable(message)}\n`)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function jsonLogger({ isJournal }: LineStyle, write: Write, level: Level): Logger {
  // Loaded only where it is used: it costs a tenth of the start-up.
  const { pino } = require('pino') as { pino: typeof Pino }
  let start = ''
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    { write: line => write(`${start}${line}`) },
  )
  const at =
    (name: (typeof LEVELS)[number]) =>
    (message: string, fields: LogFields = {}) => {
      if (isJournal === true) start = `<${SEVERITIES[name]}>`
      log[name](fields, message)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Python's logging format, which the users' log parsers know, with the zone: without it an hour of each autumn comes twice. */
function localTime(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const minutes = -at.getTimezoneOffset()
  const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
  return `${day} ${time},${String(at.getMilliseconds()).padStart(3, '0')}${zone}`
}

/** Text in which control characters are shown as escapes. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, c =>
    JSON.stringify(c).slice(1, -1).replace(/^(.)$/, escape),
  )
}

function escape(c: string): string {
  return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
}
