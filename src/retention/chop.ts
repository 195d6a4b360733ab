import { dirname } from 'node:path'

import { unitOf } from '../cassandra/unit.js'
import { TablesnapError } from '../errors.js'
import { planId, plansOf, type PlannedObject } from '../manifest/chop-plan.js'
import { parseStateKey, type KeyLayout } from '../manifest/keys.js'
import type { Logger } from '../report/logger.js'
import { MAX_DELETES } from '../s3/delete.js'
import type { ListedObject } from '../s3/list.js'

import type { DeletionRule, RetentionOptions } from './deletion-rule.js'
import { Executor, type Deleted, type DeletionObserver } from './executor.js'
import { FileSurvey } from './file-survey.js'
import { Tally, type Going } from './going.js'
import { ManifestSurvey, type UnitPoints } from './manifest-survey.js'
import { announce, checkWriter, chopOf, readNodeFile, type NodeFile } from './node-file.js'
import { PlanWriter } from './plan-writer.js'
import type { RetentionBucket } from './ports.js'
import { RipePlan } from './ripe-plan.js'

/** How a run of tablechop behaves. */
export interface ChopOptions extends RetentionOptions {
  readonly isDryRun: boolean
  /** Most of a table's bytes that may go in one run, percent. */
  readonly maxDeletePercent: number
  /** Fewest complete restore points that a table may be left with that has more. */
  readonly floor: number
  /** Whether the limits do not count. */
  readonly force: boolean
  /** DeleteObjects at once. */
  readonly parallel: number
}

/** The parts that a run works with. */
export interface ChopDeps {
  readonly bucket: RetentionBucket
  readonly keys: KeyLayout
  /** Of the node, for messages. */
  readonly name: string
  readonly log: Logger
  readonly observer: DeletionObserver & ChopObserver
  /** Makes the rule. @param now ms since 1970, by the server's clock */
  readonly rule: (options: RetentionOptions, now: number) => DeletionRule
  /** Tells runs of one millisecond apart, 0 to 65535. */
  readonly salt: () => number
}

/** Told of what goes. */
export interface ChopObserver {
  /** @param isNow whether this run deletes it; else a later one, if nothing speaks against it then */
  going(object: ListedObject, isNow: boolean): void
}

/** One table, or another directory, after a run. */
export interface ChoppedUnit {
  readonly unit: string
  readonly points: UnitPoints | undefined
  readonly files: Tally
  /** Why nothing of it is deleted, although something might go. */
  readonly refusal: string | undefined
}

/** The result of a run. */
export interface ChopResult {
  readonly units: readonly ChoppedUnit[]
  readonly deleted: Deleted
  /** Objects of the new plan, which the next run may delete; undefined: there is no new plan. */
  readonly planned: number | undefined
  /** Until when the plan that is there is too young, ms since 1970; undefined: it was carried out, or there was none. */
  readonly ripeAt: number | undefined
  readonly foreign: number
}

/** How much earlier than a plan a manifest may have come that the run which made it did not see, ms. */
const SLACK = 600_000

/** How old what belongs to no plan must be before it is cleared away, ms: a run may be about to name it. */
const ABANDONED = 86_400_000

/**
 * One run of tablechop: it decides what may go, deletes what the plan of the run before names as well, and leaves a plan for the
 * next one.
 * @throws S3Error; TablesnapError `WRITER_TOO_OLD`, `STATE_CORRUPT`, `LISTING_CORRUPT`, `BUCKET_CHANGED`, `CHOP_RACED`,
 * `NOTHING_FOUND`
 */
export async function chop(options: ChopOptions, deps: ChopDeps): Promise<ChopResult> {
  const { bucket, keys, log, observer } = deps
  const node = await readNodeFile(bucket, keys)
  if (!options.force && !options.isDryRun) checkWriter(node, deps.name)
  const began = bucket.now()
  const rule = deps.rule(options, began)
  const record = chopOf(node, options.scope.name)
  const isRipe = record !== undefined && rule.isRipe(Math.max(0, began - record.since))
  const ripe = isRipe ? await RipePlan.read(bucket, keys, record.plan) : undefined
  const isTooYoung = record !== undefined && !isRipe
  const writer =
    options.isDryRun || isTooYoung ? undefined : new PlanWriter(bucket, keys, planId(began, deps.salt()))
  const isNews = (object: ListedObject): boolean =>
    ripe !== undefined &&
    rule.countsNews() &&
    object.lastModified >= ripe.plan.began - SLACK &&
    !ripe.names(object)
  const manifests = new ManifestSurvey(bucket, keys, rule, node.epochs, isNews)
  const files = new FileSurvey(bucket, keys, rule, manifests, isNews)
  const take = async ({ phase, object }: Going): Promise<void> => {
    const isNow = ripe?.names(object) === true && !files.isRecent(object.key)
    observer.going(object, isNow)
    if (isNow) ripe.confirm(object)
    else await writer?.add(phase, object)
  }
  for await (const going of manifests.run()) await take(going)
  for await (const going of files.run()) await take(going)
  const units = unitsOf(manifests, files, options)
  if (units.length === 0) throw nothingFound(options, deps.name)
  const executor = new Executor(bucket, keys, rule, node, observer)
  if (ripe !== undefined && !options.isDryRun) {
    const refused = new Set(units.filter(({ refusal }) => refusal !== undefined).map(({ unit }) => unit))
    const unitOfKey = unitFinder(keys)
    await executor.run(
      ripe,
      {
        allows: key => !refused.has(unitOfKey(key)) && !files.isRecent(key),
        protect: key => files.protect(key),
        // The next run may delete it.
        leave: async (phase, object) => writer?.add(phase, object),
      },
      options.parallel,
    )
  }
  if (writer !== undefined) {
    await writer.finish(options.scope.name, began)
    const next = { plan: writer.id, before: record?.plan, scope: options.scope.name }
    await clear(deps, await announce(bucket, keys, node, next))
  } else if (isTooYoung) log.debug('the plan in the bucket is too young to be carried out')
  return {
    units,
    deleted: executor.deleted,
    planned: writer?.objects,
    ripeAt: isTooYoung ? record.since + options.grace : undefined,
    foreign: files.foreign,
  }
}

/** The unit of the table that a key of a plan belongs to. */
function unitFinder(keys: KeyLayout): (key: string) => string {
  const states = keys.states('')
  return key => {
    if (key.startsWith(states)) return parseStateKey(key.slice(states.length))?.unit ?? ''
    const path = keys.pathOf(key)
    return path === undefined ? '' : unitOf(dirname(path))
  }
}

function unitsOf(manifests: ManifestSurvey, files: FileSurvey, options: ChopOptions): ChoppedUnit[] {
  const names = new Set([...manifests.units.keys(), ...files.tallies.keys()])
  return [...names].sort().flatMap(unit => {
    const points = manifests.units.get(unit)
    const tally = files.tallies.get(unit) ?? new Tally()
    // It lies outside the path.
    if (points?.isMeant !== true && tally.objects === 0) return []
    return [{ unit, points, files: tally, refusal: refusalOf(points, tally, options) }]
  })
}

/** Why the limits hold a table back. */
function refusalOf(
  points: UnitPoints | undefined,
  { bytes, goingBytes }: Tally,
  { force, maxDeletePercent, floor }: ChopOptions,
): string | undefined {
  if (force) return undefined
  if (goingBytes * 100 > bytes * maxDeletePercent)
    return `${Math.floor((goingBytes * 100) / bytes)} % of its bytes would go, more than ${maxDeletePercent}: raise --max-delete-percent, or give --force`
  if (points !== undefined && points.gone > 0 && points.complete < floor)
    return `${points.complete} complete restore points would be left, fewer than ${floor}: lower --min-restore-points, or give --force`
  return undefined
}

/** Deletes plans that node.json does not name any more. */
async function clear({ bucket, keys }: ChopDeps, node: NodeFile): Promise<void> {
  const ids = plansOf(node.chops)
  const stale: PlannedObject[] = []
  const flush = async (): Promise<void> => {
    if (stale.length > 0) await bucket.delete(stale.splice(0))
  }
  for await (const object of bucket.list(keys.chops)) {
    const [id = ''] = object.key.slice(keys.chops.length).split('/')
    if (ids.has(id) || object.lastModified > bucket.now() - ABANDONED) continue
    stale.push(object)
    if (stale.length >= MAX_DELETES) await flush()
  }
  await flush()
}

/** The error of a path of which the bucket has nothing. */
function nothingFound({ scope }: ChopOptions, name: string): TablesnapError {
  const advice = scope.isRecursive ? '' : '; -r takes all that is below it'
  return new TablesnapError({
    code: 'NOTHING_FOUND',
    message: `the bucket has nothing of ${name} that lies in ${scope.path}${advice}`,
    step: { operation: 'retain' },
  })
}
