import { createHash, type Hash } from 'node:crypto'

import { crc32, crc32Combine, crc32c, crc32cCombine, crc64nvme, crc64nvmeCombine } from 'tablesnap-io'

/** Digests of which those of two neighbouring pieces give that of both. */
export type CrcKind = 'crc64nvme' | 'crc32c' | 'crc32'

/** Every digest by which an object can be known. */
export type DigestKind = CrcKind | 'sha256' | 'sha1' | 'md5'

/** A digest of bytes that come piece by piece. */
export class Digest {
  readonly #kind: DigestKind
  readonly #hash: Hash | undefined
  #crc64 = 0n
  #crc32 = 0

  constructor(kind: DigestKind) {
    this.#kind = kind
    this.#hash = isCrc(kind) ? undefined : createHash(kind)
  }

  update(piece: Buffer): this {
    if (this.#kind === 'crc64nvme') this.#crc64 = crc64nvme(piece, this.#crc64)
    else if (this.#kind === 'crc32c') this.#crc32 = crc32c(piece, this.#crc32)
    else if (this.#kind === 'crc32') this.#crc32 = crc32(piece, this.#crc32)
    else this.#hash?.update(piece)
    return this
  }

  /** Hex; nothing may be added afterwards. */
  end(): string {
    if (this.#hash !== undefined) return this.#hash.digest('hex')
    return crcHex(this.#kind === 'crc64nvme' ? this.#crc64 : this.#crc32)
  }
}

/** Whether a digest is one that {@link CrcFold} puts together. */
export function isCrc(kind: DigestKind): kind is CrcKind {
  return kind === 'crc64nvme' || kind === 'crc32c' || kind === 'crc32'
}

/** A CRC as digests are written here: 16 hex digits of 64 bits, 8 of 32. */
export function crcHex(value: bigint | number): string {
  return typeof value === 'bigint'
    ? value.toString(16).padStart(16, '0')
    : value.toString(16).padStart(8, '0')
}

/** The CRC of a file from those of its ranges, which may come in any order; holds only those that came too early. */
export class CrcFold {
  readonly kind: CrcKind
  readonly #early = new Map<number, { crc: string; bytes: number }>()
  #next = 0
  #value: string

  constructor(kind: CrcKind) {
    this.kind = kind
    this.#value = new Digest(kind).end()
  }

  /** @param index of the range, from 0 without gaps @param crc hex @param bytes length of the range */
  add(index: number, crc: string, bytes: number): void {
    this.#early.set(index, { crc, bytes })
    for (let range = this.#early.get(this.#next); range !== undefined; range = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++)
      this.#value = combine(this.kind, this.#value, range.crc, range.bytes)
    }
  }

  /** Hex, of all ranges up to the first that is still missing. */
  get value(): string {
    return this.#value
  }
}

function combine(kind: CrcKind, a: string, b: string, lengthOfB: number): string {
  switch (kind) {
    case 'crc64nvme':
      return crcHex(crc64nvmeCombine(BigInt(`0x${a}`), BigInt(`0x${b}`), lengthOfB))
    case 'crc32c':
      return crcHex(crc32cCombine(Number.parseInt(a, 16), Number.parseInt(b, 16), lengthOfB))
    case 'crc32':
      return crcHex(crc32Combine(Number.parseInt(a, 16), Number.parseInt(b, 16), lengthOfB))
  }
}
