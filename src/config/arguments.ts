import { parse } from 'shell-quote'
import { UsageError } from '../errors.js'

const piece = /\\[\s\S]|'[^']*'|"((?:\\[\s\S]|[^"\\])*)"/g

const OPERATOR = /[&|;<>()]+/

/** The text without what is quoted or escaped, but with what the shell would still see within "…". */
function unquoted(text: string): { outside: string; substituted: string } {
  const substituted = text.replace(piece, (_, quoted?: string) => (quoted ?? '').replace(/\\[\s\S]/g, ''))
  return { outside: text.replace(piece, ''), substituted }
}

/**
 * Splits a text into words as a shell does: blanks, '…', "…" and backslashes. What only a shell could
 * carry out (variables, wildcards, operators, comments) is refused, and nothing is substituted.
 * @param label names the place in messages
 * @throws UsageError `ARGS_INVALID`
 */
export function splitArguments(text: string, label: string): string[] {
  const refuse = (reason: string): UsageError =>
    new UsageError('ARGS_INVALID', `${label}: ${reason}; put single quotes around it if it belongs to a name`)
  const { outside, substituted } = unquoted(text)
  if (/['"\\]/.test(outside)) {
    throw new UsageError('ARGS_INVALID', `${label}: a quote is not closed, or nothing follows a backslash`)
  }
  if (substituted.includes('$') || substituted.includes('`')) {
    throw refuse('$ and ` are not substituted here')
  }
  const [operator] = OPERATOR.exec(outside) ?? []
  if (operator !== undefined) throw refuse(`${operator} has no meaning here`)
  return parse(text).map(word => {
    if (typeof word === 'string') return word
    if ('comment' in word) throw refuse('# begins no comment here')
    throw refuse('* and ? are not expanded here')
  })
}
