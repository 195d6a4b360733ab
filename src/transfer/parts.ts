const MEBIBYTE = 1024 * 1024

/** Amazon S3's limits: at most this many parts, all but the last of at least so many bytes. */
export const MAX_PARTS = 10_000
export const MIN_PART = 5 * MEBIBYTE

/** Bytes of a part, and of the largest file sent by one PUT, unless told otherwise. */
const DEFAULT_PART = 8 * MEBIBYTE

/**
 * Parts grow, as far as the buffers go, rather than be more than this: servers keep a list of them with the object, and
 * versitygw on ext4 refuses lists of more than some 700.
 */
const COMFORTABLE_PARTS = 512

/** The bounds of a file's parts, bytes; undefined: the engine's default. */
export interface PartBounds {
  /** The most that can be read and sent in one pass. */
  readonly buffer: number
  readonly maxUploadSize: number | undefined
  readonly chunkSize: number | undefined
}

/** How a file is cut: undefined for one PUT, else the bytes of each part but the last. */
export function partSize(size: number, bounds: PartBounds): number | undefined {
  const { buffer, maxUploadSize = DEFAULT_PART, chunkSize } = bounds
  if (size <= Math.min(maxUploadSize, buffer)) return undefined
  const growing = Math.max(DEFAULT_PART, roundUp(size / COMFORTABLE_PARTS))
  const part = Math.max(MIN_PART, Math.min(chunkSize ?? growing, buffer))
  return Math.ceil(size / part) <= MAX_PARTS ? part : roundUp(size / MAX_PARTS)
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / MEBIBYTE) * MEBIBYTE
}
