import { LISTING_SUFFIX } from '../bucket-names.js'
import { counted } from '../report/format.js'

import type { Finding } from './finding.js'
import type { Mends } from './mends.js'
import type { Moments } from './moments.js'
import type { PlainSurvey } from './plain-directory.js'
import { iso } from './unit-findings.js'

/** To which moments a directory can be restored, by the Python program's listings; undefined: it has none. */
export function momentsOfListings({ listings }: PlainSurvey): Moments | undefined {
  if (listings.length === 0) return undefined
  const times = listings.filter(({ isWhole }) => isWhole).map(({ time }) => time)
  let longestGap: Moments['longestGap']
  for (let index = 1; index < times.length; index++) {
    const [to = 0, from = 0] = [times[index - 1], times[index]]
    if (longestGap === undefined || to - from > longestGap.ms) longestGap = { ms: to - from, from, to }
  }
  return {
    points: listings.length,
    restorable: times.length,
    newest: listings[0]?.time,
    newestRestorable: times[0],
    oldestRestorable: times.at(-1),
    longestGap,
  }
}

/** The findings of a directory without restore points of ours. */
export function findingsOfPlain(survey: PlainSurvey, mends: Mends): Finding[] {
  const { directory: unit, listings, lacking, orphans, archived, archive, sstables } = survey
  const findings: Finding[] = []
  const whole = listings.find(({ isWhole }) => isWhole)
  const newest = listings[0]
  const restorable =
    whole === undefined
      ? 'no listing of it can be restored whole'
      : `the newest one that is whole is of ${iso(whole.time)}`
  if (lacking.count > 0)
    findings.push({
      kind: 'listing-lacks',
      severity: whole === undefined ? 'broken' : 'danger',
      unit,
      message: `${unit}: the newest listing names ${counted(lacking.count, 'file')} that the bucket lacks; ${restorable} (${lacking.text})`,
      mend: mends.backUp([`${unit}/x`]),
      examples: lacking.examples,
      count: lacking.count,
    })
  if (newest !== undefined && newest.isWhole === undefined)
    findings.push({
      kind: 'listing-unreadable',
      severity: whole === undefined ? 'broken' : 'danger',
      unit,
      message: `${unit}: the newest listing cannot be read (${newest.key}); ${restorable}`,
      mend: mends.remove(newest.key),
      examples: [newest.key],
    })
  if (newest === undefined && sstables > 0)
    findings.push({
      kind: 'no-restore-point',
      severity: 'danger',
      unit,
      message: `${unit}: ${counted(sstables, 'SSTable')}, and neither a restore point nor a listing (*${LISTING_SUFFIX}): -D restores every object of it, deleted rows may come back`,
      mend: mends.backUp([`${unit}/x`]),
      count: sstables,
    })
  if (archived.count > 0)
    findings.push({
      kind: 'object-archived',
      severity: 'broken',
      unit,
      message: `${unit}: ${counted(archived.count, 'object')} that S3 has archived: a restore has to wait until somebody thaws them (${archived.text})`,
      mend: mends.thaw(archive ?? 'GLACIER', archived.examples[0] ?? ''),
      examples: archived.examples,
      count: archived.count,
      bytes: archived.bytes,
    })
  if (orphans.count > 0)
    findings.push({
      kind: 'orphans',
      severity: 'note',
      unit,
      message: `${unit}: ${counted(orphans.count, 'object')} that no listing names (${orphans.text})`,
      mend: mends.chop(),
      examples: orphans.examples,
      count: orphans.count,
      bytes: orphans.bytes,
    })
  return findings
}
