import { hex64 } from '../../s3/checksum.js'
import { S3Error } from '../../s3/errors.js'
import { metadataHeaders } from '../../s3/object.js'

import { checkExact, checkUnchanged, mayHave, readUpload } from './file.js'
import { Summer } from './guard.js'
import { putIfAbsent, putInPlace, type Put, type PutContext } from './put-if-absent.js'
import type { FileResult, FileUpload } from './upload-task.js'

/**
 * Reads a small file in one pass and puts it, never over other content.
 * @param buffer at least as long as the file
 * @throws S3Error, or TablesnapError `FILE_CHANGED`, `FILE_UNREADABLE`
 */
export async function putFile(
  context: PutContext,
  file: FileUpload,
  buffer: Buffer,
  signal?: AbortSignal,
): Promise<FileResult> {
  const bytes = buffer.subarray(0, file.size)
  await readUpload(file, 0, bytes)
  checkUnchanged(file)
  const sums = new Summer(context.checksum, file.md5, file.crc32).update(bytes).end()
  const { crc64, crc32, md5 } = sums
  const metadata = file.md5 && md5 !== undefined ? metadataHeaders({ md5sum: md5.toString('hex') }) : {}
  const put: Put = { bytes, sums, headers: { ...file.headers, ...metadata }, trustsSize: file.trustsSize }
  if (file.exactly !== undefined) {
    const outcome = await putExactly(context, file, put, signal)
    return { outcome, key: file.key, crc64, crc32 }
  }
  const first = mayHave(file, crc64) ? await putIfAbsent(context, file.key, put, signal) : 'other'
  if (first !== 'other') return { outcome: first, key: file.key, crc64, crc32 }
  const key = versionKeyOf(file, crc64)
  const second = await putIfAbsent(context, key, put, signal)
  if (second !== 'other') return { outcome: second === 'present' ? 'present' : 'version', key, crc64, crc32 }
  throw taken(key, `${key} holds other content than its name says: somebody else wrote it; move it away`)
}

/** Where content goes that its plain key cannot have. */
export function versionKeyOf(
  { versionStem, versionSuffix }: Pick<FileUpload, 'versionStem' | 'versionSuffix'>,
  crc64: bigint,
): string {
  return `${versionStem}~${hex64(crc64)}${versionSuffix === undefined ? '' : `-${versionSuffix}`}`
}

/** Puts a file under its key if it has the content that manifests say the key holds. */
async function putExactly(
  context: PutContext,
  { path, key, exactly }: FileUpload,
  put: Put,
  signal: AbortSignal | undefined,
): Promise<'uploaded' | 'present'> {
  checkExact(path, exactly, put.sums.crc64)
  if (exactly?.replaces === true) {
    await putInPlace(context, key, put, signal)
    return 'uploaded'
  }
  const outcome = await putIfAbsent(context, key, put, signal)
  if (outcome === 'other') throw taken(key, `another program has just written ${key}`)
  return outcome
}

function taken(key: string, why: string): S3Error {
  return new S3Error({
    asked: { operation: 'PutObject', key },
    answer: { status: 412, s3Code: 'VersionConflict' },
    message: `PutObject: ${why}`,
    follows: { retry: false },
  })
}
