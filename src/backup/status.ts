/** How a backup stands, for an operator who asks. */
export interface BackupStatus {
  /** SSTables and files that wait for their upload, or are being uploaded. */
  readonly uploading: number
  /** SSTables and files that are not in the bucket yet, those of `uploading` included. */
  readonly missing: number
  /** Time of the newest restore point of any table, ms since 1970; undefined before the first. */
  readonly newest: number | undefined
}
