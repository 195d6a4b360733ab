import { printable } from '../report/log.js'
import { listMoments, type ListedMoment } from '../restore/history.js'
import { nodeNames } from '../restore/nodes.js'
import type { Session } from '../session.js'
import { tableOfUnit } from '../sstable/unit.js'

import { interruptible, type What } from './download.js'
import { formatBytes } from './format.js'
import type { Signals } from './signals.js'
import { printOut, type Program } from './terminal.js'

/** Prints the names or the moments that the bucket has. @returns the exit code */
export function list(session: Session, signals: Signals, program: Program, what: What = {}): Promise<number> {
  const { config } = session
  const json = config.logFormat === 'json'
  return interruptible(session, signals, program, async signal => {
    if (config.list === 'nodes') {
      for await (const name of nodeNames({ ...session, ...config, signal }))
        if (!(await printOut(json ? `${JSON.stringify({ name })}\n` : `${printable(name)}\n`, signal))) break
      return 0
    }
    let unit: string | undefined
    for await (const moment of listMoments(config, { ...session, ...what, signal })) {
      const heading = moment.unit === unit ? '' : `${printable(headingOf(moment))}\n`
      unit = moment.unit
      const line = json ? JSON.stringify(jsonOf(moment)) : `${heading}${printable(lineOf(moment))}`
      // Nobody reads any more: what follows would be fetched for nothing.
      if (!(await printOut(`${line}\n`, signal))) break
    }
    return 0
  })
}

function headingOf({ unit }: ListedMoment): string {
  const table = tableOfUnit(unit)
  return table === undefined ? `/${unit.replace(/^\//, '')}` : `${table.keyspace}.${table.table} (${unit})`
}

function lineOf({ directory, time, status, sets, bytes, missing, reason }: ListedMoment): string {
  const when = time === undefined ? 'at any time' : new Date(time).toISOString()
  const notes = [
    ...(missing > 0 ? [`${missing} missing`] : []),
    ...(directory === undefined
      ? []
      : [time === undefined ? `objects of ${directory}` : `listing of ${directory}`]),
    ...(reason === undefined ? [] : [reason]),
  ]
  const size = `${String(sets).padStart(5)} sets ${formatBytes(bytes).padStart(10)}`
  return `  ${when.padEnd(24)}  ${status.padEnd(11)} ${size}${notes.length === 0 ? '' : `  ${notes.join('; ')}`}`
}

function jsonOf({ time, ...moment }: ListedMoment): object {
  const source = moment.key === undefined ? 'objects' : moment.directory === undefined ? 'state' : 'listing'
  return {
    time: time === undefined ? null : new Date(time).toISOString(),
    source,
    ...tableOfUnit(moment.unit),
    ...moment,
  }
}
