/** The version of {@link Status}. A field may be added within a version; one that goes, or changes its meaning, makes a new version. */
export const STATUS_VERSION = 1

/** SSTables, or files that belong to none, and their bytes. */
export interface Amount {
  readonly sstables: number
  readonly bytes: number
}

/** How a restore point describes its table, as `--list` says it. */
export type PointKind = 'complete' | 'partial' | 'unexplained'

/**
 * How a table stands. `protected`: its newest restore point is complete and names all that is on the disk, or the table is empty;
 * `behind`: something is not in the bucket yet, or no restore point names it yet; `damaged`: its newest restore point is partial
 * or unexplained although nothing waits.
 */
export type Level = 'protected' | 'behind' | 'damaged'

/** How one table, or one watched directory that is no table, stands. */
export interface TableStatus {
  /** `ks.table`, or the absolute path of a directory that is no table. */
  readonly name: string
  /** The name by which its keys know it: `ks/table-<id>`. */
  readonly unit: string
  readonly isTable: boolean
  readonly level: Level
  /** What the newest restore point names. */
  readonly protected: Amount
  readonly waiting: Amount
  /** ISO 8601. */
  readonly waitingSince: string | null
  /** The newest restore point; null: there is none. */
  readonly newest: { readonly time: string; readonly kind: PointKind } | null
  /**
   * The last 24 hours, one letter an hour, the oldest first: `p` protected, `w` something waited for more than five minutes, `d` damaged, `.` not
   * known. The worst that was seen within the hour counts.
   */
  readonly day: string
}

/** An error of the log, or a file that cannot be uploaded. */
export interface Problem {
  readonly time: string
  readonly message: string
}

/** What does not change while a program runs. */
export interface ProgramFacts {
  readonly version: string
  /** That it was built from; null: it is not known. */
  readonly commit: string | null
  readonly pid: number
  readonly started: string
  /** `watch`, `backup` or `backup-watch`. */
  readonly mode: string
  /** The node's name in the bucket. */
  readonly node: string
  readonly bucket: string
  readonly paths: readonly string[]
}

/**
 * How a running backup stands, as `--status --json` and `/status.json` give it. It is made from counters and tables; no file is
 * looked at for it. Times are ISO 8601 with milliseconds and zone, amounts of time ms, sizes bytes. Example:
 * `{"version":1,"time":"2026-11-23T04:12:33.123Z","isProtected":true,"reasons":[],…}`.
 */
export interface Status {
  readonly version: typeof STATUS_VERSION
  readonly time: string
  /** With its resident memory, bytes, and the CPU time of all its threads, ms. */
  readonly program: ProgramFacts & { readonly memory: number; readonly cpu: number }
  /** Whether everything below the paths is in the bucket and named by complete restore points. */
  readonly isProtected: boolean
  /** Why not, one sentence each, the worst first. */
  readonly reasons: readonly string[]
  /** Since when not everything has been protected; null: everything is. */
  readonly unprotectedSince: string | null
  /** What complete restore points name. */
  readonly protected: Amount & { readonly tables: number }
  readonly tableCount: number
  /** What is complete on the disk, and not in the bucket. */
  readonly waiting: Amount & {
    readonly since: string | null
    /** Age of the oldest, ms. */
    readonly age: number
    /** Bytes a second that were uploaded in the last minute. */
    readonly rate: number
    /** ms until all is uploaded at that rate; null: not known. */
    readonly left: number | null
    /** SSTables that are being uploaded. */
    readonly uploading: number
  }
  /** The newest restore point of any table. */
  readonly newest: string | null
  readonly s3: {
    readonly isReachable: boolean
    /** Since when it has been reachable, or not; null: nothing was asked yet. */
    readonly since: string | null
    /** Why it cannot be reached. */
    readonly error: string | null
    readonly retries: number
    readonly nextTry: string | null
  }
  /** Since the start of the program. */
  readonly totals: {
    readonly files: number
    readonly bytes: number
    readonly present: number
    readonly superseded: number
    readonly restorePoints: Readonly<Record<PointKind, number>>
    readonly overflows: number
    readonly gaps: number
  }
  /** Directories that are watched, and those that have no inotify watch. */
  readonly directories: { readonly watched: number; readonly unwatched: number }
  /** What cannot be backed up now: files, tables, lost objects. */
  readonly failed: number
  readonly failures: readonly string[]
  /** The last errors of the log, the newest first. */
  readonly errors: readonly Problem[]
  readonly tables: readonly TableStatus[]
}
