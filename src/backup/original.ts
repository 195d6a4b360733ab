import type { Entry } from '../state/state.js'

import { sameIdentity, type Found, type Identity } from './found.js'
import type { Tracker } from './tracker.js'

/** Where Cassandra puts hardlinks of a table's SSTables, those of a secondary index in a directory of the same name. */
const COPIES = /^(.+)\/(?:snapshots\/[^/]+|backups)(\/\.[^/]+)?$/

/** Whether the set that a snapshot's or backup's files are links of is on its way into the bucket. */
export function isOriginalBusy(tracker: Tracker, { directory, group }: Found): boolean {
  const state = originalGroup(tracker, directory, group.name)?.state
  return state === 'busy' || state === 'dirty' || state === 'settling'
}

/**
 * What is in the bucket of the file that another one is a link of: the same inode, under the same name in the table.
 * @param device of the file, as the two must be on one file system
 */
export function originalOf(
  tracker: Tracker,
  { directory, group }: Found,
  file: { readonly name: string; readonly identity: Identity; readonly device: bigint },
): { readonly path: string; readonly entry: Entry } | undefined {
  const original = originalGroup(tracker, directory, group.name)
  const entry = original?.durable.get(file.name)
  if (original === undefined || entry === undefined || !sameIdentity(entry, file.identity)) return undefined
  if (original.directory.identity?.device !== file.device) return undefined
  return { path: `${original.directory.path}/${file.name}`, entry }
}

function originalGroup(tracker: Tracker, directory: string, name: string) {
  const [, table, index = ''] = COPIES.exec(directory) ?? []
  return table === undefined ? undefined : tracker.directories.get(`${table}${index}`)?.groups.get(name)
}
