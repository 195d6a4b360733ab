import { closeSync } from 'node:fs'

import { connectLocal, writeNow } from 'tablesnap-io'

import { errorCode } from '../errors.js'
import { counted } from './format.js'

import type { LineOutput, LineQueue } from './line-queue.js'
import { printable, SEVERITIES } from './log.js'
import type { Logger } from './logger.js'

/** Where syslog listens. */
export const SYSLOG_SOCKET = '/dev/log'

/** Facility `daemon`, as the Python tablesnap had it (RFC 3164, section 4.1.1). */
const FACILITY = 3 * 8

type Severity = keyof typeof SEVERITIES

/** Longest message, characters: what rsyslog and journald take by default. */
const LONGEST = 8000

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/**
 * A message as syslog's local socket takes it (RFC 3164, without the host name, as syslog(3) writes it):
 * `<30>Nov  6 09:05:03 tablesnap: Uploading /data/…`, in local time.
 */
export function syslogMessage(severity: Severity, text: string, at = new Date()): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${MONTHS[at.getMonth()] ?? ''} ${String(at.getDate()).padStart(2, ' ')}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const line = printable(text)
  const shown = line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
  return `<${FACILITY + SEVERITIES[severity]}>${day} ${time} tablesnap: ${shown}`
}

/** The socket of syslog. It is connected with the first message, and again after syslog was restarted. */
export class Syslog implements LineOutput {
  readonly joins = false
  readonly #path: string
  #socket: { readonly fd: number; readonly datagram: boolean } | undefined

  constructor(path: string) {
    this.#path = path
  }

  write(data: Uint8Array, offset: number): number {
    this.connect()
    const { fd = -1, datagram = true } = this.#socket ?? {}
    try {
      // A stream needs something between two messages; syslog servers take a NUL.
      const ended = datagram ? data : Buffer.concat([data, Buffer.from([0])])
      const count = writeNow(fd, ended, offset)
      return count === ended.length - offset ? data.length - offset : count
    } catch (error) {
      this.close()
      // Nobody can take a message of this size.
      if (errorCode(error) === 'EMSGSIZE') return data.length - offset
      throw error
    }
  }

  lossLine(count: number): string {
    return syslogMessage('warn', lossOf(count, 'syslog'))
  }

  /** Makes sure that there is a connection. @throws Error as those of `node:fs` */
  connect(): void {
    if (this.#socket !== undefined) return
    try {
      this.#socket = { fd: connectLocal(this.#path, true), datagram: true }
    } catch (error) {
      if (errorCode(error) !== 'EPROTOTYPE') throw error
      this.#socket = { fd: connectLocal(this.#path, false), datagram: false }
    }
  }

  /** The next message connects again. */
  close(): void {
    if (this.#socket !== undefined) closeSync(this.#socket.fd)
    this.#socket = undefined
  }
}

/** A logger whose lines go to syslog. @param level the least that is written */
export function syslogLogger(queue: LineQueue, level: Severity): Logger {
  const at = (severity: Severity) => (message: string) => {
    if (SEVERITIES[severity] <= SEVERITIES[level]) queue.add(syslogMessage(severity, message))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** The line about dropped lines. @param reader who did not read them */
export function lossOf(count: number, reader: string): string {
  const [lines, them] = [counted(count, 'log line was', 'log lines were'), count === 1 ? 'it' : 'them']
  return `${lines} dropped here: ${reader} did not take ${them}, and tablesnap went on`
}
