import { encodeKey } from './address.js'
import type { S3Client } from './client.js'
import { headObject, storageHeaders } from './object.js'
import type { ObjectSettings } from './settings.js'

/** The most bytes that S3 copies in one request. */
export const MAX_COPY = 5 * 1024 ** 3

/**
 * CopyObject within the bucket, with metadata; at most {@link MAX_COPY} bytes. The target is replaced.
 * @param etag the source must have
 * @throws S3Error 404 where there is no source, 412 where it is another object
 */
export async function copyObject(
  client: S3Client,
  source: { readonly key: string; readonly etag: string },
  target: string,
  settings: ObjectSettings,
  signal?: AbortSignal,
): Promise<void> {
  await client.document(
    {
      operation: 'CopyObject',
      method: 'PUT',
      key: target,
      headers: {
        ...storageHeaders(settings),
        'X-Amz-Copy-Source': `/${client.settings.bucket}/${encodeKey(source.key)}`,
        'X-Amz-Copy-Source-If-Match': `"${source.etag}"`,
      },
    },
    'CopyObject',
    signal,
  )
  // A copy has no other proof.
  await headObject(client, target, signal)
}
