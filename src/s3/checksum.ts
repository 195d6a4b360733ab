/** Checksums of an object or a part, as far as they are known. */
export interface Checksums {
  readonly crc64nvme?: bigint
  readonly crc32c?: number
  readonly crc32?: number
  /** Base64. */
  readonly sha256?: string
  /** Base64. */
  readonly sha1?: string
  /** `COMPOSITE`: a checksum of the parts' checksums. */
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

/** 64 bits as S3 writes them: base64 of 8 bytes, big-endian. */
export function encode64(value: bigint): string {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes.toString('base64')
}

/** 32 bits as S3 writes them: base64 of 4 bytes, big-endian. */
export function encode32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** CRC-64 as keys and manifests show it: 16 hex digits. */
export function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0')
}

/** Reads the checksums out of an answer's headers, or of XML fields named as the headers are. */
export function readChecksums(field: (name: string) => string | undefined): Checksums {
  const [crc64nvme, sha256, sha1] = [field('crc64nvme'), field('sha256'), field('sha1')]
  const crc64 = decode(crc64nvme, 8)
  const [crc32cText, crc32Text] = [field('crc32c'), field('crc32')]
  const crc32c = decode(crc32cText, 4)
  const crc32 = decode(crc32Text, 4)
  const isComposite = [crc64nvme, crc32cText, crc32Text, sha256, sha1].some(
    text => text?.includes('-') === true,
  )
  const type = field('type') === 'COMPOSITE' || isComposite ? 'COMPOSITE' : 'FULL_OBJECT'
  return {
    type,
    ...(crc64 === undefined ? {} : { crc64nvme: crc64.readBigUInt64BE() }),
    ...(crc32c === undefined ? {} : { crc32c: crc32c.readUInt32BE() }),
    ...(crc32 === undefined ? {} : { crc32: crc32.readUInt32BE() }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(sha1 === undefined ? {} : { sha1 }),
  }
}

function decode(value: string | undefined, length: number): Buffer | undefined {
  if (value === undefined) return undefined
  const bytes = Buffer.from(value.includes('-') ? value.replace(/-\d+$/, '') : value, 'base64')
  return bytes.length === length ? bytes : undefined
}
