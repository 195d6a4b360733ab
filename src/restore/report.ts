import type { Config } from '../config/config.js'
import type { Logger } from '../report/logger.js'
import { parseComponent } from '../sstable/names.js'
import { unitOf } from '../sstable/unit.js'

import type { Refusal } from './key-path.js'
import { limited } from './lines.js'
import type { RestorePlan } from './plan.js'
import { reportMoments } from './report-moments.js'
import type { RestoreSummary } from './summary.js'

/** Keys that are named of many which one cause keeps away. */
const KEYS = 3

/** Commitlog segments that are named of many. */
const SEGMENTS = 10

/** Tells what a restore is going to do, and what is against it. */
export function reportPlan(plan: RestorePlan, config: Config, log: Logger): void {
  const { at, dryRun, partial } = config
  const {
    sets,
    files,
    bytes,
    present,
    directories,
    missing,
    shares,
    segments,
    broken,
    corrupt,
    unlisted,
    refused,
    target,
    name,
  } = plan
  for (const { keys, reason } of limited(byCause(refused), log, 'keys are refused')) {
    const more = keys.length > KEYS ? ` and ${keys.length - KEYS} more` : ''
    log.error(`Error downloading ${keys.slice(0, KEYS).join(', ')}${more}: ${reason}`, {
      key: keys[0],
      keys: keys.length,
    })
  }
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
  for (const { base, needed, staged, free } of shares) {
    const there = staged === 0 ? '' : `; ${staged} bytes are there from a run that was cut short`
    log.info(`${needed} bytes are needed below ${base}, and ${free} are free${there}`, {
      base,
      needed,
      staged,
      free,
    })
  }
  if (segments.length > 0) {
    const shown = `${segments.slice(0, SEGMENTS).join(', ')}${segments.length > SEGMENTS ? ', …' : ''}`
    log[at === undefined ? 'info' : 'warn'](
      `Cassandra replays ${segments.length} commitlog segments at its next start (${shown}): writes after the moment that is ` +
        'restored come back with them; move them away where that is not wanted',
    )
  }
  const aside = directories.reduce((sum, directory) => sum + directory.aside.length, 0)
  const tables = tablesOf(plan)
  const wrong = missing.filter(({ size }) => size !== undefined).length
  const more = aside === 0 ? '' : `, ${aside} to be moved aside`
  log.info(
    `Restoring ${name} to ${target}: ${tables} tables, ${sets.length} sets, ${files} files, ${bytes} bytes in ${directories.length} directories; ` +
      `${present} files are there already, ${missing.length - wrong} missing, ${wrong} of the wrong size, ${refused.length} refused${more}`,
    {
      tables,
      sets: sets.length,
      files,
      bytes,
      present,
      missing: missing.length - wrong,
      wrongSize: wrong,
      refused: refused.length,
    },
  )
}

/** Keys that are refused, those together that one cause in the target keeps away. */
function byCause(refused: readonly Refusal[]): { keys: string[]; reason: string }[] {
  const causes: { keys: string[]; reason: string }[] = []
  const shared = new Map<string, string[]>()
  for (const { key, reason, shared: isShared } of refused) {
    const known = isShared === true ? shared.get(reason) : undefined
    if (known !== undefined) {
      known.push(key)
      continue
    }
    const keys = [key]
    causes.push({ keys, reason })
    if (isShared === true) shared.set(reason, keys)
  }
  return causes
}

/** Tables of which SSTables come. */
function tablesOf({ sets }: RestorePlan): number {
  const tables = sets.filter(({ name }) => parseComponent(`${name}-Data.db`) !== undefined)
  return new Set(tables.map(({ origin }) => unitOf(origin))).size
}

/** Tells what a restore came to. */
export function reportSummary(
  summary: RestoreSummary,
  { name, target }: RestorePlan,
  log: Logger,
  dryRun: boolean,
): void {
  const { exitCode, sets, files, bytes, seconds, missing, unverified, skipped, failed, aborted } = summary
  const rate = bytes > 0 && seconds > 0 && !dryRun ? ` (${(bytes / seconds / 1e6).toFixed(1)} MB/s)` : ''
  log.info(
    `${dryRun ? 'Would restore' : aborted ? 'Stopped; restored' : 'Restored'} ${sets} sets, ${files} files, ${bytes} bytes ` +
      `in ${seconds.toFixed(1)} s${rate}; ${skipped} files were there already, ${missing} missing, ${failed} failed, ${unverified} unverified`,
    {
      name,
      target,
      dryRun,
      sets,
      files,
      bytes,
      seconds,
      missing,
      unverified,
      skipped,
      failed,
      aborted,
      exitCode,
    },
  )
}
