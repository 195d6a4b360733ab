import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export const COMMANDS = ['tablesnap', 'tableslurp', 'tablechop', 'tablecheck'] as const

/** The binary of a command. */
export function binaryOf(command: string): string {
  return join(ROOT, `dist/bin/${command}.js`)
}

/** A command that a document shows. */
export interface ShownCommand {
  /** The document, or `tablesnap --help`. */
  readonly place: string
  /** The heading above it; empty: none. */
  readonly heading: string
  /** As it is typed, without a comment behind it. */
  readonly command: string
  /** The exit code that the comment behind it names; 0 by default. */
  readonly exitCode: number
  /** What the next block says that it prints; empty: nothing is said. */
  readonly output: string
}

/** The text of a document of the repository. */
export function documentOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** README.md and docs/*.md. */
export function documents(): string[] {
  return ['README.md', ...readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`)].filter(name =>
    name.endsWith('.md'),
  )
}

/** The commands in the sh blocks and the indented blocks of a document; lines that end with a backslash go on. */
export function commandsOf(path: string): ShownCommand[] {
  const commands: ShownCommand[] = []
  let heading = ''
  let fence: { indent: string; language: string } | undefined
  let before = ''
  let started = ''
  let output: string[] = []
  const add = (line: string): void => {
    started += line.trim()
    if (started.endsWith('\\')) {
      started = started.slice(0, -1)
      return
    }
    const [, command = '', comment = ''] = /^(.*?)(?:\s+#\s+(.*))?$/.exec(started) ?? []
    started = ''
    const exitCode = Number(/exit code (\d+)/.exec(comment)?.[1] ?? 0)
    if (command !== '' && !command.startsWith('#'))
      commands.push({ place: path, heading, command, exitCode, output: '' })
  }
  for (const line of documentOf(path).split('\n')) {
    const [, indent = '', language] = /^(\s*)```(\w*)\s*$/.exec(line) ?? []
    if (language !== undefined) {
      if (fence?.language === 'text') {
        const last = commands.pop()
        if (last !== undefined) commands.push({ ...last, output: output.join('\n') })
        output = []
      }
      fence = fence === undefined ? { indent, language } : undefined
    } else if (fence !== undefined) {
      if (fence.language === 'sh') add(line)
      else if (fence.language === 'text') output.push(line.slice(fence.indent.length))
    } else if (line.startsWith('#')) heading = line.replace(/^#+\s+/, '')
    else if (isIndented(line, before)) add(line)
    if (line.trim() === '' || !line.startsWith('    ')) before = line
  }
  return commands
}

/** Whether a line is a command in an indented block: others are diagrams, units of systemd and lists. */
function isIndented(line: string, before: string): boolean {
  return (
    before.trim() === '' &&
    /^ {4}(?:sudo |export |[a-z]+ctl |(?:npm|apt|dpkg|docker|podman|table[a-z]+) )/.test(line)
  )
}

/** The examples of `--help` of a command. */
export function examplesOf(command: string): ShownCommand[] {
  const help = execFileSync(process.execPath, [binaryOf(command), '--help'], {
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
  })
  const [, examples = ''] = /^Examples:\n([^]*?)(?:\n\n|$)/m.exec(help) ?? []
  return examples
    .split('\n')
    .filter(line => /^ {2}\S/.test(line))
    .map(line => ({ place: `${command} --help`, heading: '', command: line.trim(), exitCode: 0, output: '' }))
}
