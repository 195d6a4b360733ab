/** One `key = value` of a file. */
export interface ConfEntry {
  /** Lower case. */
  readonly key: string
  /** Line number of the key, from 1. */
  readonly line: number
  /** The value and its continuation lines, trimmed; blank ones are left out. */
  readonly lines: readonly string[]
}

export interface ConfSection {
  readonly name: string
  /** Line number of its first header, from 1. */
  readonly line: number
  readonly entries: readonly ConfEntry[]
}

/** A line that the grammar has no place for. Its text is not repeated: it may be a secret. */
export class GrammarError extends Error {
  override readonly name = 'GrammarError'

  constructor(
    readonly line: number,
    reason: string,
  ) {
    super(reason)
  }
}

interface OpenSection {
  name: string
  line: number
  entries: ConfEntry[]
}

/** Cuts a ` ;` comment off; as in Python 2 only the first semicolon of a value can begin one. */
function withoutComment(value: string): string {
  if (/^;\s/.test(value)) return ''
  const semicolon = value.indexOf(';')
  return /\s/.test(value.charAt(semicolon - 1)) ? value.slice(0, semicolon) : value
}

function isComment(line: string): boolean {
  return /^\s*(?:[#;]|$)/.test(line) || /^rem(?:\s|$)/i.test(line)
}

/**
 * Reads the text of a conf file by the rules of Python 2's RawConfigParser: `key = value` or `key: value`,
 * names in any case, `#` and `;` comment lines, ` ;` comments after a value, indented continuation lines, no
 * interpolation. Unlike there, an indented line may be a comment, and so may all of a value (`key = ; text`).
 * @throws GrammarError
 */
export function parseConf(text: string): readonly ConfSection[] {
  const sections: OpenSection[] = []
  let section: OpenSection | undefined
  let open: string[] | undefined
  for (const [index, line] of text.split(/\r\n|\n/).entries()) {
    if (isComment(line)) continue
    if (/^\s/.test(line)) {
      if (open === undefined) throw new GrammarError(index + 1, 'an indented line without a key above it')
      if (open[0] === '""') open.shift()
      open.push(line.trim())
      continue
    }
    const header = /^\[([^\]]+)\]/.exec(line)?.[1]
    if (header !== undefined) {
      section = sections.find(({ name }) => name === header)
      if (section === undefined) sections.push((section = { name: header, line: index + 1, entries: [] }))
      open = undefined
      continue
    }
    if (section === undefined) throw new GrammarError(index + 1, 'a line before the first [section] header')
    const [, key, value] = /^([^:=\s][^:=]*)[:=](.*)$/.exec(line) ?? []
    if (key === undefined || value === undefined) {
      throw new GrammarError(index + 1, 'neither [section] nor key = value')
    }
    const first = withoutComment(value.trim()).trim()
    open = first === '' ? [] : [first]
    section.entries.push({ key: key.trim().toLowerCase(), line: index + 1, lines: open })
  }
  return sections
}
