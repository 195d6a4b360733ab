import { fstatSync } from 'node:fs'

import { TablesnapError, errorMessage } from '../../errors.js'
import { hex64 } from '../../s3/checksum.js'
import { readFully } from '../read-fully.js'

import type { ExactContent, FileRef, FileUpload } from './upload-task.js'

/**
 * Reads `into.length` bytes of a file from `start`, and leaves the page cache as it was.
 * @throws TablesnapError `FILE_CHANGED` when the file ends before that, `FILE_UNREADABLE` when the disk fails
 */
export async function readUpload(file: FileRef, start: number, into: Buffer): Promise<void> {
  await readFully(file.fd, start, into, (at, cause) =>
    cause === undefined
      ? changed(file, `it ends at byte ${at} of ${file.size}`)
      : new TablesnapError({
          code: 'FILE_UNREADABLE',
          message: `cannot read ${file.path} at byte ${at}: ${errorMessage(cause)}`,
          step: { operation: 'read', path: file.path },
          retry: true,
          cause,
        }),
  )
}

/** @throws TablesnapError `FILE_CHANGED` when size or mtime are not those the file was opened with */
export function checkUnchanged(file: FileRef): void {
  // A file that is open is in memory: another thread would cost twenty times as much as the call.
  const now = fstatSync(file.fd, { bigint: true })
  if (now.size !== BigInt(file.size))
    throw changed(file, `its size went from ${file.size} to ${now.size.toString()}`)
  if (now.mtimeNs !== file.mtime) throw changed(file, 'its modification time changed')
}

/** Whether content may lie under a file's key, as far as manifests tell. */
export function mayHave(
  { reserved, versionSuffix }: Pick<FileUpload, 'reserved' | 'versionSuffix'>,
  crc64: bigint,
): boolean {
  if (versionSuffix !== undefined) return false
  return reserved === undefined || reserved === hex64(crc64)
}

/** @throws TablesnapError `CONTENT_DIFFERS` when a file does not hold what manifests say of its key */
export function checkExact(path: string, exactly: ExactContent | undefined, crc64: bigint): void {
  const expected = exactly?.crc64
  if (expected === undefined || expected === hex64(crc64)) return
  throw new TablesnapError({
    code: 'CONTENT_DIFFERS',
    message: `${path} has the CRC-64 ${hex64(crc64)}; manifests say ${expected}`,
    step: { operation: 'upload', path },
  })
}

function changed(file: FileRef, how: string): TablesnapError {
  return new TablesnapError({
    code: 'FILE_CHANGED',
    message: `${file.path} changed during its upload (${how}); tablesnap uploads it again when it no longer changes`,
    step: { operation: 'upload', path: file.path },
    retry: true,
  })
}
