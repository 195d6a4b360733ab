import type { Reading } from './data-files.js'
import { S3Error } from './s3-error.js'
import { errorDocument } from './xml.js'

/** Bytes from the disk, with their number. */
export interface StreamBody extends Reading {
  readonly length: number
}

/** An answer before it is sent. */
export interface Reply {
  readonly status: number
  /** By name as sent. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body?: string | StreamBody
  /** The code within an `<Error>` document. */
  readonly errorCode?: string
}

const XML = 'application/xml'

/** An answer that is a document. */
export function xmlReply(
  document: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): Reply {
  return { status: 200, headers: { 'Content-Type': XML, ...headers }, body: document }
}

/** An answer without a body. */
export function emptyReply(
  status: number,
  headers: Readonly<Record<string, string | undefined>> = {},
): Reply {
  return { status, headers }
}

/**
 * The answer to a request that failed.
 * @param error anything thrown; what is no S3Error becomes `InternalError`
 */
export function errorReply(error: unknown, resource: string, requestId: string): Reply {
  const refusal = error instanceof S3Error ? error : new S3Error('InternalError', String(error))
  if (refusal.status === 304) return { status: 304, headers: refusal.fields, errorCode: refusal.code }
  return codeReply(refusal.status, refusal.code, refusal.message, {
    ...refusal.fields,
    Resource: resource,
    RequestId: requestId,
  })
}

/** An `<Error>` answer of any status and code. */
export function codeReply(
  status: number,
  code: string,
  message: string,
  fields: Readonly<Record<string, string>> = {},
): Reply {
  const document = errorDocument({ Code: code, Message: message, ...fields })
  return { status, headers: { 'Content-Type': XML }, body: document, errorCode: code }
}
