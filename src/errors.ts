/** The step that failed, and what it was taken on. */
export interface Step {
  /** The operation, e.g. `PUT`, `open`, `addWatch`. */
  readonly operation?: string | undefined
  /** The local path concerned. */
  readonly path?: string | undefined
  /** The object key concerned. */
  readonly key?: string | undefined
}

/** The details of a {@link TablesnapError}; everything except `code` and `message` is optional. */
export interface ErrorDetails {
  /** Stable, upper-case identifier, e.g. `CONF_KEY_UNKNOWN`; never translated, never reused. */
  readonly code: string
  /** One sentence: what happened, where, and how to mend it. Never contains a secret. */
  readonly message: string
  readonly step?: Step
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retry?: boolean
  /** The process exit code this error asks for: 1 something failed, 2 bad usage, 255 missing positionals. */
  readonly exitCode?: 1 | 2 | 255
  readonly cause?: unknown
}

/** Base of every error the engine throws on purpose. */
export class TablesnapError extends Error {
  override readonly name: string = 'TablesnapError'
  readonly code: string
  readonly operation: string | undefined
  readonly path: string | undefined
  readonly key: string | undefined
  readonly retry: boolean
  readonly exitCode: 1 | 2 | 255

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code
    this.operation = details.step?.operation
    this.path = details.step?.path
    this.key = details.step?.key
    this.retry = details.retry ?? false
    this.exitCode = details.exitCode ?? 1
  }
}

/** Bad usage: a flag, a configuration key or a combination of them; exit code 2. */
export class UsageError extends TablesnapError {
  override readonly name: string = 'UsageError'

  constructor(code: string, message: string, cause?: unknown) {
    super({ code, message, exitCode: 2, cause })
  }
}

/** The `code` of any thrown value (`ENOENT`, `UND_ERR_SOCKET`, …), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The message of any thrown value, with the messages of its causes appended. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause === undefined || error instanceof TablesnapError) return error.message
  return `${error.message}: ${errorMessage(error.cause)}`
}

/** Whether an error says that there is nothing at a path. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')
}
