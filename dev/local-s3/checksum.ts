import { createHash, type Hash } from 'node:crypto'
import { crc32, crc32Combine, crc32c, crc32cCombine, crc64nvme, crc64nvmeCombine } from 'tablesnap-io'

/** Amazon's checksum algorithms, named as in x-amz-checksum-*; bytes of each value. */
const LENGTHS = { crc32: 4, crc32c: 4, crc64nvme: 8, sha1: 20, sha256: 32 } as const

export type ChecksumAlgorithm = keyof typeof LENGTHS

export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

/** A checksum as it is stored and answered; `value` is base64, with `-N` when composite. */
export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  readonly value: string
}

/** Every algorithm, in the order in which lists of them are answered. */
export const CHECKSUM_ALGORITHMS = Object.keys(LENGTHS) as readonly ChecksumAlgorithm[]

/** The algorithm called `name` in a header or a document, whatever its case; undefined for an unknown one. */
export function checksumAlgorithm(name: string): ChecksumAlgorithm | undefined {
  const lower = name.toLowerCase()
  return CHECKSUM_ALGORITHMS.find(algorithm => algorithm === lower)
}

/** Whether a base64 text has the length of a value of the algorithm. */
export function isChecksumValue(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === LENGTHS[algorithm] && bytes.toString('base64') === text
}

interface Accumulator {
  update(data: Uint8Array): void
  digest(): Buffer
}

function bigEndian(value: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes.subarray(8 - length)
}

function crc(step: (data: Uint8Array, previous: number) => number): Accumulator {
  let value = 0
  return {
    update: data => (value = step(data, value)),
    digest: () => bigEndian(BigInt(value >>> 0), 4),
  }
}

function accumulator(algorithm: ChecksumAlgorithm | 'md5'): Accumulator {
  switch (algorithm) {
    case 'crc32':
      return crc(crc32)
    case 'crc32c':
      return crc(crc32c)
    case 'crc64nvme': {
      let value = 0n
      return { update: data => (value = crc64nvme(data, value)), digest: () => bigEndian(value, 8) }
    }
    case 'md5':
    case 'sha1':
    case 'sha256': {
      const hash: Hash = createHash(algorithm)
      return { update: data => hash.update(data), digest: () => hash.digest() }
    }
  }
}

/** Several digests over the same bytes, each computed once, in one pass. */
export class Digests {
  readonly #running: ReadonlyMap<string, Accumulator>
  readonly #done = new Map<string, Buffer>()

  constructor(algorithms: Iterable<ChecksumAlgorithm | 'md5'>) {
    this.#running = new Map([...new Set(algorithms)].map(name => [name, accumulator(name)]))
  }

  update(data: Uint8Array): void {
    for (const running of this.#running.values()) running.update(data)
  }

  /** The digest of all bytes so far; afterwards `update` must not be called again. */
  digest(algorithm: ChecksumAlgorithm | 'md5'): Buffer {
    let value = this.#done.get(algorithm)
    if (value === undefined) {
      value = this.#running.get(algorithm)?.digest() ?? Buffer.alloc(0)
      this.#done.set(algorithm, value)
    }
    return value
  }
}

/** One part's value and length in bytes, for {@link combineChecksums}. */
export interface PartChecksum {
  readonly value: string
  readonly size: number
}

/** The full-object CRC (base64) from those of the parts in order; undefined for algorithms that cannot be combined. */
export function combineChecksums(
  algorithm: ChecksumAlgorithm,
  parts: readonly PartChecksum[],
): string | undefined {
  const values = parts.map(part => ({ bytes: Buffer.from(part.value, 'base64'), size: part.size }))
  switch (algorithm) {
    case 'crc32':
    case 'crc32c': {
      const combine = algorithm === 'crc32' ? crc32Combine : crc32cCombine
      const total = values.reduce((sum, part) => combine(sum, part.bytes.readUInt32BE(), part.size), 0)
      return bigEndian(BigInt(total >>> 0), 4).toString('base64')
    }
    case 'crc64nvme': {
      const total = values.reduce(
        (sum, part) => crc64nvmeCombine(sum, part.bytes.readBigUInt64BE(), part.size),
        0n,
      )
      return bigEndian(total, 8).toString('base64')
    }
    case 'sha1':
    case 'sha256':
      return undefined
  }
}

/** Amazon's checksum of checksums: the digest of the parts' values, with `-N`. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly PartChecksum[]): string {
  const digests = new Digests([algorithm])
  for (const part of parts) digests.update(Buffer.from(part.value, 'base64'))
  return `${digests.digest(algorithm).toString('base64')}-${parts.length}`
}
