import { takeOverLine } from '../config/command-line.js'
import { BucketManifests } from '../manifest/manifest-store.js'
import { States } from '../manifest/states.js'
import { Fence } from '../node/fence.js'
import { LivingRuns } from '../node/living-runs.js'
import { descriptorLimit } from '../node/preflight.js'
import { amountOf } from '../status/amounts.js'
import type { TableSettings } from '../tables/ports.js'
import { Table } from '../tables/table.js'
import { PartUploads } from '../transfer/part-uploads.js'

import { AfterManifest } from './after-manifest.js'
import { AuditReport } from './audit-report.js'
import { AuditSchedule } from './audit-schedule.js'
import type { BackupDeps } from './backup-deps.js'
import { RealClockwork } from './clockwork.js'
import { UploadedFiles } from './delete.js'
import { EmptyPaths } from './empty-paths.js'
import type { Filter } from './filter.js'
import { LeftUploads } from './left-uploads.js'
import { Listings } from './listings.js'
import { Loader } from './loader.js'
import { LocalDisk } from './local-disk.js'
import { ManifestPublisher } from './manifest-publisher.js'
import { ManifestWriter } from './manifest-writer.js'
import { ObjectAudit } from './object-audit.js'
import { ObjectRepair } from './object-repair.js'
import type { OpenFiles } from './open-files.js'
import { KnownContents } from './original.js'
import { OtherDirectories, type DirectoryTaker } from './other-directories.js'
import { Outcomes } from './outcomes.js'
import { PlanWatch } from './plan-watch.js'
import type { Clockwork } from './ports.js'
import { Recovery } from './recovery.js'
import { Rescans, type Scanner } from './rescans.js'
import { Rescue } from './rescue.js'
import { SensorNews } from './sensor-news.js'
import { Sensor } from './sensor.js'
import { SSTableUploads } from './sstable-uploads.js'
import { TableOrders } from './table-orders.js'
import { TableRegistry } from './table-registry.js'
import { TableReporter } from './table-reporter.js'
import { Turns } from './turns.js'
import { Unprotected } from './unprotected.js'
import { UploadQueue } from './upload-queue.js'
import { Uploader } from './uploader.js'

/** The parts that see what happens on the disk. */
export interface DiskParts {
  readonly sensor: Sensor
  readonly news: SensorNews
  readonly turns: Turns
  readonly rescans: Rescans
  readonly unprotected: Unprotected
}

/** The parts that find out what the bucket holds, and whose it is. */
export interface BucketParts {
  readonly runs: LivingRuns
  readonly fence: Fence
  readonly loader: Loader
  readonly audits: AuditSchedule
  readonly leftUploads: LeftUploads
  readonly emptyPaths: EmptyPaths
}

/** The parts that write to the bucket. */
export interface UploadParts {
  readonly queue: UploadQueue<OpenFiles>
  readonly listings: Listings
  readonly writer: ManifestWriter
}

/** The parts of a backup, put together. */
export interface Parts {
  readonly clockwork: Clockwork
  readonly tables: TableRegistry
  readonly outcomes: Outcomes
  readonly disk: DiskParts
  readonly bucket: BucketParts
  readonly uploads: UploadParts
}

/** The requests that the parts make to the run. */
export interface Run extends Scanner, DirectoryTaker {
  /** The run may not go on: another writer took the name over, or a file system was unmounted under a one-shot run. */
  fail(error: unknown): void
}

/** Share of the process's descriptors that files waiting for their upload may hold. */
const PINNED_SHARE = 0.5

/** Puts the parts of a backup together; nothing is begun. @param signal ends every request */
export function assemble(deps: BackupDeps, filter: Filter, signal: AbortSignal, run: Run): Parts {
  const { config, log, engine, client, node, traffic } = deps
  const { name, keys } = node
  const { activity, server } = traffic
  const { mode, listenEvents } = config
  const isOneShot = mode === 'backup'
  const isBackedUp = (directory: string, file: string) => filter.file(directory, file)
  const clockwork = new RealClockwork([client, engine])
  const outcomes = new Outcomes(log, !isOneShot)
  const unprotected = new Unprotected(filter, log)
  const recovery = new Recovery(clockwork)
  const parts = new PartUploads(config, client, engine)
  const runs = new LivingRuns(client.settings, keys)
  const repair = new ObjectRepair({ config, engine, keys, log, parts, signal })
  const rescue = new Rescue({ client, engine, keys, config, repair, signal })
  const plans = new PlanWatch({ client, keys, log, rescue, problems: outcomes, clockwork }, () => tables)
  const fence = new Fence(
    { config, client, log, ...node },
    {
      plans,
      takeOver: config.takeOver,
      alone: !isOneShot,
      clock: () => clockwork.time(),
    },
  )
  const states = new States(client, keys, signal)
  const loader = new Loader({ client, keys, log, states, fence, signal }, clockwork, outcomes, recovery, {
    looksForObjects: mode !== 'watch',
    isOneShot,
  })
  const listings = new Listings({ config, client, keys, log })
  const disk = new LocalDisk()
  const settings = (): TableSettings => ({
    settle: config.settle,
    backsUpExisting: mode !== 'watch',
    isOneShot,
    looksForUnannounced: listenEvents.some(event => event !== 'IN_MOVED_TO'),
    isBackedUp,
    tookOver: fence.tookOver,
    acceptedEpoch: fence.acceptedEpoch,
    deletesUploaded: config.deleteOnBackup && !config.dryRun,
  })
  const tables: TableRegistry = new TableRegistry(unit => {
    const table = new Table(unit, settings(), disk, orders, clockwork)
    loader.add(table)
    return table
  })
  const contents = new KnownContents(tables, loader, keys)
  const uploader = new Uploader({ config, client, engine, keys, log, signal }, parts, contents, plans)
  const queue = new UploadQueue(
    new SSTableUploads(uploader, outcomes, recovery, activity),
    contents,
    clockwork,
    {
      width: engine.width,
      descriptors: Math.floor(descriptorLimit() * PINNED_SHARE),
      isServerAway: () => !server.isReachable,
    },
  )
  server.onSilence(() => queue.serverIsAway())
  const store = new BucketManifests(states, config.object)
  const publisher = new ManifestPublisher(store, listings, fence, clockwork, name, plans)
  const after = new AfterManifest(
    new UploadedFiles(log, outcomes),
    loader,
    recovery,
    error => run.fail(error),
    activity,
  )
  const writer = new ManifestWriter(publisher, clockwork, after, log, {
    isOneShot,
    retries: config.engine.retries,
    isDryRun: config.dryRun,
  })
  const audit = new ObjectAudit({
    client,
    keys,
    repair,
    report: new AuditReport(outcomes.summary, outcomes, log, config.dryRun),
    ownership: config.dryRun ? undefined : fence,
    signal,
  })
  const audits = new AuditSchedule(audit, clockwork, outcomes, {
    isOneShot,
    tables: () => tables,
    clock: () => clockwork.time(),
    whenLoaded: () => loader.whenLoaded(),
    onFenced: error => run.fail(error),
  })
  const turns = new Turns(clockwork, clockwork)
  const rescans = new Rescans(run, clockwork, !isOneShot)
  const takeOver = takeOverLine(config, name)
  const reporter = new TableReporter(log, outcomes, isOneShot, takeOver)
  const emptyPaths = new EmptyPaths({ states, tables, ownership: fence, log, takeOver })
  const orders = new TableOrders({ queue, writer, rescans, turns, activity }, reporter, outcomes)
  const news = new SensorNews(log, outcomes, {
    isBackedUp,
    activity,
    ...(isOneShot ? { fail: error => run.fail(error) } : { unprotected }),
  })
  const sensor = new Sensor(tables, turns, disk, news, { listenEvents, isBackedUp })
  const others = new OtherDirectories(run, disk, outcomes, log)
  loader.onNewest((table, newest, stored) => {
    // Here it is spread over the loading; the first look at the status would count all tables at once.
    amountOf(newest)
    audits.add(newest, stored)
    // Files outside the paths that were given are never deleted.
    if (!config.deleteOnBackup) others.take(table, newest)
  })
  loader.onLoaded(table => {
    outcomes.known(table)
    if (table.newest?.unlisted === true) writer.unlisted(table)
    turns.touch(table)
  })
  recovery.onEnd(() => {
    for (const table of tables) table.retry()
    loader.retry()
    writer.retry()
    audits.retry()
  })
  const leftUploads = new LeftUploads({ client, keys, log, parts, runs, signal }, clockwork)
  return {
    clockwork,
    tables,
    outcomes,
    disk: { sensor, news, turns, rescans, unprotected },
    bucket: { runs, fence, loader, audits, leftUploads, emptyPaths },
    uploads: { queue, listings, writer },
  }
}
