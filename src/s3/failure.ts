import { isErrorBody } from './answer.js'
import type { S3Request } from './client-options.js'
import type { HttpResponse } from './connection.js'
import { S3Error } from './errors.js'
import { messageFor } from './hints.js'
import { SLOW_DOWN_CODE, mayDiffer } from './retry.js'
import type { S3Settings } from './settings.js'
import { parseXml, text } from './xml.js'

/** The code of an answer that is not believed although its status says that all went well. */
const UNBELIEVED = 'UnexpectedAnswer'

/**
 * Why an answer of a status below 300 is not believed; undefined when it is. CompleteMultipartUpload may have an `<Error>` under
 * 200, and so have proxies for other requests.
 */
export function doubtOf(request: S3Request, response: HttpResponse): string | undefined {
  if (request.method !== 'GET' && isErrorBody(response.body)) return 'the answer is an <Error>'
  return request.check?.(response)
}

/**
 * The error that an answer stands for.
 * @param doubt why an answer of a status below 300 is not believed
 * @param clockOffset the server's clock minus ours, ms
 */
export function failureOf(
  request: S3Request,
  response: HttpResponse,
  doubt: string | undefined,
  settings: S3Settings,
  clockOffset: number | undefined,
): S3Error {
  const { status, headers } = response
  const xml = parseXml(response.body)
  const node = xml?.root === 'Error' ? xml.node : {}
  const implied = doubt === undefined ? STATUS_CODE[status] : UNBELIEVED
  const s3Code = text(node, 'Code') ?? implied ?? `HTTP ${status}`
  const asked = { operation: request.operation, key: request.key }
  const answer = {
    status,
    s3Code,
    // A HEAD has no document that could tell a gateway from the server.
    absent: GATEWAY_STATUS.has(status) && xml?.root !== 'Error' && request.method !== 'HEAD',
    region: headers['x-amz-bucket-region'] ?? text(node, 'Region'),
    requestId: headers['x-amz-request-id'] ?? text(node, 'RequestId'),
  }
  const said = text(node, 'Message') ?? doubt ?? ''
  return new S3Error({
    asked,
    answer,
    message: messageFor({ ...asked, ...answer }, said, settings, clockOffset),
    follows: {
      retry: mayDiffer(status, s3Code, request.body !== undefined),
      slowDown: SLOW_DOWN_CODE.has(s3Code) || status === 429,
    },
  })
}

/** The statuses that a gateway returns for a server that cannot be reached. */
const GATEWAY_STATUS: ReadonlySet<number> = new Set([502, 503, 504])

/** The meaning of a status without a body, as after HEAD. */
const STATUS_CODE: Record<number, string> = {
  301: 'PermanentRedirect',
  304: 'NotModified',
  307: 'TemporaryRedirect',
  400: 'BadRequest',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'ContentTooLarge',
  416: 'InvalidRange',
  429: 'TooManyRequests',
  501: 'NotImplemented',
  503: 'ServiceUnavailable',
}
