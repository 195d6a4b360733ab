import type { HttpResponse } from './connection.js'
import { parseXml } from './xml.js'

/** Judges an answer of a status below 300. @returns why it cannot be believed; undefined when it can */
export type Check = (response: HttpResponse) => string | undefined

/** The start of a page for people, as a proxy, a WAF or a captive portal answers it in place of the server. */
const PAGE = /^\s*(?:<!doctype\s+html|<html[\s>])/i

/** How much of a body is looked at for {@link PAGE}, bytes. */
const PAGE_START = 256

/** Whether a body is a page of HTML. */
export function isPage(body: Buffer): boolean {
  return PAGE.test(body.subarray(0, PAGE_START).toString('latin1'))
}

/** Whether a body is an `<Error>` document, which servers send under status 200, too. */
export function isErrorBody(body: Buffer): boolean {
  return body.length > 0 && parseXml(body)?.root === 'Error'
}

/** A hint, from a page of HTML, about the server that sent it. */
export const NO_S3 = 'the answer is a page of HTML: is this an S3 server, and is there a proxy before it?'

/**
 * Whether an object or a part was stored: an answer to PutObject and UploadPart has its ETag, and no content. A server that
 * repeats a checksum has stored the body as well.
 */
export function checkStored({ headers, body }: HttpResponse): string | undefined {
  if (isPage(body)) return NO_S3
  if (body.length > 0 && parseXml(body) === undefined)
    return 'the answer has a content that no S3 server sends'
  const isProven =
    headers['etag'] !== undefined || Object.keys(headers).some(name => /^x-amz-checksum-(crc|sha)/.test(name))
  return isProven ? undefined : 'the answer has no ETag: nothing proves that the server has stored it'
}

/** As {@link checkStored}, of a part: without its ETag the upload could not be completed. */
export function checkPart(response: HttpResponse): string | undefined {
  if (response.headers['etag'] !== undefined) return checkStored(response)
  return isPage(response.body)
    ? NO_S3
    : 'the answer has no ETag: nothing proves that the server has stored it'
}

/** Whether an answer is about an object: S3 tells its ETag and its time. A page for people has a type of its own. */
export function checkObject({ headers, body }: HttpResponse): string | undefined {
  if (/^text\/html/i.test(headers['content-type'] ?? '') || isPage(body)) return NO_S3
  if (headers['etag'] !== undefined || headers['last-modified'] !== undefined) return undefined
  return 'the answer has neither ETag nor Last-Modified: it tells of no object'
}
