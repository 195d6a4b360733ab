import type { S3Client, S3Request } from './client.js'
import type { HttpResponse } from './connection.js'
import { isS3Error } from './errors.js'

/** Clients of servers that do not know the header which asks for checksums. */
const unasked = new WeakSet<S3Client>()

/** Sends a HEAD or GET that asks for an object's checksums as well, unless the server refuses that. @throws S3Error */
export async function withChecksums(
  client: S3Client,
  request: S3Request,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  if (unasked.has(client)) return client.call(request, signal)
  const ask = (): Promise<HttpResponse> =>
    client.call({ ...request, headers: { 'X-Amz-Checksum-Mode': 'ENABLED' } }, signal)
  try {
    return await ask()
  } catch (error) {
    if (!isS3Error(error, 400, 501)) throw error
  }
  try {
    const response = await client.call(request, signal)
    // It may have been a bad moment: a server that takes the header now is asked on.
    return await ask().catch(() => {
      unasked.add(client)
      return response
    })
  } catch (error) {
    if (isS3Error(error, 404)) unasked.add(client)
    throw error
  }
}
