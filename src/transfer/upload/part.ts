import type { S3Client } from '../../s3/client.js'
import { S3Error } from '../../s3/errors.js'
import { uploadPart } from '../../s3/multipart.js'
import type { ChunkedBody } from '../../s3/outgoing.js'
import type { ChecksumKind } from '../../s3/settings.js'

import { NOT_VERIFIED, isEchoed } from './capability.js'
import { checkUnchanged, readUpload } from './file.js'
import { Summer, guard, type Sums } from './guard.js'
import type { DigestResult, DigestTask, FileRef, HeldPart, PartResult, PartTask } from './upload-task.js'

/**
 * Reads one part, and sends it unless the server holds the same already. A part that is longer than the buffer is
 * read twice: once for its checksum, once to be sent.
 * @throws S3Error, or TablesnapError `FILE_CHANGED`, `FILE_UNREADABLE`
 */
export async function putPart(
  client: S3Client,
  task: PartTask,
  checksum: ChecksumKind,
  buffer: Buffer,
  signal?: AbortSignal,
): Promise<PartResult> {
  const { file, start, bytes, number, held } = task
  const summer = new Summer(checksum, held !== undefined && 'md5' in held, file.crc32)
  for await (const piece of readRange(file, start, bytes, buffer)) summer.update(piece)
  const sums = summer.end()
  const { crc64, crc32, crc32c } = sums
  const result = { number, crc64, crc32, crc32c, sha256: sums.sha256?.toString('base64') }
  checkUnchanged(file)
  if (held !== undefined && isHeld(held, sums)) return { ...result, etag: '', sent: false }
  const body = bytes <= buffer.length ? buffer.subarray(0, bytes) : inPieces(file, start, bytes, buffer)
  const part = await uploadPart(client, file.key, task.uploadId, number, guard(body, sums, checksum), signal)
  if (isEchoed(checksum) && part.checksums[checksum] === undefined) throw unverified(file.key, checksum)
  return { ...result, etag: part.etag, sent: true }
}

function isHeld(held: HeldPart, { crc64, md5 }: Sums): boolean {
  return 'crc64' in held ? held.crc64 === crc64 : held.md5 === md5?.toString('hex')
}

/** The server looked past the checksum header: nothing has verified the part. */
function unverified(key: string, checksum: ChecksumKind): S3Error {
  return new S3Error({
    asked: { operation: 'UploadPart', key },
    answer: { status: 200, s3Code: NOT_VERIFIED },
    message: `UploadPart: the server does not verify ${checksum} checksums`,
    follows: { retry: false },
  })
}

/** Reads a whole file for its checksums. @throws TablesnapError as {@link putPart} */
export async function digestFile({ file, md5 }: DigestTask, buffer: Buffer): Promise<DigestResult> {
  const summer = new Summer('crc64nvme', md5, file.crc32)
  for await (const piece of readRange(file, 0, file.size, buffer)) summer.update(piece)
  checkUnchanged(file)
  const sums = summer.end()
  return { crc64: sums.crc64, crc32: sums.crc32, md5: sums.md5?.toString('hex') }
}

/** Reads a range buffer by buffer; it is left in the buffer where it fits. */
async function* readRange(
  file: FileRef,
  start: number,
  bytes: number,
  buffer: Buffer,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, bytes - at))
    await readUpload(file, start + at, piece)
    yield piece
  }
}

/**
 * The range in pieces of half a buffer. undici asks for the next piece when the kernel has taken the last one, so the
 * other half is free to be filled.
 */
function inPieces(file: FileRef, start: number, bytes: number, buffer: Buffer): ChunkedBody {
  const half = Math.floor(buffer.length / 2)
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0, turn = 0; at < bytes; at += half, turn ^= 1) {
      const piece = buffer.subarray(turn * half, turn * half + Math.min(half, bytes - at))
      await readUpload(file, start + at, piece)
      // Sooner than by the server's refusal of the first pass's checksum.
      if (at + half >= bytes) checkUnchanged(file)
      yield piece
    }
  }
  return { bytes, chunks }
}
