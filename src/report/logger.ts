/** What a log line carries beside its text; only `--log-format json` shows it. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** Where the middle layers report to; only `cli/` decides what becomes of it. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}
