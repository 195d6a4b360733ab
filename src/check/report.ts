import type { ContentCounts } from './content-check.js'
import type { DrillReport } from './drill.js'
import { worstFirst, type Finding } from './finding.js'
import type { UnitReport } from './unit-findings.js'

/** The result of a run of tablecheck. */
export interface CheckReport {
  /** The node's name in the bucket. */
  readonly node: string
  readonly bucket: string
  /** When the check began, ms since 1970, by the server's clock. */
  readonly began: number
  readonly seconds: number
  /** The worst first. */
  readonly findings: readonly Finding[]
  readonly units: readonly UnitReport[]
  /** The newest moment to which any table can be restored, ms since 1970; undefined: there is none. */
  readonly newest: number | undefined
  /** Whether that is longer ago than allowed. */
  readonly isOld: boolean
  readonly contents: ContentCounts
  readonly drill: DrillReport | undefined
}

/** The facts from which a report is made. */
export interface ReportFacts extends Omit<CheckReport, 'newest' | 'isOld'> {
  /** How old the newest restore point may be, ms; undefined: there is no limit. */
  readonly maxAge: number | undefined
}

/** Puts a report together. */
export function reportOf({ maxAge, ...facts }: ReportFacts): CheckReport {
  const times = facts.units.flatMap(({ newestRestorable }) =>
    newestRestorable === undefined ? [] : [newestRestorable],
  )
  const newest = times.reduce<number | undefined>((last, time) => Math.max(last ?? time, time), undefined)
  const isOld = maxAge !== undefined && (newest === undefined || facts.began - newest > maxAge)
  return { ...facts, findings: worstFirst(facts.findings), newest, isOld }
}

/** 0: all is well; 1: something is wrong; 3: all is well, but old. */
export function exitCodeOf({ findings, isOld }: Pick<CheckReport, 'findings' | 'isOld'>): number {
  if (findings.some(({ severity }) => severity !== 'note')) return 1
  return isOld ? 3 : 0
}
