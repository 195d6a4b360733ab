import { homedir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'

import { writeNow } from 'tablesnap-io'

import { ArgumentsMissingError } from '../config/load.js'
import { TablesnapError, errorMessage } from '../errors.js'
import { LineQueue } from '../report/line-queue.js'
import type { Logger } from '../report/logger.js'
import { lossOf } from '../report/syslog.js'

import { sourceStack } from './source-stack.js'

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
    writeOut(help(columnsOfStdout()))
    writeErr(`${name}: ${error.message}\n`)
    return error.exitCode
  }
  if (log === undefined || (error instanceof TablesnapError && error.exitCode === 2)) {
    writeErr(`${name}: ${errorMessage(error)}\n`)
  } else if (error instanceof TablesnapError) log.error(errorMessage(error), { code: error.code })
  else log.error(error instanceof Error ? sourceStack(error.stack ?? error.message) : String(error))
  return error instanceof TablesnapError ? error.exitCode : 1
}

/** Width of the terminal that stdout is; undefined where it is none, or does not know its width. To ask `process.stdout` would set O_NONBLOCK on a pipe that others share. */
export function columnsOfStdout(): number | undefined {
  return isatty(1) && process.stdout.columns > 0 ? process.stdout.columns : undefined
}

/** The environment and the places of the conf file for a command of this process. */
export function placesOfProcess(): { env: NodeJS.ProcessEnv; cwd: string; home: string | undefined } {
  return { env: process.env, cwd: process.cwd(), home: process.env['HOME'] ?? homedir() }
}

/** How often a slow reader of stdout is looked at, ms. */
const LOOK = 10

/**
 * Writes to stdout, whole, and waits for a reader that is slow, without keeping signals from being heard.
 * @returns false when nobody reads any more, or the signal ends the wait
 */
export async function printOut(text: string, signal?: AbortSignal): Promise<boolean> {
  const bytes = Buffer.from(text)
  try {
    for (let at = 0; at < bytes.length;) {
      const count = writeNow(1, bytes, at)
      at += count
      if (count === 0) await sleep(LOOK, undefined, { signal })
    }
  } catch {
    return false
  }
  return true
}

/** As {@link printOut}, for a short text: nothing else happens before it is written. */
export function writeOut(text: string): boolean {
  const bytes = Buffer.from(text)
  const pause = new Int32Array(new SharedArrayBuffer(4))
  try {
    for (let at = 0; at < bytes.length;) {
      const count = writeNow(1, bytes, at)
      at += count
      if (count === 0) Atomics.wait(pause, 0, 0, LOOK)
    }
  } catch {
    return false
  }
  return true
}

const STDERR = 'whoever reads stderr'

let lossLine = (count: number): string => `${lossOf(count, STDERR)}\n`

const stderr = new LineQueue({
  joins: true,
  write: (data, offset) => writeNow(2, data, offset),
  lossLine: count => lossLine(count),
})

/** Says how the log writes a line that tells of dropped lines. */
export function setLossLine(line: (text: string) => string): void {
  lossLine = count => line(lossOf(count, STDERR))
}

/**
 * Writes to stderr, with all else of this turn of the event loop: each write costs a tenth of the upload of a small file. It never waits
 * for whoever reads stderr; see {@link LineQueue}.
 */
export function writeErr(text: string): void {
  stderr.add(text)
}

const queues = [stderr]

/** Has {@link flushLogs} wait for a further queue of log lines. */
export function addLog(queue: LineQueue): void {
  queues.push(queue)
}

/** Waits until all log lines have been read, as long as somebody reads them. */
export async function flushLogs(): Promise<void> {
  await Promise.all(queues.map(queue => queue.flush()))
}

// For a process that ends without flushLogs, by an error that nobody caught.
process.once('exit', () => {
  for (const queue of queues) queue.pump()
})
