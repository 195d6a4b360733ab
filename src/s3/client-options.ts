import type { TablesnapError } from '../errors.js'

import type { Check } from './answer.js'
import type { Timeouts } from './connection.js'
import type { Overwriting } from './overwriting.js'
import type { BodyRate, ChunkedBody } from './outgoing.js'
import type { RequestCounts } from './request-counts.js'
import type { RetryPolicy } from './retry.js'
import type { CredentialSource, S3Settings } from './settings.js'
import type { SilenceListener } from './silence.js'

/** One S3 operation, not yet signed. */
export interface S3Request {
  /** S3's API name, e.g. `PutObject`. */
  readonly operation: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Undefined: the bucket itself. */
  readonly key?: string | undefined
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | ChunkedBody | undefined
  /** SHA-256 of the body in hex where it is signed; otherwise the body is left out of the signature. */
  readonly payloadHash?: string | undefined
  /** Takes the body of a successful answer. */
  readonly into?: Buffer | undefined
  /** Judges an answer of a status below 300; one that it does not believe is a failure that may pass. */
  readonly check?: Check
  /** Runs before each attempt, and ends all of them if it throws what has no `retry`. */
  readonly guard?: (() => Promise<void>) | undefined
}

/** The resources of a client. */
export interface ClientOptions {
  readonly settings: S3Settings
  readonly credentials: CredentialSource
  /** The prefix that the account may surely list, if it may not list the whole bucket. */
  readonly ownPrefix?: string
  /** Requests under way at once; further ones wait. */
  readonly connections: number
  readonly retry?: RetryPolicy | undefined
  readonly timeouts?: Timeouts
  /** Kept by the bodies of its requests. */
  readonly rate?: BodyRate | undefined
  /** Told of every repetition, with the pause before it in ms. */
  readonly onRetry?: (error: TablesnapError, pause: number) => void
  /** The knowledge about the server's conditional writes; shared by all clients of a process. */
  readonly overwriting?: Overwriting
  /** Told what the operator should know of the server. */
  readonly onNote?: (text: string) => void
  /** Told whenever the server asks for fewer requests in flight. */
  readonly onSlowDown?: () => void
  /** Counts every request. */
  readonly counts?: RequestCounts
  /** Told when the server has not answered for a while … */
  readonly onSilence?: SilenceListener['onSilence']
  /** … and when it answers again. */
  readonly onReturn?: SilenceListener['onReturn']
}
