/** The fields of a log line besides its text; only `--log-format json` shows them. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** The log of the middle layers; only `cli/` decides where its lines go. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}
