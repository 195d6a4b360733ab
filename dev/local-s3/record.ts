import type { ChecksumAlgorithm, ChecksumType, StoredChecksum } from './checksum.js'

/** What was asked for besides the bytes, and is answered again. */
export interface Attributes {
  /** Content-Type and its kin and x-amz-meta-*, by lower-case name; one character is one byte. */
  readonly headers: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly encryption?: string
  readonly kmsKeyId?: string
}

/** One stored run of bytes: a whole PUT, or one part of a multipart upload. */
export interface PartRecord {
  readonly number: number
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** Milliseconds since the epoch, whole seconds. */
  readonly modified: number
  /** Name within the bucket's data directory. */
  readonly file: string
  /** What the client sent, or the upload prescribes. */
  readonly checksum?: StoredChecksum
  /** CRC-64/NVME (base64) of the bytes, for uploads that prescribe no checksum. */
  readonly crc64nvme?: string
}

/** A complete object. */
export interface ObjectRecord {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly modified: number
  readonly attributes: Attributes
  readonly parts: readonly PartRecord[]
  readonly checksum?: StoredChecksum
  /** The multipart upload that it came from. */
  readonly uploadId?: string
}

/** The checksum that all parts of an upload have in common. */
export interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
}

/** A multipart upload under way. */
export interface UploadRecord {
  readonly id: string
  readonly key: string
  readonly initiated: number
  readonly attributes: Attributes
  readonly checksum?: UploadChecksum
}
