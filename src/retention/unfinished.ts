import { parseKeyPath } from '../manifest/key-path.js'
import type { KeyLayout } from '../manifest/keys.js'

import type { DeletionRule } from './deletion-rule.js'
import type { RetentionBucket, UnfinishedUpload } from './ports.js'

/** How long an upload must have stood still besides, ms: one of a large file may take days. */
const STILL = 86_400_000

/**
 * The multipart uploads of the node's files below the path that nobody goes on with: begun before the age, and without a new part
 * for the age and for a day.
 * @throws S3Error
 */
export async function* abandonedUploads(
  bucket: RetentionBucket,
  keys: KeyLayout,
  rule: DeletionRule,
): AsyncGenerator<UnfinishedUpload> {
  const until = Math.min(rule.cutoff, bucket.now() - STILL)
  for (const prefix of [keys.files, keys.versions]) {
    for await (const upload of bucket.unfinished(prefix)) {
      const place = parseKeyPath(keys.pathOf(upload.key) ?? '')
      if (typeof place === 'string' || !rule.holds(place.directory)) continue
      if (upload.initiated >= until) continue
      const newest = await bucket.newestPart(upload)
      if ((newest ?? upload.initiated) < until) yield upload
    }
  }
}
