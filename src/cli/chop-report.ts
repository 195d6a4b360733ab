import { tableOfUnit } from '../cassandra/unit.js'
import { formatDuration } from '../config/duration.js'
import { counted, formatBytes } from '../report/format.js'
import type { ChopOptions, ChopResult, ChoppedUnit } from '../retention/chop.js'

import { formatCost } from './cost.js'

/**
 * Reports a run of tablechop to people: a line for each table, and one for all.
 * @param cost of what goes, US$ a month
 */
export function chopLines(result: ChopResult, { isDryRun, age }: ChopOptions, cost: number): string[] {
  const lines = result.units.flatMap(unit => linesOf(unit))
  const { deleted, units, planned, ripeAt } = result
  const going = units.reduce(
    (sum, { files, points }) => ({
      objects: sum.objects + files.goingObjects,
      bytes: sum.bytes + files.goingBytes,
      points: sum.points + (points?.gone ?? 0),
    }),
    { objects: 0, bytes: 0, points: 0 },
  )
  const all = `${counted(going.objects, 'object')} (${formatBytes(going.bytes)}) and ${counted(going.points, 'restore point')}`
  if (isDryRun)
    lines.push(
      `Nothing was changed: at an age of ${formatDuration(age)} ${all} would go: ${formatCost(cost)} less`,
    )
  else {
    lines.push(`Deleted ${counted(deleted.objects, 'object')}, ${formatBytes(deleted.bytes)} of the bucket`)
    if (deleted.hidden > 0)
      lines.push(
        `${deleted.hidden} of them (${formatBytes(deleted.hiddenBytes)}) stay as old versions, as the bucket has versions: they cost as before until a lifecycle rule ends them (NoncurrentVersionExpiration)`,
      )
    if (deleted.locked > 0)
      lines.push(`${counted(deleted.locked, 'object')} stay, as Object Lock keeps them; later runs try again`)
    if (ripeAt !== undefined)
      lines.push(
        `A plan waits: ${all} may go; a run after ${new Date(ripeAt).toISOString()} deletes what it names`,
      )
    else if (planned !== undefined && planned > 0)
      lines.push(
        `Planned ${counted(planned, 'object')}: the next run deletes them if nothing speaks against it`,
      )
  }
  if (result.foreign > 0) lines.push(`${counted(result.foreign, 'key')} of the node name no file: they stay`)
  return lines
}

function linesOf({ unit, points, files, refusal }: ChoppedUnit): string[] {
  const table = tableOfUnit(unit)
  const name =
    table === undefined ? `/${unit.replace(/^\//, '')}` : `${table.keyspace}.${table.table} (${unit})`
  if (points !== undefined && !points.isMeant)
    return [`${name}: stays as it is, as it lies in ${points.elsewhere.join(', ')} as well, outside the path`]
  const stay = files.objects - files.goingObjects
  const restorePoints =
    points === undefined
      ? ''
      : `${counted(points.kept, 'restore point')} and ${points.hasComplete ? '' : '(none of them complete) '}`
  const keeps = `keeps ${restorePoints}${counted(stay, 'object')} (${formatBytes(files.bytes - files.goingBytes)})`
  const gone = points?.gone ?? 0
  const goes =
    files.goingObjects + gone === 0
      ? 'nothing goes'
      : `${counted(gone, 'restore point')} and ${counted(files.goingObjects, 'object')} (${formatBytes(files.goingBytes)}) go`
  return [`${name}: ${keeps}; ${goes}${refusal === undefined ? '' : `, but ${refusal}`}`]
}
