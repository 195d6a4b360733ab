import { tableOfUnit } from '../cassandra/unit.js'
import type { State } from '../manifest/state.js'

import { amountOf } from './amounts.js'
import type { TableView } from './source.js'
import type { Level, PointKind, TableStatus } from './status.js'

/** How a table stands, besides its last 24 hours. */
export type TableNow = Omit<TableStatus, 'day' | 'waitingSince'> & {
  /** Since when its oldest file has waited, ms of the monotonic clock; Infinity: none waits. */
  readonly since: number
}

const points = new WeakMap<State, TableStatus['newest']>()

/** How a table stands now. */
export function tableStatusOf(table: TableView): TableNow {
  const { newest } = table
  let [sstables, bytes, since] = [0, 0, Infinity]
  for (const files of table.waiting()) {
    sstables++
    bytes += files.bytes
    since = Math.min(since, files.since)
  }
  return {
    name: displayName(table.name),
    unit: table.name,
    isTable: table.isTable,
    level: levelOf(table, sstables),
    protected: newest === undefined ? { sstables: 0, bytes: 0 } : amountOf(newest),
    waiting: { sstables, bytes },
    newest: newest === undefined ? null : pointOf(newest),
    since,
  }
}

/** A table as Cassandra names it, or the path of another directory. @param unit by `unitOf` */
export function displayName(unit: string): string {
  const table = tableOfUnit(unit)
  return table === undefined ? `/${unit.replace(/^\//, '')}` : `${table.keyspace}.${table.table}`
}

/** How a restore point describes its table. */
export function kindOf({ unprotected, unexplained }: Pick<State, 'unprotected' | 'unexplained'>): PointKind {
  if (unexplained.length > 0) return 'unexplained'
  return unprotected.length > 0 ? 'partial' : 'complete'
}

function levelOf({ isIdle, isCurrent, phase, newest }: TableView, waiting: number): Level {
  if (waiting > 0 || !isIdle || !isCurrent || phase !== 'live') return 'behind'
  return newest === undefined || kindOf(newest) === 'complete' ? 'protected' : 'damaged'
}

/** Made once for each restore point: of ten thousand tables few change between two looks. */
function pointOf(state: State): TableStatus['newest'] {
  let point = points.get(state)
  if (point === undefined)
    points.set(state, (point = { time: new Date(state.time).toISOString(), kind: kindOf(state) }))
  return point
}
