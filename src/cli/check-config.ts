import type { Config, Mode } from '../config/config.js'
import type { LoadedConfig } from '../config/load.js'
import type { ShownSetting } from '../config/shown.js'
import { AREAS, type Finding, type Level } from '../rehearsal/finding.js'
import { rehearse } from '../rehearsal/rehearse.js'
import { counted } from '../report/format.js'
import { printable } from '../report/log.js'

import { writeOut } from './terminal.js'

/** Changes when a field of the JSON goes or changes its meaning. */
const VERSION = 1

const WORK: Readonly<Record<Mode, string>> = {
  watch: 'watch, and upload new SSTables',
  backup: 'upload everything that the bucket lacks, then exit',
  'backup-watch': 'upload everything that the bucket lacks, then watch',
  download: 'restore from the bucket',
}

const MARKS: Readonly<Record<Level, string>> = { ok: 'ok  ', warning: 'WARN', failure: 'FAIL' }

/** Columns of a terminal that lines are broken for. */
const WIDTH = 79

/** Prints what a run would do, and whether it would work. @returns the exit code: 0 when it would */
export async function checkConfig(loaded: LoadedConfig, columns = WIDTH): Promise<number> {
  const { config, settings } = loaded
  const findings = await rehearse(loaded, process.env)
  const failures = findings.filter(({ level }) => level === 'failure').length
  const code = failures === 0 ? 0 : 1
  if (config.checkConfig?.json === true) {
    const works = failures === 0
    const work = { mode: config.mode, bucket: config.s3.bucket, paths: config.paths }
    writeOut(`${JSON.stringify({ version: VERSION, works, ...work, settings, findings })}\n`)
    return code
  }
  const lines = [
    `A run would ${workOf(config)}.`,
    ...settingLines(settings),
    ...AREAS.flatMap(area => areaLines(area, findings, columns)),
    '',
    code === 0
      ? 'A run would work. Nothing was written; whether the bucket can be written was not tried.'
      : `A run would not work: ${counted(failures, 'line')} with FAIL.`,
  ]
  writeOut(`${lines.map(printable).join('\n')}\n`)
  return code
}

function workOf({ mode, list, dryRun, paths, s3 }: Config): string {
  const what = list === undefined ? WORK[mode] : 'list what the bucket holds'
  const where = list === undefined ? `: ${paths.join(', ')}` : ''
  return `${dryRun ? 'print what it takes to ' : ''}${what} (bucket ${s3.bucket}${where})`
}

/** Settings that somebody gave, with their places, before those that have their default. */
function settingLines(settings: readonly ShownSetting[]): string[] {
  const given = settings.filter(({ key, from }) => from !== 'default' && key !== 'check_config')
  const others = settings.filter(({ from }) => from === 'default')
  const wide = Math.max(...settings.map(({ key }) => key.length))
  const wideValue = Math.min(28, Math.max(0, ...given.map(({ value }) => (value ?? '-').length)))
  return [
    ...['', 'Settings'],
    ...given.map(
      ({ key, value, from }) => `  ${key.padEnd(wide)}  ${(value ?? '-').padEnd(wideValue)}  ${from}`,
    ),
    ...['', 'Settings by default'],
    ...others.map(({ key, value }) => `  ${key.padEnd(wide)}  ${value ?? '-'}`),
  ]
}

function areaLines(area: Finding['area'], findings: readonly Finding[], columns: number): string[] {
  const own = findings.filter(one => one.area === area)
  if (own.length === 0) return []
  const title = area === 'Settings' ? [] : ['', area]
  return [...title, ...own.flatMap(({ level, message }) => wrapped(`  ${MARKS[level]}  `, message, columns))]
}

/** Text behind a mark, broken between words; a word that is longer than a line stays whole, to be copied. */
function wrapped(mark: string, text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && mark.length + line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((one, index) => `${index === 0 ? mark : ' '.repeat(mark.length)}${one}`)
}
