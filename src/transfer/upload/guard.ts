import { createHash } from 'node:crypto'

import { crc32, crc32c, crc64nvme } from 'tablesnap-io'

import { encode32, encode64 } from '../../s3/checksum.js'
import type { GuardedBody } from '../../s3/object.js'
import type { ChecksumKind } from '../../s3/settings.js'

/** The checksums of one body, computed in one pass over it while it is in the cache. */
export interface Sums {
  readonly crc64: bigint
  readonly crc32: number | undefined
  readonly crc32c: number | undefined
  readonly sha256: Buffer | undefined
  readonly md5: Buffer | undefined
}

/** The length of a piece, bytes. All checksums of a piece are computed before the next one, so that the CPU fetches it from memory only once. */
const SLICE = 256 * 1024

/** Computes, piece by piece, what a body needs to be sent with `kind`; CRC-64 always. */
export class Summer {
  #crc64 = 0n
  #crc32: number | undefined
  #crc32c = 0
  readonly #kind: ChecksumKind
  readonly #sha256
  readonly #md5

  constructor(kind: ChecksumKind, md5: boolean, crc32 = false) {
    this.#kind = kind
    this.#crc32 = crc32 ? 0 : undefined
    this.#sha256 = kind === 'sha256' ? createHash('sha256') : undefined
    this.#md5 = md5 || kind === 'md5' ? createHash('md5') : undefined
  }

  update(piece: Buffer): this {
    for (let at = 0; at < piece.length; at += SLICE) this.#add(piece.subarray(at, at + SLICE))
    return this
  }

  #add(piece: Buffer): void {
    this.#crc64 = crc64nvme(piece, this.#crc64)
    if (this.#crc32 !== undefined) this.#crc32 = crc32(piece, this.#crc32)
    if (this.#kind === 'crc32c') this.#crc32c = crc32c(piece, this.#crc32c)
    this.#sha256?.update(piece)
    this.#md5?.update(piece)
  }

  end(): Sums {
    return {
      crc64: this.#crc64,
      crc32: this.#crc32,
      crc32c: this.#kind === 'crc32c' ? this.#crc32c : undefined,
      sha256: this.#sha256?.digest(),
      md5: this.#md5?.digest(),
    }
  }
}

/** The body with the headers that make the server verify it. */
export function guard(body: GuardedBody['body'], sums: Sums, kind: ChecksumKind): GuardedBody {
  switch (kind) {
    case 'crc64nvme':
      return { body, headers: { 'X-Amz-Checksum-Crc64nvme': encode64(sums.crc64) } }
    case 'crc32c':
      return { body, headers: { 'X-Amz-Checksum-Crc32c': encode32(sums.crc32c ?? 0) } }
    case 'sha256':
      return {
        body,
        headers: { 'X-Amz-Checksum-Sha256': sums.sha256?.toString('base64') ?? '' },
        payloadHash: sums.sha256?.toString('hex'),
      }
    case 'md5':
      return { body, headers: { 'Content-MD5': sums.md5?.toString('base64') ?? '' } }
  }
}
