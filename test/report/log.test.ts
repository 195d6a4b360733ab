import t from 'tap'

import { createLogger, type LineStyle } from '../../src/report/log.js'

/** The lines of a logger that is told one thing of each level. */
function linesOf(style: LineStyle, level?: 'debug' | 'info' | 'warn' | 'error'): string[] {
  const lines: string[] = []
  const log = createLogger(style, line => lines.push(line), level)
  log.debug('each file')
  log.info('an SSTable', { path: '/data/ks/t', files: 8 })
  log.warn('a gap')
  log.error('a loss\nof two lines')
  return lines
}

await t.test('text lines have the local time with its zone, and break nowhere', t => {
  const lines = linesOf({ format: 'text' }, 'debug')
  const zone = -new Date().getTimezoneOffset()
  const sign = zone < 0 ? '-' : '\\+'
  const hours = String(Math.floor(Math.abs(zone) / 60)).padStart(2, '0')
  const shown = new RegExp(
    `^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d,\\d{3}${sign}${hours}:\\d\\d [A-Z]+ [^\\n]*\\n$`,
  )
  t.equal(lines.filter(line => shown.test(line)).length, 4)
  t.same(
    lines.map(line => line.split(' ').slice(2).join(' ')),
    ['DEBUG each file\n', 'INFO an SSTable\n', 'WARNING a gap\n', 'ERROR a loss\\nof two lines\n'],
  )
  const minutes =
    (Date.now() - Date.parse((lines[0] ?? '').slice(0, 29).replace(' ', 'T').replace(',', '.'))) / 60_000
  t.ok(Math.abs(minutes) < 5, `the time with its zone is now: ${minutes} min`)
  t.end()
})

await t.test('a level leaves out what is less important', t => {
  for (const format of ['text', 'json'] as const) {
    t.equal(linesOf({ format }).length, 3, `${format} at info, the default`)
    t.equal(linesOf({ format }, 'warn').length, 2)
    t.equal(linesOf({ format }, 'error').length, 1)
  }
  t.end()
})

await t.test('lines for journald begin with their severity, and text has no time', t => {
  t.same(linesOf({ format: 'text', isJournal: true }, 'debug'), [
    '<7>DEBUG each file\n',
    '<6>INFO an SSTable\n',
    '<4>WARNING a gap\n',
    '<3>ERROR a loss\\nof two lines\n',
  ])
  const json = linesOf({ format: 'json', isJournal: true }, 'debug')
  t.same(
    json.map(line => line.slice(0, 3)),
    ['<7>', '<6>', '<4>', '<3>'],
  )
  t.match(JSON.parse(json[1]?.slice(3) ?? ''), {
    level: 'info',
    message: 'an SSTable',
    path: '/data/ks/t',
    files: 8,
  })
  t.end()
})
