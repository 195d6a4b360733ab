import { createHash } from 'node:crypto'

import type { S3Client } from './client.js'
import { children, escapeXml, text } from './xml.js'

/** The most keys that S3 takes in one DeleteObjects. */
export const MAX_DELETES = 1000

/** An object that is to be deleted. */
export interface Deletion {
  readonly key: string
  /** Without quotes: an object with another one stays, where the server can compare. Undefined: whatever is there. */
  readonly etag: string | undefined
}

/** How the deletion of one key ended. */
export interface DeletionResult {
  readonly key: string
  /** `deleted`, also where there was none; `hidden`: a versioned bucket keeps the bytes behind a delete marker; or refused. */
  readonly outcome: 'deleted' | 'hidden' | 'refused'
  /** The server's code and message, where it refused. */
  readonly code?: string
  readonly message?: string
}

/**
 * DeleteObjects, at most {@link MAX_DELETES} keys. A key that the answer does not mention counts as refused.
 * @throws S3Error
 */
export async function deleteObjects(
  client: S3Client,
  deletions: readonly Deletion[],
  signal?: AbortSignal,
): Promise<DeletionResult[]> {
  const objects = deletions.map(({ key, etag }) => {
    const condition = etag === undefined ? '' : `<ETag>${escapeXml(etag)}</ETag>`
    return `<Object><Key>${escapeXml(key)}</Key>${condition}</Object>`
  })
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects.join('')}</Delete>`
  const body = Buffer.from(xml)
  const node = await client.document(
    {
      operation: 'DeleteObjects',
      method: 'POST',
      query: { delete: '' },
      headers: {
        'Content-Type': 'application/xml',
        'Content-MD5': createHash('md5').update(body).digest('base64'),
      },
      body,
    },
    'Delete',
    signal,
  )
  const results = new Map<string, DeletionResult>()
  for (const entry of children(node, 'Deleted')) {
    const key = text(entry, 'Key') ?? ''
    const outcome = text(entry, 'DeleteMarker') === 'true' ? 'hidden' : 'deleted'
    results.set(key, { key, outcome })
  }
  for (const entry of children(node, 'Error')) {
    const key = text(entry, 'Key') ?? ''
    const code = text(entry, 'Code') ?? ''
    const outcome = code === 'NoSuchKey' ? 'deleted' : 'refused'
    results.set(key, { key, outcome, code, message: text(entry, 'Message') ?? '' })
  }
  return deletions.map(
    ({ key }) =>
      results.get(key) ?? {
        key,
        outcome: 'refused',
        code: 'NoAnswer',
        message: 'the answer does not name it',
      },
  )
}
