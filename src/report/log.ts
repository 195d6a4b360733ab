import { pino, type DestinationStream, type Level } from 'pino'

import type { LogFields, Logger } from './logger.js'

/** Where finished lines go. */
export type Write = (line: string) => void

/**
 * A logger that writes whole lines: JSON, or the original's `2012-02-17 18:35:15,123 INFO text` in local time.
 * Control characters in file names never break a line.
 */
export function createLogger(format: 'text' | 'json', write: Write, level: Level = 'info'): Logger {
  const destination: DestinationStream = { write: format === 'json' ? write : line => write(asText(line)) }
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    destination,
  )
  const at =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}) =>
      log[name](fields, message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function asText(line: string): string {
  const { time, level, message } = JSON.parse(line) as { time: string; level: string; message: string }
  return `${localTime(new Date(time))} ${level === 'warn' ? 'WARNING' : level.toUpperCase()} ${printable(message)}\n`
}

/** Python's logging format, which the users' log parsers know. */
function localTime(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `${day} ${time},${String(at.getMilliseconds()).padStart(3, '0')}`
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
