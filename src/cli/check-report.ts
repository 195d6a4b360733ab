import type { Finding, Severity } from '../check/finding.js'
import { exitCodeOf, type CheckReport } from '../check/report.js'
import { nameOfUnit, type UnitReport } from '../check/unit-findings.js'
import { formatDuration } from '../config/duration.js'
import { counted, formatBytes } from '../report/format.js'
import { tableOfUnit } from '../cassandra/unit.js'

import { costOf, formatCost } from './cost.js'

const WORDS: Readonly<Record<Severity, string>> = { broken: 'BROKEN', danger: 'DANGER', note: 'note' }

/**
 * Reports a check to people: a line for each finding, the worst first, and then what can be restored.
 * @param tellsTables whether there is a line for each table as well
 */
export function checkLines(report: CheckReport, tellsTables: boolean): string[] {
  const { findings, units, node, bucket, newest, began, contents, drill } = report
  const lines = findings.map(lineOf)
  if (tellsTables) lines.push(...units.map(tableLine))
  const restorable = units.filter(({ newestRestorable }) => newestRestorable !== undefined).length
  const objects = units.reduce((sum, unit) => sum + unit.objects, 0)
  const bytes = units.reduce((sum, unit) => sum + unit.bytes, 0)
  const points = units.reduce((sum, unit) => sum + unit.restorable, 0)
  lines.push(
    `${node} in ${bucket}: ${restorable} of ${counted(units.length, 'table or other directory', 'tables and other directories')} can be restored, to ${counted(points, 'moment')}; ${counted(objects, 'object')}, ${formatBytes(bytes)}`,
  )
  if (newest !== undefined)
    lines.push(
      `The newest restore point is of ${new Date(newest).toISOString()}, ${formatDuration(Math.max(0, began - newest))} ago${report.isOld ? ': older than --max-age allows' : ''}`,
    )
  const gaps = units.flatMap(({ unit, longestGap }) =>
    longestGap === undefined ? [] : [{ unit, ...longestGap }],
  )
  const longest = gaps.reduce<(typeof gaps)[number] | undefined>(
    (most, gap) => (most !== undefined && most.ms >= gap.ms ? most : gap),
    undefined,
  )
  if (longest !== undefined)
    lines.push(
      `The longest time between two moments of a table: ${formatDuration(longest.ms)}, of ${longest.unit} from ${new Date(longest.from).toISOString()}`,
    )
  if (contents.compared + contents.silent > 0)
    lines.push(
      `Checksums of ${counted(contents.compared, 'object')} were compared${contents.silent > 0 ? `; of ${contents.silent} the server tells none` : ''}`,
    )
  if (contents.read > 0)
    lines.push(
      `${counted(contents.read, 'object was', 'objects were')} read and compared, ${formatBytes(contents.bytes)}`,
    )
  if (drill !== undefined)
    lines.push(
      `Restored for a test: ${counted(drill.sstables, 'SSTable')}, ${counted(drill.files, 'file')}, ${formatBytes(drill.bytes)} in ${drill.seconds.toFixed(1)} s${drill.failed === 0 ? ', all of them verified' : `; ${drill.failed} failed`}`,
    )
  const count = findings.filter(({ severity }) => severity !== 'note').length
  lines.push(
    count === 0 ? `All is well${report.isOld ? ', but old' : ''}` : `${counted(count, 'finding')}: see above`,
  )
  return lines
}

/** `ks.t (ks/t-…): 24 moments from … to …, at most 1 hour apart; 120 objects, 3.1 GiB`. */
function tableLine(unit: UnitReport): string {
  const { restorable, oldestRestorable, newestRestorable, longestGap, objects, bytes } = unit
  const name = tableOfUnit(unit.unit) === undefined ? '' : ` (${unit.unit})`
  const iso = (time: number | undefined): string => new Date(time ?? 0).toISOString()
  const moments =
    restorable === 0
      ? 'cannot be restored to any moment'
      : restorable === 1
        ? `1 moment, ${iso(newestRestorable)}`
        : `${counted(restorable, 'moment')} from ${iso(oldestRestorable)} to ${iso(newestRestorable)}, at most ${formatDuration(longestGap?.ms ?? 0)} apart`
  return `${nameOfUnit(unit.unit)}${name}: ${moments}; ${counted(objects, 'object')}, ${formatBytes(bytes)}`
}

function lineOf({ severity, message, mend, bytes, kind }: Finding): string {
  const cost =
    bytes === undefined || bytes === 0
      ? ''
      : `, ${formatBytes(bytes)}${kind === 'orphans' ? `, ${formatCost(costOf(bytes))}` : ''}`
  return `${WORDS[severity]} ${message}${cost}${mend === undefined ? '' : ` -> ${mend}`}`
}

/** The report as one JSON document; times in ISO 8601, spans in ms. */
export function checkJson(report: CheckReport): string {
  const { began, newest, units, ...rest } = report
  const time = (ms: number | undefined): string | null =>
    ms === undefined ? null : new Date(ms).toISOString()
  const document = {
    format: 1,
    ...rest,
    exitCode: exitCodeOf(report),
    began: time(began),
    newest: time(newest),
    units: units.map(unit => ({
      ...unit,
      newest: time(unit.newest),
      newestRestorable: time(unit.newestRestorable),
      oldestRestorable: time(unit.oldestRestorable),
      longestGap:
        unit.longestGap === undefined
          ? null
          : { ms: unit.longestGap.ms, from: time(unit.longestGap.from), to: time(unit.longestGap.to) },
    })),
  }
  return `${JSON.stringify(document)}\n`
}
