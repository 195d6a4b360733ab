import { counted, formatBytes } from '../report/format.js'

import type { Amount } from './status.js'
import type { TableNow } from './table-status.js'

/** From what it is concluded whether everything is protected. */
export interface Facts {
  readonly isStarted: boolean
  readonly tables: readonly TableNow[]
  readonly waiting: Amount
  /** Since when the oldest file has waited, ms of the monotonic clock; Infinity: none waits. */
  readonly since: number
  /** Its age, ms; 0: none waits. */
  readonly age: number
  readonly failed: number
  /** Undefined: the S3 server answers. */
  readonly outage: { readonly since: number; readonly error: string } | undefined
}

/** How a table stands, as far as reasons go. */
type Standing = Pick<TableNow, 'name' | 'level' | 'waiting'>

/** Tables that a reason names. */
const NAMED = 3

/** Why not everything is protected, the worst first; none: everything is. */
export function reasonsOf(facts: Facts): string[] {
  const { isStarted, tables, waiting, age, failed, outage } = facts
  const { sstables, bytes } = waiting
  return [
    ...(isStarted ? [] : ['tablesnap has not started to watch yet']),
    ...lastingReasons(tables, failed),
    ...(outage === undefined
      ? []
      : [`S3 cannot be reached since ${instant(new Date(outage.since).toISOString())} (${outage.error})`]),
    ...(sstables === 0
      ? []
      : [
          `${counted(sstables, 'SSTable')} (${formatBytes(bytes)}) ${sstables === 1 ? 'is' : 'are'} not in the bucket yet, the oldest for ${span(age)}`,
        ]),
    ...unnamedReasons(tables),
  ]
}

/** `2026-11-23 04:12:33 UTC` of an ISO time. */
export function instant(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}

/** Reasons that do not go by themselves. */
export function lastingReasons(tables: readonly Standing[], failed: number): string[] {
  const damaged = tables.filter(({ level }) => level === 'damaged')
  const [points, are] = damaged.length === 1 ? ['point', 'is'] : ['points', 'are']
  return [
    ...(damaged.length === 0
      ? []
      : [`the newest restore ${points} of ${named(damaged)} ${are} not complete`]),
    ...(failed === 0 ? [] : [`${counted(failed, 'file or table', 'files or tables')} cannot be backed up`]),
  ]
}

/** Tables whose files are in the bucket, but not named yet. */
export function unnamedReasons(tables: readonly Standing[]): string[] {
  const unnamed = tables.filter(({ level, waiting }) => level === 'behind' && waiting.sstables === 0)
  return unnamed.length === 0 ? [] : [`no restore point names the present files of ${named(unnamed)} yet`]
}

function named(tables: readonly Standing[]): string {
  const names = tables.slice(0, NAMED).map(({ name }) => name)
  const more = tables.length - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** An amount of time for people: `8 s`, `12 min`, `3 h 5 min`, `2 days`. @param ms */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.round(hours / 24)} days`
}
