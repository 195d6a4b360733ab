import { setTimeout as sleep } from 'node:timers/promises'

import { pauseAfter, type BackOff } from '../back-off.js'

import { isS3Error, type S3Error } from './errors.js'
import type { Silence } from './silence.js'
import { STALLED } from './stall-watch.js'

/** How often and how patiently a request is repeated. */
export interface RetryPolicy extends BackOff {
  /** Further attempts after the first. */
  readonly retries: number
  /**
   * How long a server may be away, ms of silence, before `retries` counts; absent: not at all. A daemon waits for ever
   * (`Infinity`) for a server that cannot be reached.
   */
  readonly patience?: number
}

/** Is told of each repetition, and of the pause before it, ms. */
export interface RetryListener {
  onRetry(error: S3Error, pause: number): void
}

/** One-shot modes, and each round of the daemon. The cap bounds how long after a server's return a request goes out. */
export const DEFAULT_RETRY: RetryPolicy = { retries: 5, base: 200, cap: 10_000 }

/** How long a gateway may answer for a server that is away, or cut connections, ms: longer, and the fault may be that of one request. */
const GATEWAY_PATIENCE = 300_000

/** HTTP answers that may differ next time, whatever code comes with them. */
const RETRY_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/**
 * Server codes that may differ next time although their status alone says no: a body that was damaged or delayed on
 * the way, and two requests for one key at the same moment.
 */
const RETRY_CODE: ReadonlySet<string> = new Set([
  'RequestTimeout',
  'Throttling',
  'ThrottlingException',
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
  'OperationAborted',
  'ConditionalRequestConflict',
  'InternalError',
])

/** Codes of an `<Error>` under status 200, as CompleteMultipartUpload gives it, that stay what they are. */
const FINAL_CODE: ReadonlySet<string> = new Set([
  'AccessDenied',
  'EntityTooSmall',
  'InvalidPart',
  'InvalidPartOrder',
  'InvalidRequest',
  'NoSuchUpload',
  'PreconditionFailed',
])

/** Codes that servers give to a body that was damaged on the way, beside others that say so. */
const RETRY_BODY_CODE: ReadonlySet<string> = new Set(['BadRequest', 'MalformedXML'])

/** Whether the same request may be answered otherwise next time. @param hasBody whether it was sent with a body */
export function mayDiffer(status: number, s3Code: string, hasBody = false): boolean {
  if (RETRY_STATUS.has(status) || RETRY_CODE.has(s3Code)) return true
  return (status < 300 && !FINAL_CODE.has(s3Code)) || (hasBody && RETRY_BODY_CODE.has(s3Code))
}

/** Server codes that ask for fewer requests in flight. */
export const SLOW_DOWN_CODE: ReadonlySet<string> = new Set([
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'TooManyRequests',
  'ServiceUnavailable',
  'ServerBusy',
  'Throttling',
  'ThrottlingException',
])

/** The pause before attempt `attempt` (1 is the first repetition), ms: full jitter, so that nodes do not march in step. */
export function jittered(attempt: number, policy: BackOff): number {
  return Math.random() * pauseAfter(attempt, policy)
}

/** Upper bound of the pauses while a server has just gone, ms. */
const SHORTEST = 500

/** Codes of a connection that was cut or stalled: by a server that goes away, and by one that will not have this request. */
const CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', STALLED])

/**
 * Whether the server is waited for, however often it was asked: it is away, and not for longer than the policy allows.
 * @param since when the request first failed; a cut is its own fault when others have got answers after that
 */
function isAwaited(
  error: S3Error,
  policy: RetryPolicy,
  silence: Silence | undefined,
  since: number,
): boolean {
  if (silence === undefined) return false
  const { patience = 0 } = policy
  if (CUT.has(error.s3Code) ? silence.hasAnsweredSince(since) : !error.absent) return false
  // A name that nobody knows is mostly a mistake; of a server that has answered it is one of the name server.
  if (error.s3Code === 'ENOTFOUND' && !silence.hasAnswered && patience !== Infinity) return false
  const isOut = error.status === 0 && error.absent
  return silence.length < (isOut ? patience : Math.min(patience, GATEWAY_PATIENCE))
}

/** The pause before a server that is away is asked again, ms: in proportion to how long it has been away. */
function pauseOf(silence: number, policy: RetryPolicy): number {
  return Math.random() * Math.min(policy.cap, Math.max(SHORTEST, silence / 2))
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the policy is used up; then throws its last error. Only what the
 * server or the network did is tried again.
 * @param signal ends a pause at once; the error it was pausing for is thrown
 * @param silence how long the server has been away; without it every failure counts
 */
export async function withRetry<T>(
  attempt: (n: number) => Promise<T>,
  policy: RetryPolicy,
  signal?: AbortSignal,
  listener?: RetryListener,
  silence?: Silence,
): Promise<T> {
  let failures = 0
  let since: number | undefined
  for (let n = 0; ; n++) {
    try {
      return await attempt(n)
    } catch (error) {
      if (!isS3Error(error) || !error.retry || signal?.aborted === true) throw error
      since ??= performance.now()
      const awaited = isAwaited(error, policy, silence, since)
      if (!awaited && failures++ >= policy.retries) throw error
      const pause = awaited ? pauseOf(silence?.length ?? 0, policy) : jittered(failures, policy)
      listener?.onRetry(error, pause)
      await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw error
      })
    }
  }
}
