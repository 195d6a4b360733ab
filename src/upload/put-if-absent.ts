import type { S3Client } from '../s3/client.js'
import { S3Error, isS3Error } from '../s3/errors.js'
import { headObject, putObject } from '../s3/object.js'

import { NOT_VERIFIED, inSomeWay, isEchoed, noteOn, type Capability, type Overwriting } from './capability.js'
import { holds } from './existing.js'
import { Summer, guard, type Sums } from './guard.js'

/** What a worker remembers of the server between files. */
export interface PutContext {
  readonly client: S3Client
  capability: Capability
  readonly overwriting: Overwriting
  /** Told what the operator should know about the server. */
  readonly note: (text: string) => void
}

/** A body and what is sent with it. */
export interface Put {
  readonly bytes: Buffer
  readonly sums: Sums
  readonly headers: Readonly<Record<string, string>>
  /** Whether an object of the same size that cannot be compared counts as the same. */
  readonly trustsSize: boolean
}

/** Bodies up to this length are sent twice to see what the server does, bytes: it costs next to nothing. */
const PROBE = 64 * 1024

/**
 * Puts a body under a key that is free; otherwise says whether the same or other content is there. Until the server has
 * shown that it does not write over an object, each key is looked up before, as on one that is known to do it.
 */
export async function putIfAbsent(
  context: PutContext,
  key: string,
  put: Put,
  signal: AbortSignal | undefined,
): Promise<'uploaded' | 'present' | 'other'> {
  const { client, overwriting } = context
  const existing = async (): Promise<'present' | 'other' | undefined> => {
    const object = await headObject(client, key, signal)
    if (object === undefined) return undefined
    return holds(object, put.bytes, put.sums.crc64, put.trustsSize) ? 'present' : 'other'
  }
  const wanted = context.capability
  const { result, way } = await inSomeWay(wanted, async way => {
    if (!way.conditional || overwriting.state !== 'refused') {
      const found = await existing()
      if (found !== undefined) return { found }
    }
    try {
      return { verified: await putOnce(client, way, key, put, signal) }
    } catch (error) {
      if (isS3Error(error, NOT_VERIFIED)) learn(context, way, { ...way, checksum: 'md5' })
      // 412 comes also after an answer that was lost; 409 when two writers meet.
      if (!isS3Error(error, 412, 409)) throw error
      if (error.status === 412) overwriting.state = 'refused'
      const found = await existing()
      if (found === undefined) throw error
      return { found }
    }
  })
  if (result.found !== undefined) return result.found
  learn(context, wanted, result.verified ? way : { ...way, checksum: 'md5' })
  if (way.conditional && overwriting.state === 'unknown' && put.bytes.length <= PROBE)
    await probe(context, key, put, signal)
  return 'uploaded'
}

/** Puts the same bytes once more: who writes them again would have written others, too. */
async function probe(
  context: PutContext,
  key: string,
  put: Put,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, capability, overwriting } = context
  try {
    await putOnce(client, capability, key, put, signal)
    overwriting.state = 'allowed'
    learn(context, capability, { ...capability, conditional: false })
  } catch (error) {
    // Any other failure leaves the question for the next file: this one is stored.
    if (isS3Error(error, 412)) overwriting.state = 'refused'
  }
}

function learn(context: PutContext, wanted: Capability, got: Capability): void {
  for (const text of noteOn(wanted, got)) context.note(text)
  if (got.checksum === wanted.checksum && got.conditional === wanted.conditional) return
  const { checksum, conditional } = context.capability
  // Another file may have learned of something else meanwhile.
  context.capability = {
    checksum: got.checksum === wanted.checksum ? checksum : got.checksum,
    conditional: conditional && got.conditional,
  }
}

/** Returns whether the server verified the bytes by the checksum. @throws S3Error */
async function putOnce(
  client: S3Client,
  way: Capability,
  key: string,
  put: Put,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { bytes } = put
  const lacksMd5 = way.checksum === 'md5' && put.sums.md5 === undefined
  const sums = lacksMd5 ? { ...put.sums, ...new Summer('md5', true).update(bytes).end() } : put.sums
  const answer = await putObject(client, key, guard(bytes, sums, way.checksum), {
    headers: put.headers,
    ifAbsent: way.conditional,
    signal,
  })
  if (!isEchoed(way.checksum)) return true
  const echoed = answer.checksums[way.checksum]
  if (echoed !== undefined) {
    if (echoed === (way.checksum === 'crc64nvme' ? sums.crc64 : sums.crc32c)) return true
    throw failed(key, 'BadDigest', 'the server stored other bytes than were sent', true)
  }
  // The server looked past the header, so nothing has verified the bytes yet.
  const md5 = new Summer('md5', true).update(bytes).end().md5?.toString('hex')
  if (answer.etag === md5) return false
  throw failed(key, NOT_VERIFIED, `the server does not verify ${way.checksum} checksums`, false)
}

function failed(key: string, s3Code: string, why: string, retry: boolean): S3Error {
  const message = `PutObject: ${why}`
  return new S3Error({ operation: 'PutObject', key, status: 200, s3Code, message, retry, slowDown: false })
}
