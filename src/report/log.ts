import { createRequire } from 'node:module'

import type { Level, pino as Pino } from 'pino'

import type { LogFields, Logger } from './logger.js'

const require = createRequire(import.meta.url)

/** Where finished lines go. */
export type Write = (line: string) => void

/**
 * A logger that writes whole lines: JSON, or the original's `2012-02-17 18:35:15,123 INFO text` in local time.
 * Control characters in file names never break a line.
 */
export function createLogger(format: 'text' | 'json', write: Write, level: Level = 'info'): Logger {
  return format === 'json' ? jsonLogger(write, level) : textLogger(write, level)
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

function textLogger(write: Write, level: Level): Logger {
  const least = LEVELS.findIndex(name => name === level)
  const at = (name: (typeof LEVELS)[number]) => {
    if (LEVELS.indexOf(name) < least) return () => undefined
    const shown = name === 'warn' ? 'WARNING' : name.toUpperCase()
    return (message: string) => write(`${localTime(new Date())} ${shown} ${printable(message)}\n`)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function jsonLogger(write: Write, level: Level): Logger {
  // Loaded only where it is used: it costs a tenth of the start-up.
  const { pino } = require('pino') as { pino: typeof Pino }
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    { write },
  )
  const at =
    (name: (typeof LEVELS)[number]) =>
    (message: string, fields: LogFields = {}) =>
      log[name](fields, message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
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
