import { errorMessage } from '../errors.js'
import type { KeyLayout } from '../manifest/keys.js'
import { counted } from '../report/format.js'
import { isS3Error } from '../s3/errors.js'

import type { CheckBucket } from './check-bucket.js'
import { Sample, type Finding } from './finding.js'
import type { Mends } from './mends.js'

/** How old an upload must be to be told of, ms: one of a large file may take hours. */
const ABANDONED = 86_400_000

/** Multipart uploads that nobody completes cost as objects do. @throws S3Error */
export async function findUnfinished(bucket: CheckBucket, keys: KeyLayout, mends: Mends): Promise<Finding[]> {
  const sample = new Sample()
  let oldest = Infinity
  try {
    for (const prefix of [keys.files, keys.versions])
      for await (const { key, initiated } of bucket.uploads(prefix)) {
        if (initiated > bucket.now() - ABANDONED) continue
        oldest = Math.min(oldest, initiated)
        sample.add(key)
      }
  } catch (error) {
    if (!isS3Error(error, 400, 403, 404, 405, 501)) throw error
    const message = `the server does not tell unfinished uploads: ${errorMessage(error)}`
    return [{ kind: 'cannot-be-told', severity: 'note', message, examples: ['uploads'] }]
  }
  if (sample.count === 0) return []
  const { count, examples, text } = sample
  return [
    {
      kind: 'unfinished-uploads',
      severity: 'note',
      message: `${counted(count, 'multipart upload')} of more than a day ago, never completed, the oldest of ${new Date(oldest).toISOString()}: the parts cost as objects do (${text})`,
      mend: mends.chop(),
      examples,
      count,
    },
  ]
}
