import { TablesnapError, errorCode, errorMessage } from '../../errors.js'
import { S3Error } from '../../s3/errors.js'
import type { RetryPolicy } from '../../s3/retry.js'
import type { ChecksumKind, Credentials, S3Settings } from '../../s3/settings.js'
import type { DownloadTask } from '../download/download-task.js'
import type { DigestTask, FilesTask, PartTask } from '../upload/upload-task.js'
import type { RequestCount } from '../../s3/request-counts.js'

/** The settings that every worker starts with. */
export interface WorkerSettings {
  readonly settings: S3Settings
  readonly checksum: ChecksumKind
  readonly retry: RetryPolicy | undefined
  /** Tasks at once in one worker, each with a buffer and a connection of its own. */
  readonly tasks: number
  /** Bytes of each buffer, unless a task needs more … */
  readonly usual: number
  /** … up to this. */
  readonly buffer: number
  /** Tasks in flight over all workers while the server does not complain. */
  readonly most: number
  /** See `Pacing`. */
  readonly pacing: SharedArrayBuffer
  /** See `SharedRate`; undefined: no limit. */
  readonly rate: { readonly bytesPerSecond: number; readonly shared: SharedArrayBuffer } | undefined
  /** See `Heartbeats`. */
  readonly heartbeats: SharedArrayBuffer
  /** See `SharedOverwriting`. */
  readonly overwriting: SharedArrayBuffer
}

/** Work for a worker thread. */
export type Task = FilesTask | (PartTask & { readonly checksum: ChecksumKind }) | DigestTask | DownloadTask

/** The message to a worker. */
export interface Request {
  readonly task: Task
  readonly credentials: Credentials
}

/** An error as it crosses between threads: structured clone keeps neither classes nor own properties. */
export interface ErrorMessage {
  readonly s3: boolean
  readonly code: string
  readonly message: string
  readonly operation: string | undefined
  readonly path: string | undefined
  readonly key: string | undefined
  readonly retry: boolean
  readonly exitCode: TablesnapError['exitCode']
  readonly status: number
  readonly s3Code: string
  readonly slowDown: boolean
  readonly absent: boolean
  readonly region: string | undefined
  readonly requestId: string | undefined
  readonly stack: string | undefined
}

/** A result or an error. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorMessage }

/** The answer of a worker. */
export interface Response {
  readonly outcome: Outcome<unknown>
  /** Notes about the server for the operator; the main thread logs each of them once. */
  readonly notes: readonly string[]
  /** The server's clock minus ours, ms. */
  readonly serverOffset: number | undefined
  /** Requests since the last answer of this thread. */
  readonly requests: readonly RequestCount[]
}

/**
 * A worker's message between two tasks: the server has not answered for so many ms; it answers again after so many ms; a request will be
 * repeated after a pause of so many ms. Each brings the requests since the last one.
 */
export type ServerNews = (
  | { readonly silence: string; readonly length: number }
  | { readonly returned: number }
  | { readonly pause: number }
) & { readonly requests: readonly RequestCount[] }

/** Flattens an error for the way between threads. */
export function encodeError(error: unknown): ErrorMessage {
  const own = error instanceof TablesnapError ? error : undefined
  const s3 = error instanceof S3Error ? error : undefined
  return {
    s3: s3 !== undefined,
    code: own?.code ?? errorCode(error) ?? 'INTERNAL',
    message: errorMessage(error),
    operation: own?.operation,
    path: own?.path,
    key: own?.key,
    retry: own?.retry ?? false,
    exitCode: own?.exitCode ?? 1,
    status: s3?.status ?? 0,
    s3Code: s3?.s3Code ?? '',
    slowDown: s3?.slowDown ?? false,
    absent: s3?.absent ?? false,
    region: s3?.region,
    requestId: s3?.requestId,
    stack: error instanceof Error ? error.stack : undefined,
  }
}

/** The error that {@link encodeError} flattened. */
export function decodeError(message: ErrorMessage): TablesnapError {
  const { code, path, operation, key, retry, exitCode } = message
  const { status, s3Code, absent, region, requestId, slowDown } = message
  const error = message.s3
    ? new S3Error({
        asked: { operation: operation ?? '', key },
        answer: { status, s3Code, absent, region, requestId },
        message: message.message,
        follows: { retry, slowDown },
      })
    : new TablesnapError({ code, message: message.message, step: { operation, path, key }, retry, exitCode })
  if (message.stack !== undefined) error.stack = message.stack
  return error
}
