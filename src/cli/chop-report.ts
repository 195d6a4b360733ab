import { tableOfUnit } from '../cassandra/unit.js'
import { formatDuration } from '../config/duration.js'
import { counted, formatBytes } from '../report/format.js'
import type { ChopOptions, ChopResult, ChoppedUnit } from '../retention/chop.js'
import type { UnitPoints } from '../retention/manifest-survey.js'

import { costOf, formatCost } from './cost.js'

/** Sums over the tables of what is deleted. */
interface Sum {
  readonly objects: number
  readonly bytes: number
  readonly points: number
  /** US$ a month. */
  readonly cost: number
}

/** Reports a run of tablechop to people: a line for each table, and one for all. */
export function chopLines(result: ChopResult, { isDryRun, age }: ChopOptions): string[] {
  const lines = result.units.flatMap(unit => linesOf(unit, isDryRun))
  const { deleted, units, planned, ripeAt } = result
  const going = sumOf(units.filter(({ refusal }) => refusal === undefined))
  if (isDryRun) {
    const goes =
      going.objects + going.points === 0
        ? 'nothing would go'
        : `${describe(going)} would go and save ${formatCost(going.cost)}`
    lines.push(`Nothing was changed: at an age of ${formatDuration(age)} ${goes}`)
  }
  const held = units.filter(({ refusal }) => refusal !== undefined)
  if (held.length > 0)
    lines.push(
      `The limits hold ${counted(held.length, 'table')} back, and keep ${describe(sumOf(held))} that would go`,
    )
  if (!isDryRun) {
    lines.push(`Deleted ${counted(deleted.objects, 'object')}, ${formatBytes(deleted.bytes)} of the bucket`)
    if (deleted.hidden > 0)
      lines.push(
        `${deleted.hidden} of them (${formatBytes(deleted.hiddenBytes)}) stay as old versions, as the bucket has versions: they cost as before until a lifecycle rule ends them (NoncurrentVersionExpiration)`,
      )
    if (deleted.locked > 0)
      lines.push(
        `${counted(deleted.locked, 'object stays', 'objects stay')}, as Object Lock keeps them; later runs try again`,
      )
    if (ripeAt !== undefined)
      lines.push(
        `A plan waits: ${describe(going)} may go; a run after ${new Date(ripeAt).toISOString()} deletes what it names`,
      )
    else if (planned !== undefined && planned > 0)
      lines.push(
        `Planned ${counted(planned, 'object')}: the next run deletes them if nothing speaks against it`,
      )
  }
  if (result.foreign > 0)
    lines.push(
      counted(
        result.foreign,
        'key of the node names no file: it stays',
        'keys of the node name no file: they stay',
      ),
    )
  return lines
}

function sumOf(units: readonly ChoppedUnit[]): Sum {
  let [objects, bytes, points, cost] = [0, 0, 0, 0]
  for (const unit of units) {
    objects += unit.files.goingObjects
    bytes += unit.files.goingBytes
    points += unit.points?.gone ?? 0
    for (const [storageClass, size] of unit.files.goingByClass) cost += costOf(size, storageClass)
  }
  return { objects, bytes, points, cost }
}

function describe({ objects, bytes, points }: Sum): string {
  return `${counted(objects, 'object')} (${formatBytes(bytes)}) and ${counted(points, 'restore point')}`
}

/** @param tellsReasons whether to say why restore points stay */
function linesOf({ unit, points, files, refusal }: ChoppedUnit, tellsReasons: boolean): string[] {
  const table = tableOfUnit(unit)
  const name =
    table === undefined ? `/${unit.replace(/^\//, '')}` : `${table.keyspace}.${table.table} (${unit})`
  if (points !== undefined && !points.isMeant)
    return [`${name}: stays as it is, as it lies in ${points.elsewhere.join(', ')} as well, outside the path`]
  const stay = files.objects - files.goingObjects
  const why = tellsReasons ? reasonsOf(points) : ''
  const restorePoints =
    points === undefined
      ? ''
      : `${counted(points.kept, 'restore point')}${points.hasComplete ? '' : ' (none of them complete)'}${why} and `
  const keeps = `keeps ${restorePoints}${counted(stay, 'object')} (${formatBytes(files.bytes - files.goingBytes)})`
  const gone = points?.gone ?? 0
  const goes =
    files.goingObjects + gone === 0
      ? 'nothing goes'
      : `${counted(gone, 'restore point')} and ${counted(files.goingObjects, 'object')} (${formatBytes(files.goingBytes)}) go`
  return [`${name}: ${keeps}; ${goes}${refusal === undefined ? '' : `, but ${refusal}`}`]
}

/** Which rules hold how many restore points; one that several rules hold counts for each: ` (newest 1, young 12, daily 30)`. */
function reasonsOf(points: UnitPoints | undefined): string {
  const reasons = [...(points?.reasons ?? [])].map(([reason, count]) => `${reason} ${count}`)
  return reasons.length === 0 ? '' : ` (${reasons.join(', ')})`
}
