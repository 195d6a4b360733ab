import { hex64 } from '../../s3/checksum.js'
import type { S3Client } from '../../s3/client.js'
import { S3Error, isS3Error } from '../../s3/errors.js'
import { NO_CONDITIONS } from '../../s3/if-absent.js'
import { CRC64_METADATA, headObject, metadataHeaders, putObject } from '../../s3/object.js'
import type { ChecksumKind } from '../../s3/settings.js'

import { NOT_VERIFIED, inSomeWay, isEchoed, noteOn } from './capability.js'
import { holds } from './existing.js'
import { Summer, guard, type Sums } from './guard.js'

/** The knowledge of a worker about the server, kept between files. */
export interface PutContext {
  readonly client: S3Client
  /** The checksum that is sent with bodies: the wanted one, or one that the server accepts. */
  checksum: ChecksumKind
  /** Whether the server has repeated a checksum, and so verified a body by it. */
  isVerifying?: boolean
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
  const { client } = context
  const existing = async (): Promise<'present' | 'other' | undefined> => {
    const object = await headObject(client, key, signal)
    if (object === undefined) return undefined
    return holds(object, put.bytes, put.sums.crc64, put.trustsSize) ? 'present' : 'other'
  }
  const wanted = context.checksum
  const { result, kind } = await inSomeWay(wanted, async kind => {
    const isLookedUp = client.overwriting.state !== 'refused'
    const before = isLookedUp ? await existing() : undefined
    if (before !== undefined) return { found: before }
    try {
      return { verified: await putOnce(context, kind, key, put, isLookedUp ? 'free' : undefined, signal) }
    } catch (error) {
      if (isS3Error(error, NOT_VERIFIED)) learn(context, kind)
      // 412 comes also after an answer that was lost; 409 when two writers meet.
      if (!isS3Error(error, 412, 409)) throw error
      const found = await existing()
      if (found === undefined) throw error
      return { found }
    }
  })
  if (result.found !== undefined) return result.found
  if (kind !== wanted || !result.verified) learn(context, wanted)
  if (client.overwriting.state === 'unknown' && put.bytes.length <= PROBE)
    await probe(context, key, put, signal)
  return 'uploaded'
}

/** Puts a body under a key in place of the object that is there. @throws S3Error */
export async function putInPlace(
  context: PutContext,
  key: string,
  put: Put,
  signal: AbortSignal | undefined,
): Promise<void> {
  const wanted = context.checksum
  const { result: isVerified, kind } = await inSomeWay(wanted, kind =>
    putOnce(context, kind, key, put, 'replace', signal),
  )
  if (kind !== wanted || !isVerified) learn(context, wanted)
}

/** Puts the same bytes once more: who writes them again would have written others, too. */
async function probe(
  context: PutContext,
  key: string,
  put: Put,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client, checksum } = context
  try {
    await putOnce(context, checksum, key, put, 'taken', signal)
    client.overwriting.note('allowed')
    client.note(NO_CONDITIONS)
  } catch {
    // 412: the server refuses, which is remembered. Any other failure leaves the question for the next file: this one is stored.
  }
}

/** The server does not verify this checksum. */
function learn(context: PutContext, refused: ChecksumKind): void {
  if (refused === 'md5') return
  context.client.note(noteOn(refused))
  context.checksum = 'md5'
}

/**
 * @param state of the key a moment ago, where it is known; `replace`: an object there is to be replaced
 * @returns whether the server verified the bytes by the checksum
 * @throws S3Error
 */
async function putOnce(
  context: PutContext,
  kind: ChecksumKind,
  key: string,
  put: Put,
  state: 'free' | 'taken' | 'replace' | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { bytes } = put
  const lacksMd5 = kind === 'md5' && put.sums.md5 === undefined
  const sums = lacksMd5 ? { ...put.sums, ...new Summer('md5', true).update(bytes).end() } : put.sums
  // Bytes that nothing verifies may be others than those that the metadata would speak of.
  const isProven = !isEchoed(kind) || context.isVerifying === true
  const metadata = isProven ? metadataHeaders({ [CRC64_METADATA]: hex64(sums.crc64) }) : {}
  const answer = await putObject(context.client, key, guard(bytes, sums, kind), {
    headers: { ...put.headers, ...metadata },
    ifAbsent: state !== 'replace',
    seen: state === 'replace' ? undefined : state,
    signal,
  })
  if (!isEchoed(kind)) return true
  const echoed = answer.checksums[kind]
  if (echoed !== undefined) {
    if (echoed === (kind === 'crc64nvme' ? sums.crc64 : sums.crc32c)) return (context.isVerifying = true)
    throw failed(key, 'BadDigest', 'the server stored other bytes than were sent', true)
  }
  // The server looked past the header, so nothing has verified the bytes yet.
  const md5 = new Summer('md5', true).update(bytes).end().md5?.toString('hex')
  if (answer.etag === md5) return false
  throw failed(key, NOT_VERIFIED, `the server does not verify ${kind} checksums`, false)
}

function failed(key: string, s3Code: string, why: string, retry: boolean): S3Error {
  const message = `PutObject: ${why}`
  return new S3Error({
    asked: { operation: 'PutObject', key },
    answer: { status: 200, s3Code },
    message,
    follows: { retry },
  })
}
