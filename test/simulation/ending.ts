import { isRestorable } from '../../src/state/state.js'

import type { Bucket } from './bucket.js'
import type { Checks } from './checks.js'
import type { Daemon } from './daemon.js'
import type { Node } from './node.js'

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
  for (const [unit, truth] of node.truths) {
    if (checks.settings.isForgetful) continue
    const table = daemon?.tables.get(unit)
    const lacking = new Set([...(table?.missing() ?? [])].map(({ path }) => path))
    const newest = bucket.newest(unit)
    const choice = checks.choices.get(unit)
    const live = [...truth.live]
    const named = new Set(newest?.state.sets.keys())
    const unprotected = new Set(newest?.state.unprotected)
    for (const { path } of live) {
      if (named.has(path) || unprotected.has(path) || lacking.has(path)) continue
      return `${path} is on the disk, and neither a restore point nor the summary names it`
    }
    // A daemon that started after a table's directory had gone never hears of the table.
    if (table === undefined && live.length === 0) continue
    if (newest === undefined) {
      if (live.length > 0) return `${unit} has SSTables, and no restore point`
      continue
    }
    const { state } = newest
    if (lacking.size > 0 || state.unprotected.length > 0 || state.unexplained.length > 0) continue
    if (!isRestorable(state)) continue
    const dead = [...named].filter(path => !live.some(sstable => sstable.path === path))
    if (dead.length > 0)
      return `the newest restore point names ${dead.join(', ')}, which the table does not have`
    if (choice?.state !== state) return `-D does not bring the newest restore point of ${unit}`
    if (!truth.extents(choice.named).some(({ n }) => n === truth.commits.length))
      return `the newest restore point of ${unit} is not what is on the disk`
  }
  for (const one of alive) {
    const { uploadQueue, uploads, logs } = one
    if (uploadQueue.size > 0) return `${uploadQueue.size} SSTables wait for their upload for ever`
    if (uploads.descriptors > 0) return `${uploads.descriptors} descriptors are held for ever`
    if (logs.size > logsThere(node)) return `${logs.size} transaction logs are held that are gone`
    for (const table of one.tables.values()) {
      for (const { path } of table.files()) {
        if (isThere(node, path)) continue
        return `${path} is gone and is remembered for ever`
      }
    }
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
