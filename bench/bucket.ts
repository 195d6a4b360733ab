import { S3Client } from '../src/s3/client.js'
import { decoderOf, listObjects } from '../src/s3/list.js'
import { abortMultipartUpload } from '../src/s3/multipart.js'
import { children, text } from '../src/s3/xml.js'

import type { Target } from './clients/client.js'
import { BenchFailure } from './failure.js'

/** Begins every prefix that the benchmark writes under in a real bucket, and deletes under. */
const OWN = 'tablesnap-bench-'

/** A prefix that nobody uses yet. */
export function ownPrefix(): string {
  const stamp = new Date().toISOString().replace(/\W/g, '')
  return `${OWN}${stamp}-${Math.random().toString(36).slice(2, 8)}/`
}

/** A real bucket, of which only what lies under an own prefix is touched. */
export class RealBucket {
  readonly #client: S3Client

  constructor(target: Target) {
    const { endpoint, region, bucket, credentials } = target
    const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN } = credentials
    this.#client = new S3Client({
      access: {
        settings: { endpoint, region, bucket, pathStyle: undefined },
        credentials: () => ({
          accessKeyId: AWS_ACCESS_KEY_ID,
          secretAccessKey: AWS_SECRET_ACCESS_KEY,
          sessionToken: AWS_SESSION_TOKEN,
        }),
      },
      lines: { connections: 4 },
    })
  }

  /** Bytes of all objects under a prefix. @throws S3Error */
  async bytes(prefix: string): Promise<number> {
    let sum = 0
    for await (const { size } of listObjects(this.#client, { prefix })) sum += size
    return sum
  }

  /** Deletes all objects and unfinished uploads under a prefix. @throws BenchFailure for one that is not the benchmark's own */
  async clear(prefix: string): Promise<void> {
    if (!prefix.startsWith(OWN) || !prefix.includes('/'))
      throw new BenchFailure(`${prefix} is not the benchmark's to delete`)
    const keys: string[] = []
    for await (const { key } of listObjects(this.#client, { prefix })) keys.push(key)
    for (const key of keys) await this.#client.call({ operation: 'DeleteObject', method: 'DELETE', key })
    // All pages are worth one: every one that is found is gone before the next look.
    for (let found = await this.#uploads(prefix); found.length > 0; found = await this.#uploads(prefix))
      for (const { key, id } of found) await abortMultipartUpload(this.#client, key, id)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #uploads(prefix: string): Promise<{ key: string; id: string }[]> {
    const node = await this.#client.document(
      {
        operation: 'ListMultipartUploads',
        method: 'GET',
        query: { uploads: '', 'encoding-type': 'url', prefix },
      },
      'ListMultipartUploads',
    )
    const uploads = children(node, 'Upload')
    const decode = decoderOf(node, uploads)
    return uploads
      .map(upload => ({ key: decode(text(upload, 'Key') ?? ''), id: text(upload, 'UploadId') ?? '' }))
      .filter(({ key }) => key.startsWith(prefix))
  }
}
