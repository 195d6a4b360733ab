import { rename, rm, writeFile } from 'node:fs/promises'

import { tableOfUnit } from '../cassandra/unit.js'
import { SEVERITIES } from '../check/finding.js'
import { exitCodeOf, type CheckReport } from '../check/report.js'
import type { UnitReport } from '../check/unit-findings.js'
import { TablesnapError, errorMessage } from '../errors.js'

/** Writes the metrics of a check for node_exporter's textfile collector, whole or not at all. @throws TablesnapError `METRICS_UNWRITABLE` */
export async function writeMetrics(path: string, report: CheckReport): Promise<void> {
  // The collector reads *.prom alone.
  const beside = `${path}.${process.pid}.tmp`
  try {
    await writeFile(beside, metricsOf(report), { mode: 0o644 })
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => undefined)
    throw new TablesnapError({
      code: 'METRICS_UNWRITABLE',
      message: `--prometheus: cannot write ${path}: ${errorMessage(cause)}`,
      step: { operation: 'check', path },
      cause,
    })
  }
}

/** Metrics in Prometheus' text format, 0.0.4. */
export function metricsOf(report: CheckReport): string {
  const { node, bucket, began, seconds, findings, units, newest } = report
  const own = { node, bucket }
  const lines: string[] = []
  const metric = (name: string, help: string, samples: readonly Sample[]): void => {
    if (samples.length === 0) return
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`)
    for (const { labels, value } of samples)
      lines.push(`${name}{${labelsOf({ ...own, ...labels })}} ${value}`)
  }
  const each = (of: (unit: UnitReport) => number | undefined): Sample[] =>
    units.flatMap(unit => {
      const value = of(unit)
      return value === undefined ? [] : [{ labels: labelsOfUnit(unit.unit), value }]
    })
  metric('tablecheck_last_run_timestamp_seconds', 'When the check began.', [{ value: began / 1000 }])
  metric('tablecheck_duration_seconds', 'How long the check took.', [{ value: seconds }])
  metric('tablecheck_exit_code', 'What the check came to: 0 well, 1 findings, 3 old.', [
    { value: exitCodeOf(report) },
  ])
  metric(
    'tablecheck_findings',
    'Findings by severity.',
    SEVERITIES.map(severity => ({
      labels: { severity },
      value: findings.filter(finding => finding.severity === severity).length,
    })),
  )
  metric(
    'tablecheck_newest_restore_point_timestamp_seconds',
    'The newest moment to which any table can be restored.',
    newest === undefined ? [] : [{ value: newest / 1000 }],
  )
  metric(
    'tablecheck_table_newest_restore_point_timestamp_seconds',
    'The newest moment to which the table can be restored.',
    each(({ newestRestorable }) => newestRestorable && newestRestorable / 1000),
  )
  metric(
    'tablecheck_table_restore_points',
    'Moments to which the table can be restored.',
    each(({ restorable }) => restorable),
  )
  metric(
    'tablecheck_table_longest_gap_seconds',
    'The longest time between two of them.',
    each(({ longestGap }) => longestGap && longestGap.ms / 1000),
  )
  metric(
    'tablecheck_table_objects',
    'Objects of the table in the bucket.',
    each(({ objects }) => objects),
  )
  metric(
    'tablecheck_table_bytes',
    'Bytes of the table in the bucket.',
    each(({ bytes }) => bytes),
  )
  return `${lines.join('\n')}\n`
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

function labelsOfUnit(unit: string): Readonly<Record<string, string>> {
  const table = tableOfUnit(unit)
  return table === undefined ? { unit } : { unit, keyspace: table.keyspace, table: table.table }
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(
      ([name, value]) =>
        `${name}="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`,
    )
    .join(',')
}
