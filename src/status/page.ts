import { createHash } from 'node:crypto'

import { counted, formatBytes } from '../report/format.js'

import { SCRIPT } from './page-script.js'
import { STYLE } from './page-style.js'
import { instant, span } from './reasons.js'
import type { Status, TableStatus } from './status.js'

/** Rows of tables that a page has: those that are not protected come first. */
const ROWS = 500

/** Allows this page's own style and script, and nothing else from anywhere; the script may ask this server alone. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const LEVELS = { damaged: 0, behind: 1, protected: 2 } as const

/** `t2` before `t10`. */
const ORDER = new Intl.Collator('en', { numeric: true })

const WORDS = { damaged: 'damaged', behind: 'behind', protected: 'protected' } as const

const HOURS = { p: 'protected', w: 'behind', d: 'damaged', '.': 'unknown' } as const

/** The page that shows a status to a person. */
export function pageOf(status: Status): string {
  const { program } = status
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(program.node)}: ${titleOf(status)} – tablesnap</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<p id="stale" role="status" hidden></p>
<main id="status">
${headOf(status)}
${barOf(status)}
${factsOf(status)}
${tablesOf(status)}
${listOf(`Cannot be backed up now (${status.failed})`, status.failures.map(escape))}
${listOf(
  'Last errors and warnings',
  status.errors.map(({ time, message }) => `<time>${escape(instant(time))}</time> ${escape(message)}`),
)}
<footer>tablesnap ${escape(program.version)}, pid ${program.pid}, ${formatBytes(program.memory)} of memory, started ${escape(instant(program.started))}; as of <time>${escape(instant(status.time))}</time>.
<a href="status.json">status.json</a> <a href="metrics">metrics</a> <a href="healthz">healthz</a></footer>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`
}

/** Text for HTML, in elements and in attributes with quotes. */
export function escape(text: string): string {
  return (
    text
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
      .replace(/'/g, '&#39;')
      // eslint-disable-next-line no-control-regex -- control characters are what it is about
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
  )
}

function titleOf({ isProtected, s3 }: Status): string {
  if (isProtected) return 'everything is protected'
  return s3.isReachable ? 'not everything is protected' : 'S3 cannot be reached'
}

function headOf(status: Status): string {
  const { program, isProtected, unprotectedSince, reasons } = status
  const isDamaged =
    status.failed > 0 || !status.s3.isReachable || status.tables.some(({ level }) => level === 'damaged')
  const level = isProtected ? 'protected' : isDamaged ? 'damaged' : 'behind'
  const since =
    unprotectedSince === null
      ? ''
      : `, since ${instant(unprotectedSince)} (${span(Date.parse(status.time) - Date.parse(unprotectedSince))})`
  const verdict = isProtected ? 'Everything is protected' : `Not everything is protected${since}`
  const why =
    reasons.length === 0 ? '' : `<ul>${reasons.map(reason => `<li>${escape(reason)}</li>`).join('')}</ul>`
  return `<header><h1>${escape(program.node)}</h1><p class="paths">${escape(program.paths.join(', '))} → ${escape(program.bucket)}</p></header>
<section class="verdict ${level}"><p>${mark(level)} ${escape(verdict)}</p>${why}</section>`
}

/** A sign beside the color, for whoever does not see colors. */
function mark(level: keyof typeof LEVELS): string {
  return `<span class="mark" aria-hidden="true">${{ protected: '✓', behind: '↑', damaged: '!' }[level]}</span>`
}

/** A bar of protected against waiting bytes; whatever waits is seen, however little it is. */
function barOf({ protected: { bytes }, waiting }: Status): string {
  const all = bytes + waiting.bytes
  const share = all === 0 ? 0 : waiting.bytes / all
  const width = waiting.bytes === 0 ? 0 : Math.max(0.5, Math.round(share * 1000) / 10)
  const percent = all === 0 ? '–' : `${(Math.floor((bytes / all) * 1000) / 10).toFixed(1)} %`
  return `<section class="bar" aria-label="protected bytes"><svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="${percent} of the bytes are protected"><rect class="p" width="${all === 0 ? 0 : 100 - width}" height="1"></rect><rect class="w" x="${100 - width}" width="${width}" height="1"></rect></svg>
<p><span><b>${percent}</b> protected: ${formatBytes(bytes)}</span><span>${waiting.bytes === 0 ? 'nothing waits' : `${formatBytes(waiting.bytes)} wait`}</span></p></section>`
}

function factsOf(status: Status): string {
  const { waiting, s3, newest, protected: amount, tableCount, totals, directories } = status
  const left = waiting.left === null ? 'not known' : span(waiting.left)
  const facts: [string, string, string][] = [
    ['Tables', `${amount.tables} of ${tableCount}`, `protected; ${counted(amount.sstables, 'SSTable')}`],
    [
      'Not uploaded',
      waiting.sstables === 0 ? 'nothing' : counted(waiting.sstables, 'SSTable'),
      waiting.sstables === 0
        ? `${counted(totals.files, 'file')} uploaded since the start`
        : `the oldest for ${span(waiting.age)}; left: ${left}`,
    ],
    ['Speed', `${formatBytes(waiting.rate)}/s`, 'in the last minute'],
    [
      'Newest restore point',
      newest === null ? 'none yet' : `${span(Date.parse(status.time) - Date.parse(newest))} ago`,
      newest === null ? '' : instant(newest),
    ],
    [
      'S3',
      s3.isReachable ? 'reachable' : 'not reachable',
      `${s3.since === null ? '' : `since ${instant(s3.since)}; `}${counted(s3.retries, 'retry', 'retries')}${s3.nextTry === null ? '' : `; next try ${instant(s3.nextTry)}`}`,
    ],
    [
      'inotify',
      counted(directories.watched, 'directory', 'directories'),
      `${directories.unwatched} without a watch; ${counted(totals.overflows, 'overflow')}; ${counted(totals.gaps, 'gap')}`,
    ],
  ]
  return `<dl class="facts">${facts.map(([name, value, more]) => `<div><dt>${name}</dt><dd>${escape(value)}<small>${escape(more)}</small></dd></div>`).join('')}</dl>`
}

function tablesOf({ tables, time }: Status): string {
  if (tables.length === 0) return ''
  const sorted = [...tables].sort(
    (a, b) => LEVELS[a.level] - LEVELS[b.level] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  )
  const more = sorted.length - ROWS
  const rest = more > 0 ? `<p class="more">and ${more} more; status.json has all of them</p>` : ''
  const shown = sorted
    .slice(0, ROWS)
    .sort((a, b) => LEVELS[a.level] - LEVELS[b.level] || ORDER.compare(a.name, b.name))
  const rows = shown.map(table => rowOf(table, time))
  return `<section><h2>Tables</h2><table><thead><tr><th scope="col">Table</th><th scope="col">Newest restore point (UTC)</th><th scope="col">Not uploaded</th><th scope="col" class="day">Last 24 hours</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>${rest}<p class="key"><span class="protected">protected</span><span class="behind">behind for over 5 min</span><span class="damaged">damaged</span><span class="unknown">not known</span></p></section>`
}

function rowOf(
  { name, unit, level, newest, waiting, protected: { bytes }, day }: TableStatus,
  time: string,
): string {
  const point =
    newest === null
      ? 'none'
      : `<time>${escape(instant(newest.time).slice(0, -4))}</time> <small>${span(Date.parse(time) - Date.parse(newest.time))} ago${newest.kind === 'complete' ? '' : `, ${newest.kind}`}</small>`
  const wait =
    waiting.sstables === 0 ? '–' : `${counted(waiting.sstables, 'SSTable')}, ${formatBytes(waiting.bytes)}`
  return `<tr class="${level}"><th scope="row" title="${escape(unit)}"><span class="tag">${mark(level)}${WORDS[level]}</span> ${escape(name)} <small>${formatBytes(bytes)}</small></th><td data-label="Restore point">${point}</td><td data-label="Not uploaded"${waiting.sstables === 0 ? ' class="none"' : ''}>${wait}</td><td class="day">${stripOf(day)}</td></tr>`
}

/** The last 24 hours as a drawing: hours of one kind that follow each other are one rectangle. */
function stripOf(day: string): string {
  const runs = day.match(/(.)\1*/g) ?? []
  let x = 0
  const rects = runs.map(run => {
    const rect = `<rect class="${run[0] === '.' ? 'u' : (run[0] ?? 'u')}" x="${x}" width="${run.length}" height="1"></rect>`
    x += run.length
    return rect
  })
  const words = runs.map(run => `${run.length} h ${HOURS[(run[0] ?? '.') as keyof typeof HOURS]}`).join(', ')
  return `<svg viewBox="0 0 24 1" preserveAspectRatio="none" role="img" aria-label="last 24 hours: ${words}"><title>${words}</title>${rects.join('')}</svg>`
}

function listOf(title: string, items: readonly string[]): string {
  if (items.length === 0) return ''
  return `<section><h2>${title}</h2><ul class="errors">${items.map(item => `<li>${item}</li>`).join('')}</ul></section>`
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
