import type { Checksums } from '../../s3/checksum.js'
import { CRC64_METADATA, type ObjectInfo } from '../../s3/object.js'

import { crcHex, type DigestKind } from './digest.js'

/** A digest of the whole content. */
export interface WholeDigest {
  readonly kind: 'whole'
  readonly digest: DigestKind
  /** Hex. */
  readonly value: string
}

/** A digest of the digests of a multipart object's parts. */
export interface PartsDigest {
  readonly kind: 'parts'
  readonly digest: DigestKind
  /** Hex. */
  readonly value: string
  /** Number of parts. */
  readonly parts: number
  /** Whether another value proves damage; an ETag may look like one of MD5s, and be none. */
  readonly certain: boolean
}

/** The ways to verify the content of an object. */
export type Expected = WholeDigest | PartsDigest

/**
 * What proves an object's content, the surest first: a full-object checksum, which the server verified when it was
 * written; the CRC-64 in our metadata; an ETag that is an MD5; the MD5 in the metadata of the original; the parts' checksums; the parts' MD5s.
 * Undefined where the server says nothing that can be compared.
 */
export function expectedOf(info: ObjectInfo): Expected | undefined {
  const { checksums, md5, metadata, opaque } = info
  const [known] = digestsOf(checksums)
  if (known !== undefined && checksums.type === 'FULL_OBJECT') return { kind: 'whole', ...known }
  const stored = metadata[CRC64_METADATA]
  if (stored !== undefined && /^[0-9a-f]{16}$/.test(stored))
    return { kind: 'whole', digest: 'crc64nvme', value: stored }
  const sum = md5 ?? metadata['md5sum']?.toLowerCase()
  if (sum !== undefined && /^[0-9a-f]{32}$/.test(sum)) return { kind: 'whole', digest: 'md5', value: sum }
  const [, value = '', count = ''] = /^([^-]*)-(\d{1,5})$/.exec(info.etag) ?? []
  const parts = Number(count)
  if (parts === 0) return undefined
  if (known !== undefined) return { kind: 'parts', ...known, parts, certain: true }
  if (opaque || !/^[0-9a-f]{32}$/i.test(value)) return undefined
  return { kind: 'parts', digest: 'md5', value: value.toLowerCase(), parts, certain: false }
}

function digestsOf(checksums: Checksums): { digest: DigestKind; value: string }[] {
  const { crc64nvme, crc32c, crc32, sha256, sha1 } = checksums
  return [
    ...(crc64nvme === undefined ? [] : [{ digest: 'crc64nvme' as const, value: crcHex(crc64nvme) }]),
    ...(crc32c === undefined ? [] : [{ digest: 'crc32c' as const, value: crcHex(crc32c) }]),
    ...(crc32 === undefined ? [] : [{ digest: 'crc32' as const, value: crcHex(crc32) }]),
    ...(sha256 === undefined ? [] : [{ digest: 'sha256' as const, value: hexOf(sha256) }]),
    ...(sha1 === undefined ? [] : [{ digest: 'sha1' as const, value: hexOf(sha1) }]),
  ]
}

function hexOf(base64: string): string {
  return Buffer.from(base64.replace(/-\d+$/, ''), 'base64').toString('hex')
}
