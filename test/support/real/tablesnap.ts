import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ServerProcess } from './server-process.js'

export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A server, or a way to it. */
export interface Way {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The command lines that can be run. */
type Program = 'tablesnap' | 'tableslurp' | 'tablechop' | 'tablecheck'

function pathOf(program: Program): string {
  return fileURLToPath(new URL(`../../../bin/${program}.js`, import.meta.url))
}

/** The command line under test: a process of its own, with nothing of the caller's environment. */
export class Tablesnap {
  readonly #directory: string
  readonly #endpoint: string
  readonly #env: NodeJS.ProcessEnv

  constructor(gateway: Way, directory: string, env: NodeJS.ProcessEnv = {}) {
    mkdirSync(directory, { recursive: true })
    this.#directory = directory
    this.#endpoint = gateway.endpoint
    this.#env = {
      PATH: process.env['PATH'],
      HOME: directory,
      TMPDIR: directory,
      AWS_ACCESS_KEY_ID: gateway.accessKeyId,
      AWS_SECRET_ACCESS_KEY: gateway.secretAccessKey,
      ...env,
    }
  }

  /** Runs to the end; a run that a signal or the time ends is an error. */
  async run(...args: readonly string[]): Promise<Result> {
    return this.#run('tablesnap', args)
  }

  async #run(program: Program, args: readonly string[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      const options = { env: this.#env, cwd: this.#directory, timeout: 300_000, maxBuffer: 1 << 28 }
      execFile(process.execPath, this.#arguments(program, args), options, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code
        if (typeof code === 'number') resolve({ code, stdout, stderr })
        else reject(new Error(`${program} did not end by itself\n${stderr}`, { cause: error }))
      })
    })
  }

  /** Runs to the end; anything but exit code 0 is an error. */
  async succeed(...args: readonly string[]): Promise<Result> {
    return this.#succeed('tablesnap', args)
  }

  /** Runs tableslurp to the end; anything but exit code 0 is an error. */
  async slurp(...args: readonly string[]): Promise<Result> {
    return this.#succeed('tableslurp', args)
  }

  /** Runs tablechop to the end; anything but exit code 0 is an error. */
  async chop(...args: readonly string[]): Promise<Result> {
    return this.#succeed('tablechop', args)
  }

  /** Runs tablecheck to the end. */
  async check(...args: readonly string[]): Promise<Result> {
    return this.#run('tablecheck', args)
  }

  async #succeed(program: Program, args: readonly string[]): Promise<Result> {
    const result = await this.#run(program, args)
    if (result.code === 0) return result
    const tail = result.stderr.split('\n').slice(-40).join('\n')
    throw new Error(`${program} ${args.join(' ')} ended with exit code ${result.code}\n${tail}`)
  }

  /** Starts a run that goes on until it is stopped. */
  async start(...args: readonly string[]): Promise<ServerProcess> {
    return ServerProcess.spawn({
      command: process.execPath,
      args: this.#arguments('tablesnap', args),
      env: this.#env,
      cwd: this.#directory,
      log: join(this.#directory, 'tablesnap.log'),
    })
  }

  #arguments(program: Program, args: readonly string[]): string[] {
    return [pathOf(program), '--endpoint-url', this.#endpoint, '-n', 'node1', ...args]
  }
}
