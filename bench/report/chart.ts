import { show } from '../figure.js'
import type { Result } from '../result.js'

import { CURVE_HEIGHT, drawCurve } from './curves.js'

/** Pixels. */
const WIDTH = 760
const LABEL = 250
const VALUE = 90
const BAR = 18
const STEP = 26
const HEAD = 44

const STYLE =
  'text{font:13px sans-serif;fill:#222}.t{font-weight:bold}.b{fill:#8aa4b8}.o{fill:#d9741a}.w{stroke:#222;stroke-width:1.5}.a{fill:none;stroke:#222}.c{fill:none;stroke:#d9741a;stroke-width:2}'

/** In one SVG, the curve of each result, or the first figure of each of its rows as bars, with a line from the least to the most. */
export function chart(results: readonly Result[]): string {
  const drawn = results.filter(({ rows }) => rows.length > 0)
  let top = 0
  const groups = drawn.map(result => {
    const { curve, title, rows } = result
    const group = curve === undefined ? bars(result, top) : drawCurve(escape(title), curve, top)
    top += curve === undefined ? HEAD + rows.length * STEP : CURVE_HEIGHT
    return group
  })
  const height = top + 10
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<style>${STYLE}</style><rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...groups,
    '</svg>\n',
  ].join('\n')
}

function bars({ title, rows }: Result, top: number): string {
  const figures = rows.map(row => Object.entries(row.figures)[0])
  const most = Math.max(...figures.map(entry => entry?.[1].max ?? 0), Number.MIN_VALUE)
  const x = (value: number) => (LABEL + (Math.max(value, 0) / most) * (WIDTH - LABEL - VALUE)).toFixed(1)
  const lines = rows.map((row, i) => {
    const figure = figures[i]?.[1]
    if (figure === undefined) return ''
    const y = top + HEAD + i * STEP
    const middle = y + BAR / 2
    const width = (Number(x(figure.median)) - LABEL).toFixed(1)
    return [
      `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escape(`${row.client} (${row.variant})`)}</text>`,
      `<rect class="${row.client === 'tablesnap' ? 'o' : 'b'}" x="${LABEL}" y="${y}" width="${width}" height="${BAR}"/>`,
      `<line class="w" x1="${x(figure.min)}" y1="${middle}" x2="${x(figure.max)}" y2="${middle}"/>`,
      `<text x="${Number(x(figure.max)) + 6}" y="${y + 13}">${escape(show(figure.median, figure.unit))}</text>`,
    ].join('')
  })
  return [`<text class="t" x="10" y="${top + 28}">${escape(title)}</text>`, ...lines].join('\n')
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
