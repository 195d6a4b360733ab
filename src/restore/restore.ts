import { namesTable, tableAt } from '../cassandra/table-directory.js'
import { tableOfUnit } from '../cassandra/unit.js'
import type { Config } from '../config/config.js'
import { TablesnapError } from '../errors.js'
import { counted } from '../report/format.js'

import type { UnitMoment } from './choose/unit-moments.js'
import type { RestoreDeps } from './deps.js'
import { Run, type Tally } from './place/run.js'
import { planRestore } from './plan/plan.js'
import type { RestorePlan } from './plan/restore-plan.js'
import { atMoment } from './read/moment-key.js'
import { refuseOtherSeparator } from './read/separator.js'
import { reportIndexes, reportNext } from './report/next.js'
import { contentOf } from './report/report-moments.js'
import { reportPlan, reportSummary } from './report/report.js'
import type { RestoreSummary } from './summary.js'

/**
 * Restores a node's files: plans, says what it plans, then does it, unless `dryRun`. Nothing is written while anything
 * is against the plan.
 * @throws S3Error, TablesnapError: whatever keeps all of it from being restored
 */
export async function restore(asked: Config, deps: RestoreDeps): Promise<RestoreSummary> {
  const { log, signal } = deps
  const began = performance.now()
  await refuseOtherSeparator(asked, deps)
  const config = await atMoment(asked, deps)
  const plan = await planRestore(config, deps)
  reportPlan(plan, config, log)
  if (plan.problems.length > 0 && !config.dryRun) throw refusal(plan, deps)
  for (const problem of plan.problems) log.error(problem.message, { code: problem.code })
  const tally = config.dryRun ? planned(plan) : await new Run(plan, deps, config.force).run()
  const missing = plan.missing.length + lackedBy(plan)
  const aborted = signal?.aborted === true
  const passed = plan.units.some(({ passed }) => passed !== undefined)
  const empty = emptyOf(plan, config, deps)
  for (const unit of empty)
    log.error(`Nothing of ${unit} is restored, although it was asked for; the reason is above`)
  const lacking =
    missing > 0 || plan.unlisted.length > 0 || plan.corrupt.length > 0 || passed || empty.length > 0
  const bad = tally.failed > 0 || aborted || plan.problems.length > 0 || (lacking && !config.partial)
  const seconds = (performance.now() - began) / 1000
  const summary: RestoreSummary = {
    ...tally,
    seconds,
    missing,
    skipped: plan.present,
    aborted,
    exitCode: bad ? 1 : 0,
  }
  if (plan.problems.length === 0) reportIndexes(plan, log)
  if (!config.dryRun && tally.failed === 0 && !aborted) reportNext(plan, config, log)
  reportSummary(summary, plan, log, config.dryRun)
  return summary
}

/**
 * Tables that were asked for by name, and of which no SSTable comes. A table that was dropped and one that was created again
 * share a name: it is enough that SSTables of one of them come, unless they are to go into another table's directory.
 */
function emptyOf({ units }: RestorePlan, { only, mapTables }: Config, { scope }: RestoreDeps): string[] {
  const tables = units.filter(({ unit }) => tableOfUnit(unit) !== undefined)
  const isEmpty = (one: UnitMoment): boolean => contentOf(one).own === 0
  const namesOf = ({ sets }: UnitMoment, names: readonly string[]): string[] =>
    names.filter(name => [...sets.keys()].some(directory => namesTable([name], tableAt(directory))))
  const filled = new Set(tables.filter(one => !isEmpty(one)).flatMap(one => namesOf(one, only.tables)))
  const isMissed = (one: UnitMoment): boolean =>
    (scope !== undefined && scope.take !== 'below') ||
    namesOf(one, mapTables).length > 0 ||
    namesOf(one, only.tables).some(name => !filled.has(name))
  return tables.filter(one => isEmpty(one) && isMissed(one)).map(({ unit }) => unit)
}

/** Sets and files that states themselves say the bucket never had. */
function lackedBy({ units }: RestorePlan): number {
  const counts = units.map(({ lacks }) => (lacks?.unprotected.length ?? 0) + (lacks?.unexplained.length ?? 0))
  return counts.reduce((sum, count) => sum + count, 0)
}

function planned({ sets, files, bytes, refused }: RestorePlan): Tally {
  return { sets: sets.length, files, bytes, unverified: 0, failed: refused.length }
}

/** The error of a plan that may not be carried out: its only problem, or that there are several, which are logged. */
function refusal({ problems }: RestorePlan, { log }: RestoreDeps): TablesnapError {
  const [first, ...others] = problems
  if (first !== undefined && others.length === 0) return first
  for (const { message, code } of problems) log.error(message, { code })
  return new TablesnapError({
    code: 'RESTORE_REFUSED',
    message: `nothing was restored; the ${counted(problems.length, 'reason is', 'reasons are')} above`,
    step: { operation: 'restore' },
  })
}
