import type { Config } from '../config/config.js'
import type { Logger } from '../report/logger.js'
import { tableOfUnit } from '../sstable/unit.js'

import { iso, limited } from './lines.js'
import { backupLine } from './mend.js'
import type { RestorePlan } from './plan.js'
import type { UnitMoment } from './unit-moments.js'

/** Moments that are told one by one. */
const MOMENTS = 200

/** Tells to which moments a restore goes, and in what they fall short. */
export function reportMoments(plan: RestorePlan, config: Config, log: Logger): void {
  const { directories, units, later } = plan
  for (const unit of units) {
    passedOver(unit, log)
    lacking(unit, plan, config, log)
  }
  for (const path of limited(later, log, 'directories have nothing as old as that'))
    log.info(`${path} is left out: it has no state and no listing as old as that`)
  const moments = [
    ...units.map(unit => ({ time: unit.time, line: lineOf(unit) })),
    ...directories.flatMap(({ path, listed }) =>
      listed === undefined ? [] : [{ time: listed, line: complete(path, listed) }],
    ),
  ]
  for (const { line } of moments) {
    if (moments.length <= MOMENTS) log.info(line)
    else log.debug(line)
  }
  if (moments.length <= MOMENTS) return
  const times = moments.map(({ time }) => time)
  // Spread would overflow the stack with very many of them.
  const from = iso(times.reduce((a, b) => Math.min(a, b)))
  const to = iso(times.reduce((a, b) => Math.max(a, b)))
  log.info(
    `The directories will be complete to flushes from ${from} to ${to}; later writes are only in the commitlog`,
  )
}

function lineOf({ unit, time, sets }: UnitMoment): string {
  const empty = [...sets.values()].every(({ length }) => length === 0)
  if (empty) return `${unit} was empty at ${iso(time)}: there is nothing to restore`
  if (tableOfUnit(unit) !== undefined) return complete(unit, time)
  return `/${unit} will be as it was at ${iso(time)}`
}

function complete(what: string, time: number): string {
  return `${what} will be complete to the flush of ${iso(time)}; later writes are only in the commitlog`
}

function passedOver({ unit, time, passed }: UnitMoment, log: Logger): void {
  if (passed === undefined) return
  const { count, newest, flaws } = passed
  const others =
    count === 1
      ? `the newer state, of ${iso(newest)},`
      : `${count} newer states, the newest of ${iso(newest)},`
  log.warn(`${unit}: ${others} may not be restored: ${flaws}; the moment of ${iso(time)} is restored instead`)
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
  log.warn(`${unit} has no whole state: of its newest one, of ${iso(time)}, only the whole sets are restored`)
  for (const path of limited(unprotected, log, 'sets and files were not in the bucket'))
    log.warn(`${path} is not restored: it was not in the bucket`)
  for (const path of limited(unexplained, log, 'sets had vanished'))
    log.warn(`${path} is not restored: it had vanished from the node, nobody knows why`)
  if (unprotected.length > 0)
    log.warn(
      `For a whole state of ${unit}, run where it was backed up: ${backupLine(config, name, unprotected)}`,
    )
  if (unexplained.length > 0)
    log.warn(
      `For a whole state of ${unit}, bring the vanished sets back to the node, or accept the loss with --take-over`,
    )
}
