import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { environment, type Job } from './clients/client.js'
import { BenchFailure } from './failure.js'
import { MIB } from './figure.js'
import { ownProgram } from './places.js'
import { program } from './program.js'

/** What it may take until all watches are set, ms. */
const START_LIMIT = 300_000

/** How much of its log is kept to show, characters. */
const TAIL = 4000

/** tablesnap watching a folder. */
export class Daemon {
  readonly #child: ChildProcess
  #log = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-TAIL)))
  }

  /** Starts it and waits until it watches. @throws BenchFailure */
  static async start(job: Job): Promise<Daemon> {
    const { endpoint = '', bucket, region } = job.target
    const flags = ['-r', '-a', '-n', job.node, '--without-index', '--path-style', '--endpoint-url', endpoint]
    const args = ['-', ...ownProgram('tablesnap'), ...flags, '--aws-region', region, bucket, job.source]
    const child = spawn(await program('launch'), args, {
      env: environment(job),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const daemon = new Daemon(child)
    await daemon.#watching()
    return daemon
  }

  /** CPU of all threads that live, s. */
  cpu(): number {
    const tasks = `/proc/${this.#pid}/task`
    const nanoseconds = readdirSync(tasks).map(task => {
      const [onCpu = '0'] = readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')
      return Number(onCpu)
    })
    return nanoseconds.reduce((sum, value) => sum + value, 0) / 1e9
  }

  /** Resident memory now and at its peak, bytes. */
  memory(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8')
    const field = (name: string) => {
      const [, kibibytes = '0'] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status) ?? []
      return (Number(kibibytes) * MIB) / 1024
    }
    return { now: field('VmRSS'), peak: field('VmHWM') }
  }

  /** Ends it as an operator does, by its pid. */
  async stop(): Promise<void> {
    if (this.#ended) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exit
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  get #pid(): number {
    if (this.#child.pid === undefined || this.#ended) throw new BenchFailure(`tablesnap ended:\n${this.#log}`)
    return this.#child.pid
  }

  async #watching(): Promise<void> {
    const late = AbortSignal.timeout(START_LIMIT)
    while (!this.#log.includes(' Watching ')) {
      if (this.#ended || late.aborted) throw new BenchFailure(`tablesnap does not watch:\n${this.#log}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}
