import type { S3Client } from './client.js'
import { S3Error, isS3Error } from './errors.js'
import { listPages } from './list.js'
import { escapeXml } from './xml.js'

/**
 * Makes sure that the bucket is there and may be used.
 * @param create whether a bucket that HEAD reports as missing (404, nothing else) is created, in the client's region
 * @returns whether it was created
 * @throws S3Error with the reason the server gives: a HEAD has none, so a LIST of the client's own keys is asked for it
 */
export async function ensureBucket(
  client: S3Client,
  create: boolean,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await client.call({ operation: 'HeadBucket', method: 'HEAD' }, signal)
    return false
  } catch (error) {
    if (!isS3Error(error)) throw error
    if (error.status === 404 && create) return createBucket(client, signal)
    if (error.status === 0 || error.status >= 500) throw error
    await listPages(client, { prefix: client.ownPrefix, maxKeys: 1, signal }).next()
    if (error.status === 404) throw missing(client, error)
    // HEAD refused what LIST allows (s3:ListBucket with a condition): the bucket is there.
    return false
  }
}

async function createBucket(client: S3Client, signal?: AbortSignal): Promise<boolean> {
  const { region } = client.settings
  const xml = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${escapeXml(region)}</LocationConstraint></CreateBucketConfiguration>`
  try {
    await client.call(
      {
        operation: 'CreateBucket',
        method: 'PUT',
        // us-east-1 is the one region that must not be named.
        ...(region === 'us-east-1'
          ? {}
          : { headers: { 'Content-Type': 'application/xml' }, body: Buffer.from(xml) }),
      },
      signal,
    )
    return true
  } catch (error) {
    // Another node created it in the same moment, if it can be used; some servers do not say whose it is.
    if (!isS3Error(error, 409)) throw error
    return client.call({ operation: 'HeadBucket', method: 'HEAD' }, signal).then(
      () => false,
      () => {
        throw error
      },
    )
  }
}

function missing(client: S3Client, cause: S3Error): S3Error {
  const { bucket } = client.settings
  return new S3Error({
    asked: { operation: 'HeadBucket' },
    answer: { status: 404, s3Code: 'NoSuchBucket' },
    message: `bucket ${bucket} does not exist: check its name (only modes that upload create it)`,
    follows: { retry: false },
    cause,
  })
}
