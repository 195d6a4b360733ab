import type { CommandOf, FlagOf } from './commands.js'

/** A line that begins an entry behind the flags: two spaces, a term, and two spaces before its text where that is in the same line. */
const ENTRY = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/

/** The man page of a command, in the language of man(7). @param date of the release, as 2026-11-23 */
export function manPage(
  command: CommandOf,
  all: readonly CommandOf[],
  version: string,
  date: string,
): string {
  const { name, usage, description, groups, epilogue } = command
  const others = all.filter(one => one.name !== name).map(one => one.name)
  const lines = [
    `.TH ${name.toUpperCase()} 1 ${date} "tablesnap ${version}" "tablesnap"`,
    '.SH NAME',
    `${name} \\- ${text(firstSentence(description))}`,
    '.SH SYNOPSIS',
    `.B ${name}`,
    text(usage),
    '.SH DESCRIPTION',
    text(description),
    '.SH OPTIONS',
    ...groups.flatMap(({ heading, flags }) => [`.SS ${quoted(heading)}`, ...flags.flatMap(flag)]),
    ...sections(epilogue),
    '.SH FILES',
    '.TP',
    '.I /etc/tablesnap/tablesnap.conf',
    text('settings of all commands; each long flag is a key there'),
    '.TP',
    '.I /etc/tablesnap/environment',
    text('environment of the systemd services: credentials, and the arguments of tablechop and tablecheck'),
    '.TP',
    '.I /usr/share/doc/tablesnap',
    text('the documentation'),
    '.SH SEE ALSO',
    others.map(other => `.BR ${other} (1)`).join(',\n'),
  ]
  return `${lines.join('\n')}\n`
}

function flag({ short, long, value, help }: FlagOf): string[] {
  const names = [short, long].filter(name => name !== undefined).map(name => `\\fB${text(name)}\\fR`)
  return ['.TP', `${names.join(', ')}${value === undefined ? '' : ` \\fI${text(value)}\\fR`}`, text(help)]
}

/** The text behind the flags: paragraphs, and headings with entries below them. */
function sections(epilogue: string): string[] {
  const lines: string[] = ['.SH NOTES']
  for (const line of epilogue.split('\n')) {
    const entry = ENTRY.exec(line)
    if (line === '') lines.push('.PP')
    else if (/^[A-Z].*:$/.test(line) && line.length < 60) {
      if (lines.at(-1) === '.PP') lines.pop()
      lines.push(`.SH ${quoted(line.slice(0, -1).toUpperCase())}`)
    } else if (entry !== null) {
      const [, term = '', more] = entry
      lines.push('.TP', `\\fB${text(term)}\\fR`, ...(more === undefined ? [] : [text(more)]))
    } else lines.push(text(line.trim()))
  }
  return lines
}

function firstSentence(description: string): string {
  const [first = ''] = description.split(/(?<=[a-z)])[.:] /)
  const sentence = first.replace(/\.$/, '')
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}

function quoted(heading: string): string {
  return `"${text(heading).replaceAll('"', '')}"`
}

/** Text of which roff takes nothing for a request or a special character. */
function text(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('…', '...')
    .replace(/^\./, '\\&.')
}
