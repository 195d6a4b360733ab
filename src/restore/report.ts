import type { Logger } from '../report/logger.js'

import type { RestorePlan } from './plan.js'
import type { RestoreSummary } from './summary.js'

/** Lines of one kind that are told one by one; the rest is counted. */
const LINES = 100

/** Directories whose moments are told one by one. */
const DIRECTORIES = 20

/** Tells what a restore is going to do, and what is against it. */
export function reportPlan(plan: RestorePlan, log: Logger, dryRun: boolean): void {
  const { sets, files, bytes, present, directories, missing, broken, unlisted, refused, target, name } = plan
  for (const { key, reason } of limited(refused, log, 'keys are refused'))
    log.error(`Error downloading ${key}: ${reason}`, { key })
  for (const key of limited(missing, log, 'files are missing from the bucket')) {
    log.warn(`${key} is missing from the bucket`, { key })
  }
  for (const set of limited(broken, log, 'sets are not whole')) {
    log.warn(`${set} is not restored: the bucket lacks files that Cassandra needs to read it`)
  }
  for (const path of limited(unlisted, log, 'directories have no listing')) {
    log.warn(
      `${path} is not restored: it has SSTables and no listing; tablesnap -D brings every object of it`,
    )
  }
  for (const { path, moment } of directories) {
    if (moment === undefined) continue
    const line = `${path} will be complete to the flush of ${time(moment)}; later writes are only in the commitlog`
    if (directories.length <= DIRECTORIES) log.info(line)
    else log.debug(line)
  }
  const moments = directories.map(({ moment }) => moment).filter(moment => moment !== undefined)
  if (directories.length > DIRECTORIES && moments.length > 0) {
    // Spread would overflow the stack with very many directories.
    const from = moments.reduce((a, b) => Math.min(a, b))
    const to = moments.reduce((a, b) => Math.max(a, b))
    log.info(
      `The directories will be complete to flushes from ${time(from)} to ${time(to)}; later writes are only in the commitlog`,
    )
  }
  if (dryRun) {
    for (const { origin, name: set, directory, files: own } of limited(sets, log, 'sets would be restored')) {
      const size = own.reduce((sum, file) => sum + file.size, 0)
      log.info(`Would restore ${origin}/${set} to ${directory.path}: ${own.length} files, ${size} bytes`)
    }
  }
  const aside = directories.reduce((sum, directory) => sum + directory.aside.length, 0)
  const more = aside === 0 ? '' : `, ${aside} to be moved aside`
  log.info(
    `Restoring ${name} to ${target}: ${sets.length} sets, ${files} files, ${bytes} bytes in ${directories.length} directories; ` +
      `${present} files are there already, ${missing.length} missing, ${refused.length} refused${more}`,
    { sets: sets.length, files, bytes, present, missing: missing.length, refused: refused.length },
  )
}

/** Tells what a restore came to. */
export function reportSummary(summary: RestoreSummary, log: Logger, dryRun: boolean): void {
  const { sets, files, bytes, seconds, missing, unverified, skipped, failed, aborted } = summary
  const rate = bytes > 0 && seconds > 0 && !dryRun ? ` (${(bytes / seconds / 1e6).toFixed(1)} MB/s)` : ''
  log.info(
    `${dryRun ? 'Would restore' : aborted ? 'Stopped; restored' : 'Restored'} ${sets} sets, ${files} files, ${bytes} bytes ` +
      `in ${seconds.toFixed(1)} s${rate}; ${skipped} files were there already, ${missing} missing, ${failed} failed, ${unverified} unverified`,
    { sets, files, bytes, seconds, missing, unverified, skipped, failed, aborted },
  )
}

function limited<T>(items: readonly T[], log: Logger, what: string): readonly T[] {
  if (items.length > LINES) log.warn(`${items.length} ${what}; the first ${LINES}:`)
  return items.slice(0, LINES)
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
