import { parseComponent } from '../../cassandra/names.js'
import { unitOf } from '../../cassandra/unit.js'
import type { Config } from '../../config/config.js'
import type { Refusal } from '../../manifest/key-path.js'
import { counted, formatBytes } from '../../report/format.js'
import type { Logger } from '../../report/logger.js'
import { limited } from '../lines.js'
import type { RestorePlan } from '../plan/restore-plan.js'
import type { RestoreSummary } from '../summary.js'

import { reportMoments } from './report-moments.js'

/** How many keys a line names that are refused for the same reason. */
const KEYS = 3

/** How many commit log segments a line names. */
const SEGMENTS = 10

/** Logs what a restore is going to do, and what prevents parts of it. */
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
  for (const set of limited(broken, log, 'SSTables are incomplete')) {
    log.warn(`${set} is not restored: the bucket lacks files that Cassandra needs to read it`)
  }
  for (const set of limited(partial ? corrupt : [], log, 'SSTables were corrupt on the node')) {
    log.warn(
      `${set} is not restored: it was already corrupt on the node (Digest.crc32 does not match); --force restores it`,
    )
  }
  for (const path of limited(unlisted, log, 'directories have no upstream listing')) {
    log.warn(
      `${path} is not restored: it has SSTables and no upstream listing; tablesnap -D restores every object of it`,
    )
  }
  reportMoments(plan, config, log)
  if (dryRun) {
    for (const { origin, name: set, directory, files: own } of limited(
      sets,
      log,
      'SSTables would be restored',
    )) {
      const size = own.reduce((sum, file) => sum + file.size, 0)
      log.info(
        `Would restore ${origin}/${set} to ${directory.path}: ${counted(own.length, 'file')}, ${formatBytes(size)}`,
      )
    }
  }
  for (const { base, needed, staged, free } of shares) {
    const there = staged === 0 ? '' : `; ${formatBytes(staged)} are already there from an interrupted run`
    log.info(`needs ${formatBytes(needed)} in ${base}; ${formatBytes(free)} free${there}`, {
      base,
      needed,
      staged,
      free,
    })
  }
  if (segments.length > 0) {
    const shown = `${segments.slice(0, SEGMENTS).join(', ')}${segments.length > SEGMENTS ? ', …' : ''}`
    log[at === undefined ? 'info' : 'warn'](
      `Cassandra replays ${counted(segments.length, 'commit log segment')} at its next start (${shown}): they bring back writes that are later than ` +
        'the restore point; move them away if you do not want that',
    )
  }
  const aside = directories.reduce((sum, directory) => sum + directory.aside.length, 0)
  const tables = tablesOf(plan)
  const wrong = missing.filter(({ size }) => size !== undefined).length
  const more = aside === 0 ? '' : `, ${aside} to be moved aside`
  log.info(
    `Restoring ${name} to ${target}: ${counted(tables, 'table')}, ${counted(sets.length, 'SSTable')}, ${counted(files, 'file')}, ${formatBytes(bytes)} in ` +
      `${counted(directories.length, 'directory', 'directories')}; ${counted(present, 'file')} already in place, ${missing.length - wrong} missing, ` +
      `${wrong} of the wrong size, ${refused.length} refused${more}`,
    {
      event: 'plan',
      name,
      target,
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

/** Groups refused keys by their reason, if the reason lies in the target. */
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

/** The number of tables that get SSTables. */
function tablesOf({ sets }: RestorePlan): number {
  const tables = sets.filter(({ name }) => parseComponent(`${name}-Data.db`) !== undefined)
  return new Set(tables.map(({ origin }) => unitOf(origin))).size
}

/** Logs the result of a restore. */
export function reportSummary(
  summary: RestoreSummary,
  plan: RestorePlan,
  log: Logger,
  dryRun: boolean,
): void {
  const { name, target } = plan
  const { exitCode, sets, files, bytes, seconds, missing, unverified, skipped, failed, aborted } = summary
  log.info(summaryLine(summary, plan, dryRun), {
    event: 'summary',
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
  })
}

function summaryLine(summary: RestoreSummary, { problems }: RestorePlan, dryRun: boolean): string {
  const { exitCode, sets, files, bytes, seconds, missing, unverified, skipped, failed, aborted } = summary
  if (dryRun && problems.length > 0)
    return `Would restore nothing: ${counted(problems.length, 'error is', 'errors are')} above`
  if (exitCode === 0 && files === 0 && skipped > 0 && missing === 0)
    return `Nothing to do: ${skipped === 1 ? 'the file is' : `all ${counted(skipped, 'file')} are`} already in place`
  const rate = bytes > 0 && seconds > 0 && !dryRun ? ` (${formatBytes(Math.round(bytes / seconds))}/s)` : ''
  const verb = dryRun ? 'Would restore' : aborted ? 'Stopped; restored' : 'Restored'
  return (
    `${verb} ${counted(sets, 'SSTable')}, ${counted(files, 'file')}, ${formatBytes(bytes)} in ${seconds.toFixed(1)} s${rate}; ` +
    `${counted(skipped, 'file')} already in place, ${missing} missing, ${failed} failed, ${unverified} unverified`
  )
}
