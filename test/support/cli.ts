import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { publicProgram } from './public-program.js'
import { expectNoSecret } from './secret.js'

const BINARY = fileURLToPath(new URL('../../bin/tablesnap.js', import.meta.url))

let runtime: string | undefined

/** Where daemons of this test file have their status sockets; other users may make some there, too. */
export function runtimeFolder(): string {
  if (runtime !== undefined) return runtime
  const folder = mkdtempSync(join(tmpdir(), 'run-'))
  chmodSync(folder, 0o1777)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return (runtime = folder)
}

/** A run of the real binary. */
export class Cli {
  stdout = ''
  /** The log. */
  stderr = ''
  readonly child: ChildProcess
  /** The exit code, or the signal's name when it was killed. */
  readonly exit: Promise<number | string>
  readonly #watchers = new Set<() => void>()

  /**
   * @param options env beside PATH and HOME, no conf file of this machine is read; uid: the user it runs as; nice: see nice(1);
   * watches: how many inotify watches there are, in a user namespace of its own; nodeOptions: NODE_OPTIONS; wrapper: a
   * command that runs the rest; stderr: a
   * descriptor in place of the pipe that is read
   */
  constructor(
    args: readonly string[],
    options: {
      env?: Record<string, string>
      cwd?: string
      uid?: number
      nice?: number
      watches?: number
      nodeOptions?: string
      wrapper?: readonly string[]
      stderr?: number
    } = {},
  ) {
    // Without `env -u` tap would load its own modules into the binary, which takes longer than most runs.
    const nice = options.nice === undefined ? [] : ['nice', '-n', String(options.nice)]
    const limited = options.watches === undefined ? [] : withWatches(options.watches)
    const { nodeOptions } = options
    const environment = nodeOptions === undefined ? ['-u', 'NODE_OPTIONS'] : [`NODE_OPTIONS=${nodeOptions}`]
    const program = options.uid === undefined ? undefined : publicProgram()
    const node = program?.node ?? process.execPath
    const binary = program === undefined ? BINARY : join(program.folder, 'dist/bin/tablesnap.js')
    this.child = spawn(
      '/usr/bin/env',
      [...environment, ...nice, ...limited, ...(options.wrapper ?? []), node, binary, ...args],
      {
        cwd: options.cwd ?? '/',
        env: {
          PATH: process.env['PATH'],
          HOME: '/nonexistent',
          RUNTIME_DIRECTORY: runtimeFolder(),
          ...options.env,
        },
        stdio: ['ignore', 'pipe', options.stderr ?? 'pipe'],
        ...(options.uid === undefined ? {} : { uid: options.uid }),
      },
    )
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString()
      for (const watcher of this.#watchers) watcher()
    })
    this.exit = new Promise(resolve => {
      this.child.on('close', (code, signal) => {
        expectNoSecret(this.stdout, 'stdout')
        expectNoSecret(this.stderr, 'stderr')
        resolve(code ?? signal ?? 'unknown')
        for (const watcher of this.#watchers) watcher()
      })
    })
  }

  /** Waits until the log matches; fails after `timeout` ms or when the process ends before. */
  async seen(pattern: RegExp, timeout = 60_000): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${why} before ${String(pattern)} in:\n${this.stderr}`))
      const timer = setTimeout(() => fail(`${timeout} ms passed`), timeout)
      const check = () => {
        const matched = pattern.test(this.stderr)
        if (!matched && this.child.exitCode === null && this.child.signalCode === null) return
        clearTimeout(timer)
        this.#watchers.delete(check)
        if (matched) resolve()
        else fail('the process ended')
      }
      this.#watchers.add(check)
      check()
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

/** What runs a command with this many inotify watches. Exit code 77: there can be no user namespace here. */
function withWatches(count: number): string[] {
  const shell = `echo ${count} > /proc/sys/user/max_inotify_watches || exit 77; exec "$@"`
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', shell, 'sh']
}
