import { TablesnapError, errorCode, errorMessage } from '../errors.js'

import { STALLED } from './stall-watch.js'

/** The request that failed. */
export interface Asked {
  /** S3's API name, e.g. `PutObject`. */
  readonly operation: string
  /** Undefined: the bucket itself. */
  readonly key?: string | undefined
}

/** The answer to it. */
export interface Answered {
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  /** The server's `<Code>`, or the network error's code. */
  readonly s3Code: string
  /** Nobody answered, or a gateway did for a server that is away. */
  readonly absent?: boolean
  /** The region the server says the bucket is in. */
  readonly region?: string | undefined
  readonly requestId?: string | undefined
}

/** How the client goes on after it. */
export interface Follows {
  /** Whether the same request may be answered otherwise next time. */
  readonly retry: boolean
  /** The server asks for fewer requests in flight. */
  readonly slowDown?: boolean
}

/** The details of an S3 error. */
export interface S3Failure {
  readonly asked: Asked
  readonly answer: Answered
  readonly message: string
  readonly follows: Follows
  readonly cause?: unknown
}

/** A request that failed: an error answer, an answer that breaks the protocol, or none at all. */
export class S3Error extends TablesnapError {
  override readonly name = 'S3Error'
  readonly status: number
  readonly s3Code: string
  readonly slowDown: boolean
  /** Nobody answered, or a gateway did for a server that is away: the server may be starting again. */
  readonly absent: boolean
  /** The region the server says the bucket is in. */
  readonly region: string | undefined
  readonly requestId: string | undefined

  constructor({ asked, answer, message, follows, cause }: S3Failure) {
    super({
      code: `S3_${snake(answer.s3Code)}`,
      message,
      step: asked,
      retry: follows.retry,
      cause,
    })
    this.status = answer.status
    this.s3Code = answer.s3Code
    this.slowDown = follows.slowDown ?? false
    this.absent = answer.absent ?? false
    this.region = answer.region
    this.requestId = answer.requestId
  }
}

/** `NoSuchKey` → `NO_SUCH_KEY`, `ECONNRESET` → `ECONNRESET`. */
function snake(code: string): string {
  return code
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase()
}

/** Whether `error` is an {@link S3Error} with one of these server codes or this HTTP status. */
export function isS3Error(error: unknown, ...codes: (string | number)[]): error is S3Error {
  if (!(error instanceof S3Error)) return false
  return codes.length === 0 || codes.includes(error.s3Code) || codes.includes(error.status)
}

/** An {@link S3Error} for a request that got no complete answer. */
export function networkError(
  operation: string,
  key: string | undefined,
  sentBody: boolean,
  cause: unknown,
): S3Error {
  const code = errorCode(cause) ?? (isParserError(cause) ? NO_HTTP : NO_NETWORK)
  // A server that refuses a large PUT early mostly shows as a reset while the body is still being written.
  const refused = sentBody && (code === 'ECONNRESET' || code === 'EPIPE')
  return new S3Error({
    asked: { operation, key },
    answer: { status: 0, s3Code: code, absent: ABSENT.has(code) },
    message: networkMessage(operation, code, cause),
    follows: { retry: !FATAL_NETWORK.has(code), slowDown: refused },
    cause,
  })
}

/** Any other failure without a code is a mistake of ours. */
const NO_HTTP = 'HTTPParserError'
const NO_NETWORK = 'Internal'

function isParserError(cause: unknown): boolean {
  return cause instanceof Error && cause.name === NO_HTTP
}

/** Failures that no repetition mends: TLS trust and names, and calls this process aborted or got wrong itself. */
const FATAL_NETWORK = new Set([
  NO_NETWORK,
  'ABORT_ERR',
  'ANSWER_TOO_LONG',
  'UND_ERR_ABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INVALID_ARG',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'EPROTO',
])

/** Failures to reach a server at all, as while it starts again or while the network is down. */
const ABSENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  STALLED,
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

const NETWORK_HINTS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there: check --endpoint-url',
  ENOTFOUND: 'the host name is unknown: check --endpoint-url and --aws-region',
  EAI_AGAIN: 'the name server does not answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'name its certificate in --ca-bundle, AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'name its root certificate in --ca-bundle, AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'name its root certificate in --ca-bundle, AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'name its root certificate in --ca-bundle, AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS',
  EPROTO: 'is the endpoint really https?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'is the endpoint really https?',
  HTTPParserError: 'is the endpoint really http?',
}

function networkMessage(operation: string, code: string, cause: unknown): string {
  const hint = NETWORK_HINTS[code]
  const said = errorMessage(cause)
  // OpenSSL's message about a failed TLS handshake names a line of its own source: the code says enough.
  const isPlain = code.startsWith('UND_ERR_') || said.includes(code)
  const what = said === '' || code.startsWith('ERR_SSL_') ? code : isPlain ? said : `${said} (${code})`
  return `${operation}: no answer from the server: ${what}${hint === undefined ? '' : `; ${hint}`}`
}
