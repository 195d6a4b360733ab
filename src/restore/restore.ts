import type { Config } from '../config/config.js'
import { TablesnapError } from '../errors.js'

import type { RestoreDeps } from './deps.js'
import { planRestore, type RestorePlan } from './plan.js'
import { reportPlan, reportSummary } from './report.js'
import { Run, type Tally } from './run.js'
import type { RestoreSummary } from './summary.js'

/**
 * Restores a node's files: plans, says what it plans, then does it, unless `dryRun`. Nothing is written while anything
 * is against the plan.
 * @throws S3Error, TablesnapError: whatever keeps all of it from being restored
 */
export async function restore(config: Config, deps: RestoreDeps): Promise<RestoreSummary> {
  const { log, signal } = deps
  const began = performance.now()
  const plan = await planRestore(config, deps)
  reportPlan(plan, log, config.dryRun)
  if (plan.problems.length > 0 && !config.dryRun) throw refusal(plan, deps)
  for (const problem of plan.problems) log.error(problem.message, { code: problem.code })
  const tally = config.dryRun ? planned(plan) : await new Run(plan, deps).run()
  const missing = plan.missing.length
  const aborted = signal?.aborted === true
  const lacking = missing > 0 || plan.unlisted.length > 0
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
  reportSummary(summary, log, config.dryRun)
  return summary
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
    message: `nothing was restored, for ${problems.length} reasons; see above`,
    operation: 'restore',
  })
}
