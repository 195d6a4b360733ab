import type { BucketAccess } from './access.js'
import type { Check } from './answer.js'
import type { Timeouts } from './connection.js'
import type { Overwriting } from './overwriting.js'
import type { BodyRate, ChunkedBody } from './outgoing.js'
import type { RequestCounts } from './request-counts.js'
import type { RetryListener } from './retry.js'
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

/** The connections of a client. */
export interface Lines {
  /** Requests under way at once; further ones wait. */
  readonly connections: number
  readonly timeouts?: Timeouts
  /** Kept by the bodies of its requests. */
  readonly rate?: BodyRate | undefined
}

/** Is told what a client sees of the server. */
export interface ClientListener extends SilenceListener, RetryListener {
  /** The operator should know this of the server. */
  onNote(text: string): void
  /** The server asks for fewer requests in flight. */
  onSlowDown(): void
}

/** The resources of a client. */
export interface ClientOptions {
  readonly access: BucketAccess
  readonly lines: Lines
  /** The knowledge about the server's conditional writes; shared by all clients of a process. */
  readonly overwriting?: Overwriting
  /** Counts every request. */
  readonly counts?: RequestCounts
  readonly listener?: ClientListener
}
