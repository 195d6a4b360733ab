/** The result of a restore. */
export interface RestoreSummary {
  /** Sets brought; with --dry-run, that would be. A file that is no SSTable's counts as a set of its own. */
  sets: number
  files: number
  bytes: number
  /** Wall time. */
  seconds: number
  /** Files that the moment names and the bucket lacks, and sets that it says were not there. */
  missing: number
  /** Files brought whose object has nothing that proves its content. */
  unverified: number
  /** Files that were there already with the same content. */
  skipped: number
  /** Files that were to be brought and were not, keys refused among them. */
  failed: number
  /** Whether a signal cut it short. */
  aborted: boolean
  /** 1 when anything failed, was cut short, or is missing without --partial (a directory's listing as well). */
  exitCode: 0 | 1
}
