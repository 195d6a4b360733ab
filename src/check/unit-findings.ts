import { tableOfUnit } from '../cassandra/unit.js'
import { counted } from '../report/format.js'

import type { Finding } from './finding.js'
import type { Mends } from './mends.js'
import type { Moments } from './moments.js'
import type { UnitSurvey } from './unit-check.js'

/** A table, or other directory, in the report. */
export interface UnitReport extends Moments {
  readonly unit: string
  readonly objects: number
  readonly bytes: number
}

/** The facts of a table from which its findings are made. */
export interface UnitFacts {
  readonly survey: UnitSurvey
  readonly moments: Moments
  /** Keys of the restore points that the bucket cannot restore whole. */
  readonly broken: ReadonlySet<string>
  readonly mends: Mends
}

/** How a table is called in a report: `ks.t`, or the path of another directory. */
export function nameOfUnit(unit: string): string {
  const table = tableOfUnit(unit)
  return table === undefined ? `/${unit.replace(/^\//, '')}` : `${table.keyspace}.${table.table}`
}

/** The findings of one table; from what was listed and read alone. */
export function findingsOf(facts: UnitFacts): Finding[] {
  return [
    ...unreadable(facts),
    ...withoutBase(facts),
    ...flawed(facts),
    ...incomplete(facts),
    ...fromTheFuture(facts),
    ...orphaned(facts),
  ]
}

function unreadable({ survey: { unit, points }, mends }: UnitFacts): Finding[] {
  const bad = points.filter(({ kind }) => kind === undefined)
  const [first] = bad
  if (first === undefined) return []
  const isNewest = first === points[0]
  const what = counted(bad.length, 'manifest')
  return [
    {
      kind: 'manifest-unreadable',
      severity: isNewest ? 'broken' : 'danger',
      unit,
      message: `${nameOfUnit(unit)}: ${what} cannot be read: ${isNewest ? 'a restore of the newest restore point stops there' : 'these moments cannot be restored'} (${first.key})`,
      mend: `${mends.remove(first.key)}  # the restore point before it counts then`,
      examples: bad.slice(0, 3).map(({ key }) => key),
      count: bad.length,
    },
  ]
}

function withoutBase({ survey: { unit, points, names }, mends }: UnitFacts): Finding[] {
  const full = new Set(
    points.filter(({ kind, base }) => kind !== undefined && base === undefined).map(({ key }) => key),
  )
  const bad = points.filter(({ base }) => base !== undefined && !full.has(base))
  const [first] = bad
  if (first === undefined) return []
  return [
    {
      kind: 'base-missing',
      severity: first === points[0] ? 'broken' : 'danger',
      unit,
      message: `${nameOfUnit(unit)}: ${counted(bad.length, 'restore point')} cannot be restored: the full manifest that it builds on is missing or cannot be read (${first.base ?? ''})`,
      mend: mends.backUp(names.directories.map(directory => `${directory}/x`)),
      examples: [first.base ?? ''],
      count: bad.length,
    },
  ]
}

const FLAWS = {
  missing: { kind: 'object-missing', are: ['is missing from the bucket', 'are missing from the bucket'] },
  other: {
    kind: 'object-changed',
    are: [
      'is not what restore points name: other content lies under the key',
      'are not what restore points name: other content lies under the keys',
    ],
  },
  archived: {
    kind: 'object-archived',
    are: [
      'is archived, and cannot be read until it is thawed',
      'are archived, and cannot be read until they are thawed',
    ],
  },
} as const

function flawed({ survey, broken, mends }: UnitFacts): Finding[] {
  const { unit, points, samples, archive } = survey
  const isNewest = points[0] !== undefined && broken.has(points[0].key)
  const touched = `restore points that cannot be restored whole: ${broken.size} of ${points.length}${isNewest ? '' : ', not the newest one'}`
  return (['missing', 'other', 'archived'] as const).flatMap(flaw => {
    const sample = samples[flaw]
    if (sample.count === 0) return []
    const { kind, are } = FLAWS[flaw]
    const [key = ''] = sample.examples
    return [
      {
        kind,
        severity: isNewest ? ('broken' as const) : ('danger' as const),
        unit,
        message: `${nameOfUnit(unit)}: ${counted(sample.count, 'object')} ${are[sample.count === 1 ? 0 : 1]}; ${touched} (${sample.text})`,
        mend: flaw === 'archived' ? mends.thaw(archive ?? 'GLACIER', key) : mends.repair(),
        examples: sample.examples,
        count: sample.count,
        bytes: sample.bytes,
      },
    ]
  })
}

function incomplete({ survey, moments, mends }: UnitFacts): Finding[] {
  const { unit, points, names } = survey
  const [newest] = points
  if (newest === undefined) return []
  const name = nameOfUnit(unit)
  const restorable =
    moments.newestRestorable === undefined
      ? 'no restore point of it can be restored whole'
      : `the newest one that can be restored whole is of ${iso(moments.newestRestorable)}`
  const severity = moments.newestRestorable === undefined ? 'broken' : 'danger'
  const paths = names.directories.map(directory => `${directory}/x`)
  if (newest.kind === 'partial')
    return [
      {
        kind: 'partial',
        severity,
        unit,
        message: `${name}: the newest restore point (${iso(newest.time)}) lacks files that were not in the bucket; ${restorable}`,
        mend: mends.backUp(paths),
      },
    ]
  if (newest.kind === 'unexplained')
    return [
      {
        kind: 'unexplained',
        severity,
        unit,
        message: `${name}: SSTables had vanished from the node for no known reason at the newest restore point (${iso(newest.time)}); ${restorable}`,
        mend: mends.takeOver(),
      },
    ]
  return []
}

function fromTheFuture({ survey: { unit, points } }: UnitFacts): Finding[] {
  const ahead = points.filter(point => point.isAhead)
  const [first] = ahead
  if (first === undefined) return []
  return [
    {
      kind: 'clock-ahead',
      severity: 'danger',
      unit,
      message: `${nameOfUnit(unit)}: the clock of the node was wrong: the time of ${counted(ahead.length, 'restore point')} was in the future when the server stored it (${first.key})`,
      mend: 'set the clock of the node (chronyc tracking), and tell moments by --at KEY',
      examples: [first.key],
      count: ahead.length,
    },
  ]
}

function orphaned({ survey: { unit, orphans }, mends }: UnitFacts): Finding[] {
  if (orphans.count === 0) return []
  return [
    {
      kind: 'orphans',
      severity: 'note',
      unit,
      message: `${nameOfUnit(unit)}: ${counted(orphans.count, 'object')} that no restore point names (${orphans.text})`,
      mend: mends.chop(),
      examples: orphans.examples,
      count: orphans.count,
      bytes: orphans.bytes,
    },
  ]
}

/** A time as messages and --at have it. @param ms since 1970 */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
