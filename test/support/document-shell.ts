import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { COMMANDS, binaryOf } from './document-commands.js'
import { until } from './node.js'

/** What a command left. */
export interface ShellRun {
  readonly code: number | string
  /** Its stdout and stderr as they came. */
  readonly output: string
}

/** How long a command may take, ms. */
const LONGEST = 300_000

/** A shell in which the commands of the documents are typed: with other paths in them than those of a machine. */
export class DocumentShell {
  readonly bin: string
  /** Replaced in every command before it runs. */
  readonly replaced: [text: RegExp | string, by: string | (() => string)][] = []
  /** The environment of what is typed. */
  readonly env: Record<string, string | undefined>
  /** A command that gets what is typed as its last argument, and runs it. */
  wrapper: string | undefined

  /** @param directory of the shell's own @param env beside PATH and HOME */
  constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.bin = join(directory, 'bin')
    mkdirSync(this.bin, { recursive: true })
    const home = join(directory, 'home')
    mkdirSync(home)
    this.env = {
      PATH: `${this.bin}:${process.env['PATH']}`,
      HOME: home,
      TMPDIR: directory,
      RUNTIME_DIRECTORY: directory,
      TABLESNAP_CONF: '/dev/null',
      ...env,
    }
    for (const command of COMMANDS)
      this.install(command, `exec ${process.execPath} ${binaryOf(command)} "$@"`)
  }

  /** Makes a command of a line of sh. */
  install(command: string, line: string): void {
    const path = join(this.bin, command)
    writeFileSync(path, `#!/bin/sh\n${line}\n`)
    chmodSync(path, 0o755)
  }

  /** The command as it runs here. */
  translate(command: string): string {
    let text = command
    for (const [from, by] of this.replaced) text = text.replaceAll(from, typeof by === 'string' ? by : by())
    return text
  }

  /** Types a command; one that watches is ended by SIGTERM once `until` is in its log. */
  async type(command: string, ends = /Watching \d+ director/): Promise<ShellRun> {
    const typed = this.translate(command)
    const text = this.wrapper === undefined ? typed : `${this.wrapper} '${typed}'`
    const isWatching =
      /^tablesnap\b/.test(text) && !/ -B(?! --watch)| -D| --(?:list|status|check-config|help)/.test(text)
    const child = spawn('bash', ['-c', isWatching ? `exec ${text}` : text], {
      env: this.env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const exit = new Promise<number | string>(resolve => {
      child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
    })
    if (!isWatching) return { code: await exit, output }
    await until(
      () => ends.test(output) || child.exitCode !== null,
      60_000,
      () => `${text}: ${output}`,
    )
    child.kill('SIGTERM')
    const code = await exit
    return { code: code === 143 ? 0 : code, output }
  }
}
