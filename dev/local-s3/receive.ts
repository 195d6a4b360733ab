import { randomBytes } from 'node:crypto'
import { Digests, type ChecksumAlgorithm, type StoredChecksum } from './checksum.js'
import type { DataFile } from './data-file.js'
import type { DataFiles } from './data-files.js'

/** Bytes that have been stored under a random name and not been given to an object yet. */
export interface Received {
  readonly file: string
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  readonly digests: Digests
}

/** How bytes are to be received. */
export interface Reception {
  readonly source: AsyncIterable<Buffer>
  /** Digests needed besides the entity tag's. */
  readonly digests: readonly (ChecksumAlgorithm | 'md5')[]
  readonly md5Etag: boolean
  /** Called when all bytes are in; throwing refuses them. */
  readonly check: (size: number, digests: Digests) => void
}

async function fill(file: DataFile, reception: Reception): Promise<Digests> {
  const digests = new Digests(reception.md5Etag ? ['md5', ...reception.digests] : reception.digests)
  for await (const piece of reception.source) {
    digests.update(piece)
    await file.write(piece)
  }
  reception.check(file.size, digests)
  await file.close()
  return digests
}

/**
 * Stores bytes in one pass, hashing them on the way; nothing is left behind when they are refused or cut off.
 * @throws whatever the source or the check throws
 */
export async function receive(files: DataFiles, reception: Reception): Promise<Received> {
  const file = files.create()
  try {
    const digests = await fill(file, reception)
    const tag = reception.md5Etag ? digests.digest('md5') : randomBytes(16)
    return { file: file.name, size: file.size, etag: tag.toString('hex'), digests }
  } catch (error) {
    await file.abandon()
    throw error
  }
}

/** The full-object checksum of received bytes. */
export function receivedChecksum(received: Received, algorithm: ChecksumAlgorithm): StoredChecksum {
  return { algorithm, type: 'FULL_OBJECT', value: received.digests.digest(algorithm).toString('base64') }
}

/** The headers by which a write or a read answers a checksum. */
export function checksumHeaders(checksum: StoredChecksum | undefined): Record<string, string> {
  if (checksum === undefined) return {}
  return { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, 'x-amz-checksum-type': checksum.type }
}
