import { Registry, type Metric } from 'prom-client'

import { tableOfUnit } from '../cassandra/unit.js'
import type { RequestCount } from '../s3/request-counts.js'

import { LATENCIES } from './activity.js'
import type { Status } from './status.js'
import type { Traffic } from './traffic.js'

/** Tables that have metrics of their own; of a node with more only those that are not protected. */
const TABLES = 1_000

/** One value of a metric. */
interface Sample {
  readonly value: number
  readonly labels?: Readonly<Record<string, string | number>>
  /** Where it is not the metric's: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string
}

interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly values: readonly Sample[]
}

/** The metrics of a running backup in Prometheus' text format 0.0.4. */
export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #traffic: Traffic

  constructor(traffic: Traffic) {
    this.#traffic = traffic
  }

  async text(status: Status): Promise<string> {
    const registry = new Registry()
    for (const family of [...stateOf(status), ...this.#counters(status), ...tablesOf(status)]) {
      // A family is complete as it is: nothing collects it.
      const metric = { ...family, get: () => Promise.resolve({ ...family, aggregator: 'sum' as const }) }
      registry.registerMetric(metric as unknown as Metric)
    }
    return registry.metrics()
  }

  #counters({ totals }: Status): Family[] {
    const { failures, versions, points, overflows, gaps } = this.#traffic.activity
    return [
      counter('uploads_total', 'Files uploaded.', totals.files),
      counter('upload_bytes_total', 'Bytes of those.', totals.bytes),
      counter('uploads_skipped_total', 'Files that were in the bucket already.', totals.present),
      counter(
        'upload_failures_total',
        'Failed uploads of files, by the code of the error.',
        Array.from(failures, ([code, value]) => ({ value, labels: { code } })),
      ),
      counter(
        'upload_conflicts_total',
        'Files whose key held other content: they got a key of their own.',
        versions,
      ),
      counter(
        'superseded_total',
        'Files that Cassandra deleted before they could be uploaded.',
        totals.superseded,
      ),
      counter(
        'restore_points_total',
        'Restore points written, by kind.',
        Object.entries(points).map(([kind, value]) => ({ value, labels: { kind } })),
      ),
      counter('inotify_overflows_total', 'Times that the kernel dropped inotify events.', overflows),
      counter('gaps_total', 'Times that changes of a table were missed and it was scanned again.', gaps),
      counter('s3_retries_total', 'S3 requests that were repeated.', this.#traffic.server.retries),
      counter(
        's3_requests_total',
        'S3 requests by operation and HTTP status; status 0: no answer.',
        Array.from(this.#traffic.server.requests, ([operation, code, value]: RequestCount) => ({
          value,
          labels: { operation, status: String(code) },
        })),
      ),
      this.#latency(),
    ]
  }

  #latency(): Family {
    const name = 'tablesnap_durable_latency_seconds'
    const { counts, sum } = this.#traffic.activity.latency
    let count = 0
    const values: Sample[] = counts.map((one, index) => {
      count += one
      return { metricName: `${name}_bucket`, labels: { le: LATENCIES[index] ?? '+Inf' }, value: count }
    })
    values.push({ metricName: `${name}_sum`, value: sum }, { metricName: `${name}_count`, value: count })
    const help =
      'Time from the moment at which an SSTable was seen to be complete, as by its COMMIT, until it was in the bucket.'
    return { name, type: 'histogram', help, values }
  }
}

function stateOf(status: Status): Family[] {
  const { program, waiting, protected: amount, s3, directories } = status
  const { user, system } = process.cpuUsage()
  return [
    gauge('build_info', 'Version and commit of tablesnap, and version of Node.js.', [
      {
        value: 1,
        labels: {
          version: program.version,
          commit: program.commit ?? '',
          node_version: process.versions.node,
        },
      },
    ]),
    gauge('info', 'What is backed up.', [
      { value: 1, labels: { node: program.node, bucket: program.bucket, mode: program.mode } },
    ]),
    gauge('start_time_seconds', 'When tablesnap was started.', seconds(program.started)),
    gauge(
      'protected',
      'Whether everything is in the bucket and named by complete restore points.',
      Number(status.isProtected),
    ),
    gauge('protected_tables', 'Tables whose newest restore point is complete and up to date.', amount.tables),
    gauge('tables', 'Tables below the paths.', status.tableCount),
    gauge('protected_sstables', 'SSTables that the newest restore points name.', amount.sstables),
    gauge('protected_bytes', 'Bytes of those.', amount.bytes),
    gauge('unprotected_sstables', 'SSTables that are on the disk and not in the bucket.', waiting.sstables),
    gauge('unprotected_bytes', 'Bytes of those.', waiting.bytes),
    gauge(
      'unprotected_oldest_age_seconds',
      'For how long the oldest of them has waited.',
      waiting.age / 1000,
    ),
    gauge('upload_rate_bytes', 'Bytes a second that were uploaded in the last minute.', waiting.rate),
    gauge('queue_sstables', 'SSTables that are being uploaded or wait for their turn.', waiting.uploading),
    gauge('failed', 'Files, tables and objects that cannot be backed up now.', status.failed),
    gauge(
      'newest_restore_point_timestamp_seconds',
      'The newest restore point of any table.',
      seconds(status.newest),
    ),
    gauge('s3_reachable', 'Whether the S3 server answers.', Number(s3.isReachable)),
    gauge('watched_directories', 'Directories with an inotify watch.', directories.watched),
    gauge(
      'unwatched_directories',
      'Directories without one: they are scanned every minute.',
      directories.unwatched,
    ),
    gauge('resident_memory_bytes', 'Resident memory.', program.memory),
    counter('cpu_seconds_total', 'CPU time of all threads.', (user + system) / 1e6),
  ]
}

function tablesOf({ tables }: Status): Family[] {
  const shown =
    tables.length <= TABLES ? tables : tables.filter(({ level }) => level !== 'protected').slice(0, TABLES)
  const labelled = shown.map(table => {
    const { keyspace = '', table: name = table.name } = tableOfUnit(table.unit) ?? {}
    return { table, labels: { keyspace, table: name, unit: table.unit } }
  })
  return [
    gauge('table_protected', 'Whether the table is protected.', [
      ...labelled.map(({ table, labels }) => ({ value: Number(table.level === 'protected'), labels })),
    ]),
    gauge('table_unprotected_bytes', 'Bytes of the table that are not in the bucket.', [
      ...labelled.map(({ table, labels }) => ({ value: table.waiting.bytes, labels })),
    ]),
    gauge('table_newest_restore_point_timestamp_seconds', 'The newest restore point of the table.', [
      ...labelled.flatMap(({ table, labels }) =>
        seconds(table.newest?.time ?? null).map(sample => ({ ...sample, labels })),
      ),
    ]),
  ]
}

function seconds(time: string | null): Sample[] {
  return time === null ? [] : [{ value: Date.parse(time) / 1000 }]
}

function gauge(name: string, help: string, value: number | readonly Sample[]): Family {
  return { name: `tablesnap_${name}`, type: 'gauge', help, values: samples(value) }
}

function counter(name: string, help: string, value: number | readonly Sample[]): Family {
  return { ...gauge(name, help, value), type: 'counter' }
}

function samples(value: number | readonly Sample[]): readonly Sample[] {
  return typeof value === 'number' ? [{ value }] : value
}
