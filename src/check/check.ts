import { Filter } from '../backup/filter.js'
import { TablesnapError } from '../errors.js'
import { parseEpochs } from '../manifest/epochs.js'
import { Fence } from '../node/fence.js'
import { kinship } from '../node/node-record.js'
import type { BucketNode } from '../node/bucket-node.js'
import { nothingFound } from '../restore/read/nodes.js'
import { ChopScope } from '../retention/scope.js'
import { readBucketSettings } from '../s3/bucket-settings.js'
import { counted } from '../report/format.js'

import { ContentCheck } from './content-check.js'
import { DiskCheck } from './disk-check.js'
import { Drill } from './drill.js'
import { findingsOfFence, recordOf } from './fence-findings.js'
import { LiveBucket } from './live-bucket.js'
import { Mends } from './mends.js'
import { NodeCheck } from './node-check.js'
import { Repairs, type RepairsDeps } from './repairs.js'
import { reportOf, type CheckReport } from './report.js'
import { ManifestReader } from './restore-points.js'
import { findingsOfSettings } from './settings-findings.js'
import { findUnfinished } from './unfinished-uploads.js'

/** The checks that a run of tablecheck was asked for. */
export interface CheckAsked {
  /** The directory of the node that is meant, with all below it. */
  readonly path: string
  readonly deep: boolean
  /** The share of the objects whose bytes are read, 0 to 1. */
  readonly share: number
  /** SSTables that are restored for a test, or one whole table at one moment; undefined: no restore. */
  readonly drill: number | 'table' | undefined
  /** The directory of that restore; undefined: in the one for temporary files. */
  readonly drillDirectory: string | undefined
  /** How long an SSTable may lie on the disk before a restore point has to name it, ms. */
  readonly lag: number
  /** How old the newest restore point may be, ms; undefined: there is no limit. */
  readonly maxAge: number | undefined
  /** How long Object Lock is to keep restore points, ms; undefined: the operator did not say. */
  readonly retention: number | undefined
}

/** The parts that a run works with. */
export interface CheckDeps extends RepairsDeps {
  readonly node: BucketNode
}

/** Looks at all that a node has in the bucket. @throws S3Error; TablesnapError `NOTHING_FOUND`, `LIST_UNSORTED` */
export async function checkNode(asked: CheckAsked, deps: CheckDeps): Promise<CheckReport> {
  const { config, client, log, signal } = deps
  const { keys, name, writer } = deps.node
  const clock = performance.now()
  const bucket = new LiveBucket(client, signal)
  const mends = new Mends(config, name)
  const body = await bucket.read(keys.node)
  const began = bucket.now()
  const record = recordOf({ body })
  const settings = await readBucketSettings(client, signal)
  const scope = new ChopScope(asked.path, true)
  const epochs = parseEpochs(body?.toString('utf8') ?? '')
  const contents = new ContentCheck(bucket, client, asked)
  const drill =
    asked.drill === undefined ? undefined : new Drill({ what: asked.drill, directory: asked.drillDirectory })
  const isOurs = record !== undefined && kinship(record, writer) === 'same'
  const disk = new DiskCheck({
    reader: new ManifestReader(bucket, keys, epochs),
    filter: new Filter(config.filter, config.paths),
    mends,
    lag: asked.lag,
    holds: directory => scope.holds(directory),
  })
  const parts = { bucket, keys, epochs, scope, contents, mends }
  const node = await new NodeCheck(parts, async (survey, broken) => {
    drill?.take(survey, broken, keys)
    if (isOurs) await disk.take(survey)
  }).run()
  if (node.units.length === 0) throw await missing(deps, asked.path)
  if (isOurs) disk.end(new Set(node.units.filter(({ points }) => points > 0).map(({ unit }) => unit)))
  log.debug(
    `looked at ${counted(node.units.length, 'table or other directory', 'tables and other directories')}`,
  )
  const drilled = await drill?.run(deps)
  const prefixes = [keys.files, keys.states(''), keys.versions]
  const findings = [
    ...node.findings,
    ...disk.findings,
    ...(drill?.findings ?? []),
    ...findingsOfFence({ body, epoch: node.epoch, keys, name, mends }),
    ...findingsOfSettings({ settings, prefixes, retention: asked.retention, mends }),
    ...(await findUnfinished(bucket, keys, mends)),
  ]
  return reportOf({
    node: name,
    bucket: config.s3.bucket,
    began,
    seconds: (performance.now() - clock) / 1000,
    findings,
    units: node.units,
    contents: contents.counts,
    drill: drilled,
    maxAge: asked.maxAge,
  })
}

/**
 * Uploads again what the bucket has lost of the node's restore points, from this machine's disk.
 * @returns how many objects
 * @throws S3Error; TablesnapError `FENCED`, `LIST_UNSORTED`
 */
export async function repairNode(asked: CheckAsked, deps: CheckDeps): Promise<number> {
  const { config, client, node, log, signal } = deps
  const { keys, name } = node
  const bucket = new LiveBucket(client, signal)
  const body = await bucket.read(keys.node)
  const fence = new Fence(
    { config, client, log, ...node },
    { takeOver: false, alone: false, clock: () => bucket.now() },
  )
  const repairs = new Repairs(deps, fence)
  try {
    const parts = {
      bucket,
      keys,
      epochs: parseEpochs(body?.toString('utf8') ?? ''),
      scope: new ChopScope(asked.path, true),
      contents: new ContentCheck(bucket, client, asked),
      mends: new Mends(config, name),
    }
    await new NodeCheck(parts, survey => repairs.take(survey)).run()
    return repairs.uploaded
  } finally {
    repairs.close()
  }
}

async function missing(
  { config, client, node, log, signal }: CheckDeps,
  path: string,
): Promise<TablesnapError> {
  const { name } = node
  if (path !== '/')
    return new TablesnapError({
      code: 'NOTHING_FOUND',
      message: `the bucket has nothing of ${name} that lies in ${path}`,
      step: { operation: 'check' },
    })
  const { prefix, separator } = config
  return nothingFound({ client, prefix, name, separator, versions: true, until: undefined, log, signal })
}
