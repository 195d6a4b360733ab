import type { S3Client } from './client.js'
import { isS3Error } from './errors.js'
import { isHeaderRefusal } from './if-absent.js'
import { putObject, type GuardedBody } from './object.js'

/** The note for the operator of a server that cannot compare. */
const NO_COMPARISON =
  'the server cannot replace an object on condition of its ETag (If-Match): never run two tablechops, or tablechop and the first start of a node, at the same time'

/** How an object is put in place of another. */
export interface Replacement {
  readonly headers: Readonly<Record<string, string>>
  /** The ETag of the object that is replaced; undefined: there is none. */
  readonly etag: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * PutObject in place of one object and no other, where the server can compare.
 * @throws S3Error 412 when another object is there, 404 on some servers when none is
 */
export async function putInPlaceOf(
  client: S3Client,
  key: string,
  content: GuardedBody,
  { headers, etag, signal }: Replacement,
): Promise<void> {
  if (etag === undefined) {
    await putObject(client, key, content, { headers, ifAbsent: true, signal })
    return
  }
  try {
    const condition = { ...headers, 'If-Match': `"${etag}"` }
    await putObject(client, key, content, { headers: condition, ifAbsent: false, signal })
  } catch (error) {
    if (isS3Error(error, 404, 409, 412) || !isHeaderRefusal(error)) throw error
    await putObject(client, key, content, { headers, ifAbsent: false, signal })
    client.note(NO_COMPARISON)
  }
}
