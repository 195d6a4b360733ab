import { writeSync } from 'node:fs'
import { homedir } from 'node:os'

import { ArgumentsMissingError } from '../config/load.js'
import { TablesnapError, errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'

/** How a command calls itself, and its help. */
export interface Program {
  readonly name: string
  readonly help: (columns?: number) => string
}

/**
 * Tells what ended a run, in one line; the help before it where that is what the user needs.
 * @param log undefined while there is none
 * @returns the exit code
 */
export function reportError(error: unknown, log: Logger | undefined, { name, help }: Program): number {
  if (error instanceof ArgumentsMissingError) {
    writeOut(help(process.stdout.columns))
    writeErr(`${name}: ${error.message}\n`)
    return error.exitCode
  }
  if (log === undefined || (error instanceof TablesnapError && error.exitCode === 2)) {
    writeErr(`${name}: ${errorMessage(error)}\n`)
  } else if (error instanceof TablesnapError) log.error(errorMessage(error), { code: error.code })
  else log.error(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return error instanceof TablesnapError ? error.exitCode : 1
}

/** Where a command of this process finds its environment and its conf file. */
export function placesOfProcess(): { env: NodeJS.ProcessEnv; cwd: string; home: string | undefined } {
  return { env: process.env, cwd: process.cwd(), home: process.env['HOME'] ?? homedir() }
}

/** Writes to stdout at once, whole. @returns false when nobody reads any more */
export function writeOut(text: string): boolean {
  return write(1, text)
}

/** What goes to stderr at the end of this turn of the event loop. */
let pending = ''

/** Characters that do not wait for it. */
const MOST = 64 * 1024

/** Writes to stderr, whole, with all else of this turn of the event loop: each write costs a tenth of the upload of a small file. */
export function writeErr(text: string): void {
  if (pending === '') {
    setImmediate(flushErr)
    process.once('exit', flushErr)
  }
  pending += text
  if (pending.length > MOST) flushErr()
}

function flushErr(): void {
  process.removeListener('exit', flushErr)
  const text = pending
  pending = ''
  if (text !== '') write(2, text)
}

/** Does not fail when nobody reads any more. */
function write(fd: 1 | 2, text: string): boolean {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false
    }
  }
  return true
}
