import { closeSync, stat } from 'node:fs'

import { connectLocal, writeNow } from 'tablesnap-io'

import { errorMessage } from '../errors.js'
import { counted } from '../report/format.js'
import type { Logger } from '../report/logger.js'

import type { StatusCollector } from './collector.js'
import { statusLine } from './text.js'

/** Whose signs of life count beside those of the main thread. */
export interface Workers {
  /** Ids of the worker threads whose event loop has stood still since the last call. */
  stuckThreads(): readonly number[]
}

/** How often it looks whether the daemon is ready, ms. */
const READY_LOOK = 200

/** How often systemd gets a new status line, ms. */
const STATUS_PAUSE = 10_000

/** The shortest pause between two signs of life, ms; a worker makes two beats in it. */
const SHORTEST_PAUSE = 1_000

/** A file that is read from no disk: asking for it shows that libuv's threads take work. */
const NO_DISK = '/proc/self/stat'

/**
 * Tells systemd how this daemon stands, by the protocol of sd_notify(3): READY=1 once the directories are watched, or the server turned
 * out to be away; STATUS= with the line of the log; STOPPING=1. WATCHDOG=1 is a proof, and not a timer alone: it is sent only if the
 * main thread's event loop turns, libuv's threads (which read files) did a piece of work, and no worker thread stands still.
 */
export class ServiceManager {
  readonly #collector: StatusCollector
  readonly #workers: Workers
  readonly #log: Logger
  readonly #address: string
  /** Pause between two signs of life, ms; undefined: systemd does not ask for any. */
  readonly #pause: number | undefined
  readonly #timers: NodeJS.Timeout[] = []
  #isStopping = false
  #isAsking = false
  #hasFailed = false
  #status = ''

  private constructor(
    collector: StatusCollector,
    workers: Workers,
    log: Logger,
    address: string,
    pause: number | undefined,
  ) {
    this.#collector = collector
    this.#workers = workers
    this.#log = log
    this.#address = address
    this.#pause = pause
  }

  /** @param env the environment that systemd gave @returns undefined where nobody wants to be told */
  static of(
    env: NodeJS.ProcessEnv,
    collector: StatusCollector,
    workers: Workers,
    log: Logger,
  ): ServiceManager | undefined {
    const { NOTIFY_SOCKET: address = '' } = env
    if (!/^[/@]./.test(address)) return undefined
    return new ServiceManager(collector, workers, log, address, watchdogPause(env))
  }

  start(): void {
    const ready = setInterval(() => {
      if (!this.#collector.isReady) return
      clearInterval(ready)
      this.#send('READY=1', ...this.#news())
      this.#timers.push(setInterval(() => this.#tell(), STATUS_PAUSE).unref())
      const pause = this.#pause
      if (pause === undefined) return
      this.#look(pause)
      this.#timers.push(setInterval(() => this.#look(pause), pause).unref())
    }, READY_LOOK).unref()
    this.#timers.push(ready)
  }

  /** The daemon takes in nothing new from now on. */
  stopping(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#send('STOPPING=1', 'STATUS=Stopping: the running uploads end')
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.stopping()
  }

  #tell(): void {
    if (!this.#isStopping) this.#send(...this.#news())
  }

  /** Sends a sign of life if there is proof of it. @param pause since the last look, ms */
  #look(pause: number): void {
    const stuck = this.#workers.stuckThreads()
    const doubt =
      stuck.length > 0
        ? `${counted(stuck.length, 'worker thread')} made no progress`
        : this.#isAsking
          ? 'no file could be asked for'
          : undefined
    if (doubt !== undefined) {
      const seconds = Math.round(pause / 1000)
      this.#log.warn(`${doubt} for ${seconds} s; systemd restarts tablesnap if that lasts`)
      return
    }
    this.#isAsking = true
    stat(NO_DISK, () => {
      this.#isAsking = false
      this.#send('WATCHDOG=1')
    })
  }

  /** The status line, where it is another one than the last. */
  #news(): string[] {
    const status = statusLine(this.#collector.recent).replace(/^Status: /, '')
    if (status === this.#status) return []
    this.#status = status
    return [`STATUS=${status.replace(/\s+/g, ' ')}`]
  }

  #send(...lines: readonly string[]): void {
    if (lines.length === 0) return
    let descriptor: number | undefined
    try {
      descriptor = connectLocal(this.#address, true)
      writeNow(descriptor, Buffer.from(lines.join('\n')), 0)
    } catch (error) {
      if (!this.#hasFailed)
        this.#log.warn(`systemd cannot be told the status (${this.#address}): ${errorMessage(error)}`)
      this.#hasFailed = true
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }
}

/** Half of the time after which systemd gives the daemon up, ms. */
function watchdogPause({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return undefined
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return undefined
  return Math.max(SHORTEST_PAUSE, Number(WATCHDOG_USEC) / 1000 / 2)
}
