import { createHash } from 'node:crypto'

import { crc32, crc32c } from 'tablesnap-io'

import { hex64 } from '../../s3/checksum.js'
import { CRC64_METADATA, isOurs, type ObjectInfo } from '../../s3/object.js'

/**
 * Whether an object holds these bytes, by the best checksum the server gives.
 * @param trustsSize the answer where the server gives none that can be compared, as of a multipart object of the
 *   original's, and the size is the same
 */
export function holds(object: ObjectInfo, bytes: Buffer, crc64: bigint, trustsSize: boolean): boolean {
  if (object.size !== bytes.length) return false
  const hash = (kind: string, encoding: 'base64' | 'hex') => createHash(kind).update(bytes).digest(encoding)
  if (object.checksums.type === 'FULL_OBJECT') {
    const { crc64nvme, crc32c: castagnoli, crc32: plain, sha256, sha1 } = object.checksums
    if (crc64nvme !== undefined) return crc64nvme === crc64
    if (castagnoli !== undefined) return castagnoli === crc32c(bytes)
    if (plain !== undefined) return plain === crc32(bytes)
    if (sha256 !== undefined) return sha256 === hash('sha256', 'base64')
    if (sha1 !== undefined) return sha1 === hash('sha1', 'base64')
  }
  const stored = object.metadata[CRC64_METADATA]
  if (stored !== undefined) return stored === hex64(crc64)
  const md5 = object.md5 ?? object.metadata['md5sum']?.toLowerCase()
  return md5 === undefined ? trustsSize && !isOurs(object) : md5 === hash('md5', 'hex')
}
