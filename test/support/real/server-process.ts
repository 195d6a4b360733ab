import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ServerOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** The file that takes stdout and stderr. */
  readonly log: string
}

/** A child process that writes its output into a file and is only ever signalled by its pid. */
export class ServerProcess {
  readonly pid: number
  readonly exited: Promise<ExitStatus>
  readonly #log: string
  readonly #child: ChildProcess
  #running = true

  private constructor(child: ChildProcess, pid: number, log: string) {
    this.#child = child
    this.pid = pid
    this.#log = log
    // A server that a failed test forgot must not keep the test's process waiting.
    child.unref()
    this.exited = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        this.#running = false
        resolve({ code, signal })
      })
    })
  }

  /** Starts the program. */
  static async spawn(options: ServerOptions): Promise<ServerProcess> {
    const output = openSync(options.log, 'a')
    try {
      // The kernel ends the server with this process, however that ends.
      const child = spawn('setpriv', ['--pdeathsig', 'KILL', options.command, ...options.args], {
        env: options.env,
        cwd: options.cwd,
        stdio: ['ignore', output, output],
      })
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve)
        child.once('error', reject)
      })
      const pid = child.pid
      if (pid === undefined) throw new Error(`${options.command} has no pid`)
      return new ServerProcess(child, pid, options.log)
    } finally {
      closeSync(output)
    }
  }

  /** Whether the process has not ended yet. */
  get running(): boolean {
    return this.#running
  }

  /** All that the process has written so far. */
  output(): string {
    return readFileSync(this.#log, 'utf8')
  }

  /** Waits until `probe` gives a value; fails when the process ends first or the time is over. */
  async until<T>(what: string, withinMs: number, probe: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + withinMs
    for (;;) {
      const value = await probe()
      if (value !== undefined) return value
      if (!this.#running) throw new Error(`pid ${this.pid} ended before ${what}\n${this.#tail()}`)
      if (Date.now() > deadline) throw new Error(`no ${what} within ${withinMs} ms\n${this.#tail()}`)
      await sleep(100)
    }
  }

  /** Waits until the port accepts a connection. */
  async listening(host: string, port: number, withinMs: number): Promise<void> {
    await this.until(`listener on ${host}:${port}`, withinMs, async () =>
      (await accepts(host, port)) ? true : undefined,
    )
  }

  /** Waits until the output matches. */
  async printed(pattern: RegExp, withinMs: number): Promise<RegExpExecArray> {
    return this.until(`output ${String(pattern)}`, withinMs, () =>
      Promise.resolve(pattern.exec(this.output()) ?? undefined),
    )
  }

  /** Sends the signal and waits for the end; after `withinMs` it is SIGKILL and an error. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', withinMs = 60_000): Promise<ExitStatus> {
    this.#child.ref()
    if (this.#running) this.#child.kill(signal)
    const late = new AbortController()
    const status = await Promise.race([
      this.exited,
      sleep(withinMs, undefined, { signal: late.signal }).catch(() => undefined),
    ])
    late.abort()
    if (status !== undefined) return status
    this.#child.kill('SIGKILL')
    await this.exited
    throw new Error(`pid ${this.pid} was still there ${withinMs} ms after ${signal}\n${this.#tail()}`)
  }

  #tail(): string {
    return this.output().split('\n').slice(-30).join('\n')
  }
}

async function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
