import type { S3Client } from './client.js'
import type { HttpResponse } from './connection.js'
import { S3Error, isS3Error } from './errors.js'
import { listObjects } from './list.js'

/** An answer's Content-Length; undefined where there is none, as behind proxies that take it from the answer to HEAD. */
export function lengthOf({ headers }: HttpResponse): number | undefined {
  const length = headers['content-length'] ?? ''
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

/** The bytes of an object whose HEAD does not tell them: by the range that its first byte is of, else by LIST. @throws S3Error `NoLength` */
export async function sizeOf(
  client: S3Client,
  key: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const headers = { Range: 'bytes=0-0' }
  const range = { operation: 'GetObject', method: 'GET', key, headers, into: Buffer.alloc(1) } as const
  const contentRange = await client.call(range, signal).then(
    response => response.headers['content-range'],
    (error: unknown) => {
      // 416: it has no byte. Too long: the server looks past ranges.
      if (isS3Error(error, 416, 'ANSWER_TOO_LONG')) return undefined
      throw error
    },
  )
  const [, size] = /^bytes [^/]*\/(\d{1,15})$/.exec(contentRange ?? '') ?? []
  if (size !== undefined) return Number(size)
  for await (const object of listObjects(client, { prefix: key, maxKeys: 1, signal })) {
    if (object.key === key && Number.isSafeInteger(object.size)) return object.size
    break
  }
  throw new S3Error({
    asked: { operation: 'HeadObject', key },
    answer: { status: 200, s3Code: 'NoLength' },
    message: `the server sent no size of ${key}: no Content-Length, no Content-Range, no Size in LIST`,
    follows: { retry: true },
  })
}
