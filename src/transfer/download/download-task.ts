import type { ObjectInfo } from '../../s3/object.js'

import type { CrcKind, DigestKind } from './digest.js'

/** A local file, by a descriptor that the main thread opened and alone closes. */
export interface LocalFile {
  readonly fd: number
  /** The same file, opened with O_DIRECT; undefined where the file system has no such thing. */
  readonly direct?: number | undefined
  /** For messages only. */
  readonly path: string
}

/** A whole object that fits into a buffer: one GET, verified by its answer. */
export interface ObjectTask extends LocalFile {
  readonly kind: 'download'
  readonly what: 'object'
  readonly key: string
  /** Bytes the object is known to have. */
  readonly size: number
  /** CRC-64/NVME that its content must have, whatever the server says of it; 16 hex digits. */
  readonly crc64: string | undefined
}

/** Bytes of a large object, to the same place in the file; at most a buffer of them. */
export interface RangeTask extends LocalFile {
  readonly kind: 'download'
  readonly what: 'range'
  readonly key: string
  /** Without quotes: the range must come from this version of the object. */
  readonly etag: string
  readonly start: number
  readonly bytes: number
  /** The checksums that are computed while the bytes are still in the CPU's cache. */
  readonly crc: CrcKind
}

/** Reads a run of a local file for its digest. */
export interface DigestFileTask extends LocalFile {
  readonly kind: 'download'
  readonly what: 'digest'
  readonly start: number
  readonly bytes: number
  readonly digest: DigestKind
}

/** A worker's task in restoring a file. */
export type DownloadTask = ObjectTask | RangeTask | DigestFileTask

/** An object that was written to its file. */
export interface ObjectResult {
  readonly what: 'object'
  readonly info: ObjectInfo
  /** Whether its content was compared with what the server says of it; false where it says nothing that one GET can prove. */
  readonly verified: boolean
}

/** A range that was written to its file. */
export interface RangeResult {
  readonly what: 'range'
  /** Hex. */
  readonly crc: string
}

/** A digest that was computed. */
export interface DigestFileResult {
  readonly what: 'digest'
  /** Hex. */
  readonly digest: string
}

/** The result of a task. */
export type DownloadResult = ObjectResult | RangeResult | DigestFileResult
