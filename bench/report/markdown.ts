import { showFigure } from '../figure.js'
import type { Result } from '../result.js'
import { showBound } from '../verdicts.js'

/** A result as Markdown: a table of the rows, one of the bounds, and the notes. */
export function markdown({ title, rows, verdicts, notes }: Result): string {
  const headings = [...new Set(rows.flatMap(row => Object.keys(row.figures)))]
  const parts = [`### ${title}`]
  if (rows.length > 0) {
    parts.push(
      table(
        ['client', 'run', ...headings],
        rows.map(({ client, variant, figures }) => [
          client,
          variant,
          ...headings.map(heading => {
            const figure = figures[heading]
            return figure === undefined ? '' : showFigure(figure)
          }),
        ]),
      ),
    )
  }
  if (verdicts.length > 0) {
    parts.push(
      table(
        ['bound', 'measured', 'at most', 'holds'],
        verdicts.map(({ what, value, bound, unit, holds }) => [
          what,
          showBound(value, unit),
          showBound(bound, unit),
          holds ? 'yes' : '**no**',
        ]),
      ),
    )
  }
  if (notes.length > 0) parts.push(notes.map(note => `- ${note.replace(/\s+/g, ' ')}`).join('\n'))
  return `${parts.join('\n\n')}\n`
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n')
}
