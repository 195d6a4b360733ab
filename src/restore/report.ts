import type { Config } from '../config/config.js'
import type { Logger } from '../report/logger.js'

import { limited } from './lines.js'
import type { RestorePlan } from './plan.js'
import { reportMoments } from './report-moments.js'
import type { RestoreSummary } from './summary.js'

/** Tells what a restore is going to do, and what is against it. */
export function reportPlan(plan: RestorePlan, config: Config, log: Logger): void {
  const { dryRun, partial } = config
  const {
    sets,
    files,
    bytes,
    present,
    directories,
    missing,
    broken,
    corrupt,
    unlisted,
    refused,
    target,
    name,
  } = plan
  for (const { key, reason } of limited(refused, log, 'keys are refused'))
    log.error(`Error downloading ${key}: ${reason}`, { key })
  for (const { key, reason } of limited(missing, log, 'files are missing from the bucket'))
    log.warn(`${key} ${reason}`, { key })
  for (const set of limited(broken, log, 'sets are not whole')) {
    log.warn(`${set} is not restored: the bucket lacks files that Cassandra needs to read it`)
  }
  for (const set of limited(partial ? corrupt : [], log, 'sets were damaged on the node')) {
    log.warn(
      `${set} is not restored: it was damaged on the node already, by its Digest.crc32; --force brings it`,
    )
  }
  for (const path of limited(unlisted, log, 'directories have no listing')) {
    log.warn(
      `${path} is not restored: it has SSTables and no listing; tablesnap -D brings every object of it`,
    )
  }
  reportMoments(plan, config, log)
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
