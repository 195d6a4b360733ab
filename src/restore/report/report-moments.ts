import { join } from 'node:path'

import { indexOf, tableOfUnit } from '../../cassandra/unit.js'
import { backupLine } from '../../config/command-line.js'
import type { Config } from '../../config/config.js'
import { counted } from '../../report/format.js'
import type { Logger } from '../../report/logger.js'
import type { UnitMoment } from '../choose/unit-moments.js'
import { iso, limited } from '../lines.js'
import type { RestorePlan } from '../plan/restore-plan.js'

/** Moments that are told one by one. */
const MOMENTS = 200

/** Tells to which moments a restore goes, and in what they fall short. */
export function reportMoments(plan: RestorePlan, config: Config, log: Logger): void {
  const { directories, units, later } = plan
  for (const unit of units) {
    fromTheFuture(unit, log)
    passedOver(unit, log)
    broughtBack(unit, log)
    lacking(unit, plan, config, log)
  }
  for (const path of limited(later, log, 'directories have nothing as old as that'))
    log.info(`${path} is left out: it has no restore point and no upstream listing as old as that`)
  const moments = [
    ...units.map(unit => {
      const away = awayOf(unit, plan)
      return { about: unit.unit, time: unit.time, away, line: lineOf(unit, away) }
    }),
    ...directories.flatMap(({ path, listed, away }) =>
      listed === undefined ? [] : [{ about: path, time: listed, away, line: complete(path, listed, away) }],
    ),
  ]
  for (const { about, time, away, line } of moments)
    log[moments.length <= MOMENTS ? 'info' : 'debug'](line, {
      event: 'restore-point',
      table: about,
      moment: time,
      notRestored: away,
    })
  if (moments.length <= MOMENTS) return
  const times = moments.map(({ time }) => time)
  // Spread would overflow the stack with very many of them.
  const from = iso(times.reduce((a, b) => Math.min(a, b)))
  const to = iso(times.reduce((a, b) => Math.max(a, b)))
  log.info(
    plan.away.size === 0
      ? `The directories will be complete to flushes from ${from} to ${to}; later writes are only in the commitlog`
      : `The directories will have what can be restored of flushes from ${from} to ${to}; ${counted(plan.away.size, 'SSTable or file', 'SSTables and files')} of them are not restored`,
  )
}

/** SSTables and files of a unit's restore point that are not restored. */
function awayOf({ sets }: UnitMoment, { away }: RestorePlan): number {
  let count = 0
  for (const [directory, all] of sets)
    for (const { name } of all) if (away.has(join(directory, name))) count++
  return count
}

/** @param away as of {@link awayOf} */
function lineOf(unit: UnitMoment, away: number): string {
  const { unit: name, time, lacks, filled } = unit
  if (tableOfUnit(name) === undefined) {
    const empty = [...unit.sets.values()].every(({ length }) => length === 0)
    return empty
      ? `/${name} was empty at ${iso(time)}: nothing of it is restored`
      : away > 0
        ? incomplete(`/${name}`, time, away)
        : `/${name} will be as it was at ${iso(time)}`
  }
  if (away > 0) return incomplete(name, time, away)
  const { own, index, files } = contentOf(unit)
  if (own > 0) {
    return lacks === undefined
      ? complete(name, time, 0)
      : `${name} will have what the bucket has of the flush of ${iso(time)}; later writes are only in the commitlog`
  }
  const others =
    index > 0
      ? `: only those of its indexes are restored`
      : files > 0
        ? `: only ${counted(files, 'other file')} of it ${files === 1 ? 'is' : 'are'} restored`
        : ': nothing of it is restored'
  const before =
    filled === undefined
      ? ''
      : `; its last complete restore point with SSTables is of ${iso(filled.time)} (${counted(filled.sets, 'SSTable')}): --at ${iso(filled.time)}`
  return `${name} had no SSTables at ${iso(time)}${others}${before}`
}

/** How much of a table comes: its own SSTables, those of its indexes, and files that belong to none. */
export function contentOf({ sets }: Pick<UnitMoment, 'sets'>): { own: number; index: number; files: number } {
  const content = { own: 0, index: 0, files: 0 }
  for (const [directory, all] of sets) {
    for (const { name, files, whole } of all) {
      if (!whole) continue
      if (!files.some(file => file.name === `${name}-Data.db`)) content.files += files.length > 0 ? 1 : 0
      else if (indexOf(directory) === '') content.own++
      else content.index++
    }
  }
  return content
}

function complete(what: string, time: number, away: number): string {
  if (away > 0) return incomplete(what, time, away)
  return `${what} will be complete to the flush of ${iso(time)}; later writes are only in the commitlog`
}

function incomplete(what: string, time: number, away: number): string {
  const lacks = counted(away, 'SSTable or file', 'SSTables and files')
  return `${what} will not be complete: ${lacks} of the flush of ${iso(time)} ${away === 1 ? 'is' : 'are'} not restored, as said above`
}

function fromTheFuture({ unit, newest, ahead, time }: UnitMoment, log: Logger): void {
  if (!ahead) return
  log.warn(
    `${unit}: the time of its newest restore point was in the future when the bucket got it, at ${iso(newest)}: the clock of its node was wrong. It counts from that moment; ${iso(time)} is restored`,
  )
}

function passedOver({ unit, time, passed }: UnitMoment, log: Logger): void {
  if (passed === undefined) return
  const { count, newest } = passed
  const others =
    count === 1
      ? `its newest restore point, of ${iso(newest.time)}, is passed over`
      : `its ${count} newest restore points, the newest of ${iso(newest.time)}, are passed over`
  log.warn(
    `${unit}: ${others}: ${newest.flaws}; that of ${iso(time)} is restored instead. To accept the older one: --partial, or --at ${iso(time)}; for the newest as it is: --at ${newest.key}`,
  )
}

function broughtBack({ unit, passed, together }: UnitMoment, log: Logger): void {
  if (together === undefined || passed !== undefined) return
  log.warn(
    `${unit} goes back to ${iso(together.until)} with ${together.unit}: Cassandra reads the tables of a system keyspace as of one moment`,
  )
}

function lacking(
  { unit, time, lacks }: UnitMoment,
  { name }: RestorePlan,
  config: Config,
  log: Logger,
): void {
  if (lacks === undefined) return
  const { unprotected, unexplained } = lacks
  if (unprotected.length + unexplained.length === 0) return
  log.warn(
    `${unit} has no complete restore point: tablesnap restores only the complete SSTables of its newest one, of ${iso(time)}`,
  )
  for (const path of limited(unprotected, log, 'SSTables and files were not in the bucket'))
    log.warn(`${path} is not restored: it was not in the bucket`)
  for (const path of limited(unexplained, log, 'SSTables had vanished'))
    log.warn(`${path} is not restored: it had vanished from the node for no known reason`)
  if (unprotected.length > 0)
    log.warn(
      `For a complete restore point of ${unit}, run on the node that was backed up: ${backupLine(config, name, unprotected)}`,
    )
  if (unexplained.length > 0)
    log.warn(
      `For a complete restore point of ${unit}, copy the vanished SSTables back to the node, or accept the loss with --take-over`,
    )
}
