/** The result of a backup. */
export interface BackupSummary {
  /** Files sent, other versions included. */
  uploaded: number
  /** Bytes of those. */
  bytes: number
  /** Files that were in the bucket already. */
  present: number
  /** Files of sets that Cassandra removed before they could be read. */
  superseded: number
  /** Paths that are not in the bucket, and why. */
  readonly failed: Map<string, string>
  /** How many of `uploaded` replaced objects that the bucket had lost although restore points name them. */
  restored: number
  /** Objects that restore points name, and neither the bucket nor the disk has any more: paths by key. */
  readonly lost: Map<string, string>
  /** Sets whose Data.db is not what their Digest.crc32 says. */
  readonly corrupt: Set<string>
  /** Sets that were not complete at the end of a one-shot backup. */
  readonly unfinished: string[]
  /** Sets that Cassandra was still writing then: they are not part of the table yet. */
  readonly written: string[]
}

export function emptySummary(): BackupSummary {
  return {
    uploaded: 0,
    bytes: 0,
    present: 0,
    superseded: 0,
    restored: 0,
    lost: new Map(),
    failed: new Map(),
    corrupt: new Set(),
    unfinished: [],
    written: [],
  }
}
