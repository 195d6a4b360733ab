import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { runtimeFolder } from './cli.js'
import { expectNoSecret } from './secret.js'

const BINARY = fileURLToPath(new URL('../../bin/tablesnap.js', import.meta.url))

/** Runs a command in a pseudo-terminal of its own, passes its output on, and sends it what is typed. */
const PTY = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 30, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
sources = [fd, 0]
while True:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b''
        if source == 0:
            if data: os.write(fd, data)
            else: sources.remove(0)
        elif data: os.write(1, data)
        else: sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

// eslint-disable-next-line no-control-regex -- control characters are what it is about
const SEQUENCE = /\x1b\[[\d;?]*[A-Za-z]|\x1b[78]/

// eslint-disable-next-line no-control-regex -- control characters are what it is about
const PIECE = /([^\x1b]*)(?:\x1b\[?([\d;?]*)([A-Za-z78])|$)/g

/** A run of the real binary on a terminal. */
export class TerminalRun {
  /** Everything that it wrote, with its control sequences. */
  output = ''
  readonly exit: Promise<number | string>
  readonly #child: ChildProcess
  readonly #columns: number

  constructor(args: readonly string[], columns: number) {
    this.#columns = columns
    const environment = ['-u', 'NODE_OPTIONS', `RUNTIME_DIRECTORY=${runtimeFolder()}`, 'HOME=/nonexistent']
    const command = ['/usr/bin/env', ...environment, process.execPath, BINARY, ...args]
    this.#child = spawn('python3', ['-c', PTY, String(columns), ...command], {
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    this.exit = new Promise(resolve => {
      this.#child.on('close', (code, signal) => {
        expectNoSecret(this.output, 'the terminal')
        resolve(code ?? signal ?? 'unknown')
      })
    })
  }

  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  /** The pieces of text between control sequences and line ends. */
  get pieces(): string[] {
    return this.output.split(SEQUENCE).flatMap(text => text.split(/[\r\n]+/))
  }

  /** Every state of the bar that was drawn. */
  get bars(): string[] {
    return this.pieces.filter(text => /^\[[#.]+\] +\d+%/.test(text))
  }

  /** What is on the screen at the end, line by line, without blanks at the ends. Only the sequences that a bar needs are understood. */
  get screen(): string[] {
    const lines = ['']
    let [row, column] = [0, 0]
    const write = (text: string): void => {
      for (const one of text) {
        if (one === '\r') column = 0
        else if (one === '\n') lines[++row] ??= ''
        else {
          if (column >= this.#columns) {
            column = 0
            lines[++row] ??= ''
          }
          const line = (lines[row] ?? '').padEnd(column)
          lines[row] = line.slice(0, column) + one + line.slice(column + 1)
          column++
        }
      }
    }
    for (const [, text = '', count = '', kind = ''] of this.output.matchAll(PIECE)) {
      write(text)
      if (kind === 'A') row = Math.max(0, row - Number(count || 1))
      else if (kind === 'G') column = Number(count || 1) - 1
      else if (kind === 'J' && (count === '' || count === '0')) {
        lines[row] = (lines[row] ?? '').slice(0, column)
        lines.length = row + 1
      } else if (kind === 'K') lines[row] = (lines[row] ?? '').slice(0, column)
    }
    return lines.map(line => line.trimEnd())
  }
}
