/** The paths to watch, and how. */
export interface WatchOptions {
  /** Absolute. */
  readonly paths: readonly string[]
  /** Watch the directories below, too. */
  readonly recursive: boolean
  /** Watch directories that appear later. */
  readonly autoAdd: boolean
  /** Whether it goes on for long: a path that went is waited for, and mounts are looked at; default: no. */
  readonly patient?: boolean
  /** Whether paths that are not there at the start are waited for; default: no. */
  readonly waitsForPaths?: boolean
  /** Directories that are left out, by their path. */
  readonly skip: (path: string) => boolean
}
