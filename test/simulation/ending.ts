import { isRestorable, type State } from '../../src/manifest/state.js'

import type { Bucket, Manifest } from './bucket.js'
import { EPOCH, names, type Checks } from './checks.js'
import type { Daemon } from './daemon.js'
import type { Node } from './node.js'
import type { Truth } from './truth.js'

/** How close to each other the halves of a flush are, and for how long nothing else happens before and after, ms. */
const TOGETHER = 500
const ALONE = 6000

/** How long after a manifest is in the bucket another run may not know of it when it writes, ms. */
const HEARD = 5000

/** How long a truncate may take until it has committed, ms. */
const END_LASTS = 10_000

/**
 * Judges the end: after a quiet time the newest restore point is complete and is what the disk is, or what it lacks is told.
 * Returns what is wrong.
 */
export function judgeEnd(
  node: Node,
  checks: Checks,
  bucket: Bucket,
  daemon: Daemon | undefined,
  alive: readonly Daemon[],
): string | undefined {
  for (const unit of node.truths.keys()) {
    const problems = lastOf(unit, bucket, checks, daemon).map(newest =>
      judgeNewest(unit, newest, node, checks, bucket, daemon),
    )
    const [problem] = problems
    if (problem !== undefined && problems.every(one => one !== undefined)) return problem
  }
  for (const one of alive) {
    for (const path of one.outcomes.summary.failed.keys())
      if (!isThere(node, path)) return `${path} is gone, and the summary says that its upload failed`
    const { uploadQueue, uploads, logs } = one
    if (uploadQueue.size > 0) return `${uploadQueue.size} SSTables wait for their upload for ever`
    if (uploads.descriptors > 0) return `${uploads.descriptors} descriptors are held for ever`
    if (logs.size > logsThere(node)) return `${logs.size} transaction logs are held that are gone`
    // One that has lost the name only waits for its end.
    if (one.isFenced) continue
    for (const table of one.tables.values()) {
      for (const { path } of table.files()) {
        if (isThere(node, path)) continue
        return `${path} is gone and is remembered for ever`
      }
    }
  }
  return undefined
}

/**
 * The manifest that is the newest; and where nobody can order two writers' manifests, as they wrote at once while the clock
 * jumped, the last one of the daemon that goes on, if it wrote one. Only one of both has to be as it must.
 */
function lastOf(
  unit: string,
  bucket: Bucket,
  { settings }: Checks,
  daemon: Daemon | undefined,
): (Manifest | undefined)[] {
  const newest = bucket.newest(unit)
  if (!settings.hasWildClock || newest === undefined || !isBesides(newest, daemon)) return [newest]
  const own = lastBy(daemon, unit, bucket)
  return own === undefined ? [] : [newest, own]
}

/** The manifest that a daemon wrote last. @param until virtual time, ms */
function lastBy(
  daemon: Daemon | undefined,
  unit: string,
  bucket: Bucket,
  until = Infinity,
): Manifest | undefined {
  const all = bucket.manifests.get(unit)
  const process = daemon?.process
  return all?.findLast(
    ({ writer, alsoBy, writtenAt }) =>
      writtenAt <= until && (writer === process || (process !== undefined && alsoBy.has(process))),
  )
}

/** Whether a manifest is of another process that wrote it beside a daemon. */
function isBesides(newest: Manifest, daemon: Daemon | undefined): boolean {
  if (daemon === undefined) return false
  return newest.writerStartedAt !== daemon.startedAt && newest.writtenAt > daemon.startedAt
}

/**
 * Whether a complete restore point brings all that the table has now. A run beside the daemon may say it last with what a
 * rewrite has made others of: the daemon said so before, or at an earlier time, and the table's next change comes after both.
 */
function isLastCut({ state }: Manifest, truth: Truth, { complete }: Checks): boolean {
  const one = complete.find(one => one.state === state)
  return one !== undefined && truth.extents(one.named).some(({ n }) => n === truth.commits.length)
}

/** Judges the newest manifest of a table. Returns what is wrong. */
function judgeNewest(
  unit: string,
  newest: Manifest | undefined,
  node: Node,
  checks: Checks,
  bucket: Bucket,
  daemon: Daemon | undefined,
): string | undefined {
  const truth = node.truths.get(unit)
  if (truth === undefined) return undefined
  const table = daemon?.tables.get(unit)
  const lacking = new Set([...(table?.missing() ?? [])].map(({ path }) => path))
  const live = [...truth.live]
  const named = new Set(newest?.state.sets.keys())
  const unprotected = new Set(newest?.state.unprotected)
  const forgotten = (path: string) =>
    newest?.state.unexplained.includes(`${path.slice(0, path.lastIndexOf('/'))}/*`) === true
  const isWhole = newest !== undefined && isBesides(newest, daemon) && isLastCut(newest, truth, checks)
  for (const { path } of live) {
    // It was deleted from the disk, and the manifest that named it cannot be read.
    if (forgotten(path)) continue
    if (named.has(path) || unprotected.has(path) || lacking.has(path) || isWhole) continue
    return `${path} is on the disk, and neither a restore point nor the summary names it`
  }
  if (checks.settings.isForgetful) return undefined
  // A daemon that started after a table's directory had gone never hears of the table.
  if (table === undefined && live.length === 0) return undefined
  if (newest === undefined) return live.length > 0 ? `${unit} has SSTables, and no restore point` : undefined
  const half = halfFlush(unit, truth, checks)
  if (half !== undefined) return half
  const { state } = newest
  if (newest.unreadableSince !== undefined && newest.unreadableSince < (daemon?.startedAt ?? 0))
    return `the newest manifest of ${unit} cannot be read, and none follows it`
  const isOurs = newest.writerStartedAt === daemon?.startedAt
  const known = isOurs ? uploadedByOthers(node, bucket, newest) : undefined
  if (known !== undefined) return known
  // A run that ends beside the daemon need not have seen the truncate, unless the daemon had told of it before.
  const heard = lastBy(daemon, unit, bucket, newest.writtenAt - HEARD)
  const isUnheard = isBesides(newest, daemon) && heard?.state.unexplained.length !== 0
  const said = isUnheard ? lastBy(daemon, unit, bucket)?.state : state
  const unended = said && unendedLoss(said, truth, checks, daemon)
  if (unended !== undefined) return unended
  if (lacking.size > 0 || state.unprotected.length > 0 || state.unexplained.length > 0) return undefined
  if (!isRestorable(state)) return undefined
  // A daemon to which nothing happens does not look for what a run that began before it may still write of a time before it.
  const startedAt = daemon?.startedAt ?? -Infinity
  const isFromBefore = state.time - EPOCH < startedAt && truth.timeOf(truth.commits.length) < startedAt
  if (isBesides(newest, daemon) && isFromBefore) return undefined
  const dead = [...named].filter(path => !live.some(sstable => sstable.path === path))
  if (dead.length > 0 && !isWhole)
    return `the newest restore point names ${dead.join(', ')}, which the table does not have`
  const choice = checks.complete.find(one => one.state === state)
  if (choice === undefined || (newest === bucket.newest(unit) && checks.choices.get(unit)?.state !== state))
    return `-D does not bring the newest restore point of ${unit}`
  if (!truth.extents(choice.named).some(({ n }) => n === truth.commits.length))
    return `the newest restore point of ${unit} is not what is on the disk`
  // Another writer's manifest may be the newest by its time, although it was drafted before the last change.
  const stale = checks.settings.hasOtherWriter ? undefined : staleComponent(node, bucket, state)
  return stale === undefined ? undefined : `the newest restore point is not what is on the disk: ${stale}`
}

/** A loss that was unexplained before a truncate or drop that the daemon has seen, and still is. */
function unendedLoss(
  { unit, unexplained }: State,
  truth: Truth,
  { ends }: Checks,
  daemon: Daemon | undefined,
): string | undefined {
  for (const end of ends) {
    if (end.unit !== unit || end.daemon !== daemon || daemon.queue.overflows > end.overflows) continue
    const hasHappened = truth.commits.some(
      ({ kind, time }) => kind === 'end' && time >= end.time && time < end.time + END_LASTS,
    )
    const path = unexplained.find(
      path =>
        !path.includes('/.idx/') &&
        end.unexplained.includes(path) &&
        (truth.deleted.get(path) ?? Infinity) < end.time,
    )
    if (hasHappened && path !== undefined)
      return `${path} is marked as unexplained, and the table was truncated or dropped since`
  }
  return undefined
}

/** A restore point that has one half of a flush: what it brought to the table, or to its index, without the other. */
function halfFlush(unit: string, truth: Truth, { complete, settings }: Checks): string | undefined {
  if (settings.isOldCassandra) return undefined
  for (const { first, second, from, to } of truth.pairs) {
    // Where one change follows the other, there is no end to the waiting for the next half.
    const isAlone = truth.commits.every(
      ({ time, adds }) =>
        time < from - ALONE || time > to + ALONE || adds.some(one => [...first, ...second].includes(one)),
    )
    if (to - from > TOGETHER || !isAlone) continue
    for (const { state, named, at } of complete) {
      if (state.unit !== unit || state.gap || at < from || at > to + ALONE) continue
      const [one, other] = [first, second].map(half => half.filter(sstable => named.includes(sstable)).length)
      if (one !== other && (one === 0 || other === 0))
        return `a complete restore point has one half of a flush: ${names(named)}`
    }
  }
  return undefined
}

/**
 * Whether a daemon must have found another run's manifest before it wrote its last one: it looks at the two newest right
 * before it writes.
 * @param own its manifests @param all those of the table
 */
function wasFound(
  { state: { time }, writtenAt, unreadableSince }: Manifest,
  own: readonly Manifest[],
  all: readonly Manifest[],
): boolean {
  const later = own.filter(one => one.writtenAt > writtenAt)
  return later.some((one, index) => {
    // It may have looked for its first one before, unless that tells of a later time.
    if (index === 0 && one.state.time - EPOCH <= writtenAt) return false
    // Whatever cannot be read when it looks is as good as not there.
    if (unreadableSince !== undefined && unreadableSince < one.writtenAt) return false
    const ahead = all.filter(two => two.writtenAt < one.writtenAt && two.state.time > time)
    return ahead.length === 0 || (index > 0 && ahead.length === 1 && own.includes(ahead[0]!))
  })
}

/** An SSTable that is called not backed up although another run has uploaded it as it is. */
function uploadedByOthers(
  node: Node,
  bucket: Bucket,
  { state, writtenAt, writerStartedAt }: Manifest,
): string | undefined {
  const all = bucket.manifests.get(state.unit) ?? []
  const own = all.filter(one => one.writerStartedAt === writerStartedAt)
  for (const path of state.unprotected) {
    for (const manifest of all) {
      if (!wasFound(manifest, own, all)) continue
      const { state: other } = manifest
      const components = other.sets.get(path)?.components
      if (other.epoch !== state.epoch || components === undefined || other.unprotected.includes(path))
        continue
      const directory = node.fs.directory(path.slice(0, path.lastIndexOf('/')))
      const name = path.slice(path.lastIndexOf('/') + 1)
      const isSame = [...components].every(([component, { key }]) => {
        const there = directory?.files.get(`${name}-${component}`)
        // One that changes all the time is what another manifest says for a moment only.
        const isAtRest = there !== undefined && there.mtime < writtenAt - ALONE
        return isAtRest && there.content === bucket.content(`${path}-${component}`, key)
      })
      if (isSame) return `${path} is called not backed up, and another manifest has it as it is`
    }
  }
  return undefined
}

/** A component whose content on the disk is not what a restore point names. */
function staleComponent(node: Node, bucket: Bucket, { sets }: State): string | undefined {
  for (const [path, { components, kept }] of sets) {
    if (kept) continue
    const directory = node.fs.directory(path.slice(0, path.lastIndexOf('/')))
    const prefix = `${path.slice(path.lastIndexOf('/') + 1)}-`
    const there = [...(directory?.files ?? [])].filter(
      ([name]) => name.startsWith(prefix) && !name.endsWith('.tmp'),
    )
    for (const [name, { content }] of there) {
      const component = name.slice(prefix.length)
      const entry = components.get(component)
      if (entry === undefined) return `it lacks ${name}`
      if (bucket.content(`${path}-${component}`, entry.key) !== content) return `it has an older ${name}`
    }
    if (there.length < components.size) return `it names components of ${path} that are gone`
  }
  return undefined
}

function isThere(node: Node, path: string): boolean {
  const directory = node.fs.directory(path.slice(0, path.lastIndexOf('/')))
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (directory === undefined) return false
  if (directory.files.has(name)) return true
  for (const file of directory.files.keys()) if (file.startsWith(`${name}-`)) return true
  return false
}

/** Transaction logs that a crash left in a dropped table's directory stay there for ever. */
function logsThere(node: Node): number {
  let count = 0
  for (const directory of node.fs.all())
    for (const name of directory.files.keys()) if (name.endsWith('.log')) count++
  return count
}
