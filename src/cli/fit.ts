/** The beginning of a line: its blanks; in a list of terms (`  255       bucket or path missing`) also the term and the blanks after it. */
const START = /^( *)(?:\S+(?: \S+)? {2,})?/

/** A command in the examples: to be copied, so never broken. */
const COMMAND = /^ {2}table\w+ /

/**
 * Breaks the lines of a text that are too long for a terminal between words. Lines of prose that belong together are filled anew,
 * and what stands in columns keeps them.
 */
export function fit(text: string, columns: number): string {
  return blocksOf(text.split('\n'))
    .flatMap(block => (block.every(line => line.length <= columns) ? block : filled(block, columns)))
    .join('\n')
}

/** Lines that continue one another: no blank line, no command, no term and no other indentation begins among them. */
function blocksOf(lines: readonly string[]): string[][] {
  const blocks: string[][] = []
  for (const line of lines) {
    const last = blocks.at(-1)
    const before = last?.at(-1)
    const isFurther =
      before !== undefined &&
      isProse(before) &&
      isProse(line) &&
      /^ */.exec(before)?.[0] === /^ */.exec(line)?.[0]
    if (isFurther) last?.push(line)
    else blocks.push([line])
  }
  return blocks
}

function isProse(line: string): boolean {
  return line !== '' && !COMMAND.test(line) && /^ *\S+(?: \S+)*$/.test(line)
}

function filled(block: readonly string[], columns: number): string[] {
  const [first = ''] = block
  if (COMMAND.test(first)) return [...block]
  const [start = ''] = START.exec(first) ?? []
  const indent = ' '.repeat(start.length)
  const lines: string[] = []
  let line = start
  for (const word of block.join(' ').slice(start.length).split(' ')) {
    if (word === '') continue
    const isEmpty = line.length === start.length
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = `${indent}${word}`
    } else line = isEmpty ? `${line}${word}` : `${line} ${word}`
  }
  return [...lines, line]
}
