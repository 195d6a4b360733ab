import { tableOfUnit } from '../cassandra/unit.js'
import { counted, formatBytes } from '../report/format.js'
import { printable } from '../report/log.js'
import { listUnits, type ListedMoment, type ListedUnit } from '../restore/choose/history.js'
import { nodeNames } from '../restore/read/nodes.js'
import type { Session } from '../session.js'

import { interruptible, type What } from './download.js'
import type { Signals } from './signals.js'
import { printOut, type Program } from './terminal.js'

/** Prints the names or the restore points that the bucket has. @returns the exit code */
export function list(session: Session, signals: Signals, program: Program, what: What = {}): Promise<number> {
  const { config } = session
  const json = config.logFormat === 'json'
  return interruptible(session, signals, program, async signal => {
    if (config.list === 'nodes') {
      for await (const name of nodeNames({ ...session, ...config, signal }))
        if (!(await printOut(json ? `${JSON.stringify({ name })}\n` : `${printable(name)}\n`, signal))) break
      return 0
    }
    const totals = new Totals()
    for await (const unit of listUnits(config, { ...session, ...what, signal })) {
      totals.add(unit)
      const lines = json ? jsonOf(unit) : textOf(unit)
      // Nobody reads any more: what follows would be fetched for nothing.
      for (const line of lines) if (!(await printOut(`${line}\n`, signal))) return 0
    }
    if (!json && totals.units > 1) await printOut(`${totals.line}\n`, signal)
    return 0
  })
}

function textOf(unit: ListedUnit): string[] {
  const { moments, more, oldest, mend } = unit
  const lines = [headingOf(unit), ...moments.map(lineOf)]
  if (moments.length === 0) lines.push('  no restore point in that time')
  if (more > 0) {
    const back = oldest === undefined ? '' : `, back to ${new Date(oldest).toISOString()}`
    lines.push(`  and ${more} more${back}; of all ${kindsOf(unit)} (--limit all shows them)`)
  }
  const [newest] = moments
  const unreadable = newest?.status === 'unreadable' ? newest.key : undefined
  const instead = unreadable === undefined ? '' : `delete ${unreadable}: the one before counts then`
  if (mend !== undefined)
    lines.push(
      `  to mend the newest one, run where it was backed up: ${mend}${instead === '' ? '' : `; or ${instead}`}`,
    )
  else if (instead !== '') lines.push(`  to do without the newest one, ${instead}`)
  return lines.map(printable)
}

function headingOf({ unit }: ListedUnit): string {
  const table = tableOfUnit(unit)
  return table === undefined ? `/${unit.replace(/^\//, '')}` : `${table.keyspace}.${table.table} (${unit})`
}

function lineOf(moment: ListedMoment): string {
  const { directory, time, status, sets, bytes, missing, reason, future, archived } = moment
  const when = time === undefined ? 'no restore point' : new Date(time).toISOString()
  const notes = [
    ...(missing !== undefined && missing > 0 ? [`${missing} missing`] : []),
    ...(archived === undefined ? [] : [`${archived} archived: thaw them before a restore`]),
    ...(future === true ? ['its time was in the future then: the clock of the node was wrong'] : []),
    ...(directory === undefined
      ? []
      : [time === undefined ? `objects of ${directory}` : `listing of ${directory}`]),
    ...(reason === undefined ? [] : [reason]),
  ]
  const size = `${String(sets).padStart(5)} ${(sets === 1 ? 'SSTable' : 'SSTables').padEnd(8)} ${formatBytes(bytes).padStart(10)}`
  return `  ${when.padEnd(24)}  ${status.padEnd(11)} ${size}${notes.length === 0 ? '' : `  ${notes.join('; ')}`}`
}

function kindsOf({ kinds }: Pick<ListedUnit, 'kinds'>): string {
  const { unknown, ...known } = kinds
  const told = Object.entries({ ...known, 'of an earlier version': unknown }).filter(([, count]) => count > 0)
  return told.length === 0 ? 'none is known' : told.map(([kind, count]) => `${count} ${kind}`).join(', ')
}

/** A line for each moment, and one that tells of those that are not shown. */
function jsonOf({ unit, moments, more, kinds, oldest, mend }: ListedUnit): string[] {
  const table = tableOfUnit(unit)
  const lines: object[] = moments.map(({ time, ...moment }, index) => {
    const source = moment.key === undefined ? 'objects' : moment.directory === undefined ? 'state' : 'listing'
    const about = index === 0 && mend !== undefined ? { mend } : {}
    return { time: isoOf(time), source, ...table, ...moment, ...about }
  })
  if (more > 0 || moments.length === 0)
    lines.push({ source: 'more', ...table, unit, more, kinds, oldest: isoOf(oldest) })
  return lines.map(line => JSON.stringify(line))
}

function isoOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString()
}

/** The sums over all units. */
class Totals {
  units = 0
  readonly #kinds = { complete: 0, partial: 0, unexplained: 0, unknown: 0 }
  #without = 0
  #oldest = Infinity

  add({ kinds, moments, more, oldest = Infinity }: ListedUnit): void {
    this.units++
    if (more === 0 && !moments.some(({ time }) => time !== undefined)) this.#without++
    for (const kind of ['complete', 'partial', 'unexplained', 'unknown'] as const)
      this.#kinds[kind] += kinds[kind]
    this.#oldest = Math.min(this.#oldest, oldest)
  }

  get line(): string {
    const count = Object.values(this.#kinds).reduce((sum, one) => sum + one)
    const oldest = this.#oldest === Infinity ? '' : `, the oldest of ${new Date(this.#oldest).toISOString()}`
    const without = this.#without === 0 ? '' : `; ${this.#without} without any`
    const kinds = count === 0 ? '' : ` (${kindsOf({ kinds: this.#kinds })})`
    return `${counted(this.units, 'table or other directory', 'tables and other directories')}, ${counted(count, 'restore point')}${kinds}${oldest}${without}`
  }
}
