import { crc32Combine, crc32cCombine, crc64nvmeCombine } from 'tablesnap-io'

import { TablesnapError } from '../errors.js'
import type { Engine } from '../pool/engine.js'
import { encode32, encode64 } from '../s3/checksum.js'
import type { S3Client } from '../s3/client.js'
import { isS3Error } from '../s3/errors.js'
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadsOf,
  type ListedPart,
  type PartInfo,
} from '../s3/multipart.js'
import type { ChecksumKind } from '../s3/settings.js'
import type { FileRef, PartResult } from '../upload/task.js'

/** Headers of CreateMultipartUpload that say which checksum the parts bring. SHA-256 knows no full-object form. */
const ALGORITHM: Record<ChecksumKind, Record<string, string>> = {
  crc64nvme: { 'X-Amz-Checksum-Algorithm': 'CRC64NVME', 'X-Amz-Checksum-Type': 'FULL_OBJECT' },
  crc32c: { 'X-Amz-Checksum-Algorithm': 'CRC32C', 'X-Amz-Checksum-Type': 'FULL_OBJECT' },
  sha256: { 'X-Amz-Checksum-Algorithm': 'SHA256', 'X-Amz-Checksum-Type': 'COMPOSITE' },
  md5: {},
}

/** How one file goes up in parts. */
export interface MultipartPlan {
  readonly file: FileRef
  /** Bytes of every part but the last. */
  readonly part: number
  readonly checksum: ChecksumKind
  /** Metadata and storage headers. */
  readonly headers: Readonly<Record<string, string>>
  readonly ifAbsent: boolean
}

/** Where the upload's requests go. */
export interface MultipartDeps {
  readonly client: S3Client
  readonly engine: Engine
  readonly signal: AbortSignal
}

/**
 * Uploads a file in parallel parts, its checksum combined from theirs. An upload that fails for good is aborted; one that
 * may go on later is left for it, as its parts need not be sent again.
 * @returns the file's CRC-64, and its CRC-32 where the file's reference asks for it
 * @throws S3Error (412 when the key exists), or TablesnapError of the file
 */
export async function uploadInParts(
  deps: MultipartDeps,
  plan: MultipartPlan,
): Promise<{ readonly crc64: bigint; readonly crc32: number | undefined }> {
  const { client, signal } = deps
  const { key } = plan.file
  const held = await takeUp(deps, plan)
  const uploadId =
    held?.uploadId ??
    (await createMultipartUpload(client, key, { ...plan.headers, ...ALGORITHM[plan.checksum] }, signal))
  try {
    const results = await sendParts(deps, plan, uploadId, held?.parts ?? new Map<number, ListedPart>())
    const sum = combine(results, plan)
    const parts = results.map(result => partInfo(result, held?.parts, plan.checksum))
    const condition: Record<string, string> = plan.ifAbsent ? { 'If-None-Match': '*' } : {}
    await completeMultipartUpload(client, key, uploadId, parts, { ...sum.headers, ...condition }, signal)
    return { crc64: sum.crc64, crc32: sum.crc32 }
  } catch (error) {
    const later = error instanceof TablesnapError && error.retry && error.code !== 'FILE_CHANGED'
    if (!later && !signal.aborted) await abortMultipartUpload(client, key, uploadId).catch(() => undefined)
    throw error
  }
}

/**
 * The newest unfinished upload of the key, when its parts are cut as ours are and the server knows their CRC-64. One
 * whose metadata may hold the MD5 of another content is not taken up.
 */
async function takeUp(
  { client, signal }: MultipartDeps,
  { file, part: size, checksum, headers }: MultipartPlan,
): Promise<{ uploadId: string; parts: Map<number, ListedPart> } | undefined> {
  if (checksum !== 'crc64nvme' || 'X-Amz-Meta-md5sum' in headers) return undefined
  try {
    const [uploadId] = await uploadsOf(client, file.key, signal)
    const parts = uploadId === undefined ? [] : await listParts(client, file.key, uploadId, signal)
    const fit = parts.every(
      part => part.size === bytesOf(file, size, part.number - 1) && part.checksums.crc64nvme !== undefined,
    )
    if (uploadId === undefined || parts.length === 0 || !fit) return undefined
    return { uploadId, parts: new Map(parts.map(part => [part.number, part])) }
  } catch (error) {
    // A server without these lists, an account that may not see them, an upload that has just ended: it starts anew.
    if (!isS3Error(error) || error.retry) throw error
    return undefined
  }
}

/** Runs the parts over the pool, as many at once as it takes; the first failure stops the rest. */
async function sendParts(
  { engine, signal }: MultipartDeps,
  plan: MultipartPlan,
  uploadId: string,
  held: ReadonlyMap<number, ListedPart>,
): Promise<PartResult[]> {
  const count = Math.ceil(plan.file.size / plan.part)
  const results = new Array<PartResult>(count)
  let next = 0
  let failed = false
  const lane = async (): Promise<void> => {
    while (next < count && !failed) {
      signal.throwIfAborted()
      const index = next++
      const part = {
        kind: 'part' as const,
        file: plan.file,
        uploadId,
        number: index + 1,
        start: index * plan.part,
        bytes: bytesOf(plan.file, plan.part, index),
        held: held.get(index + 1)?.checksums.crc64nvme,
      }
      try {
        results[index] = await engine.part(part, plan.checksum)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(engine.width, count) }, lane))
  for (const outcome of lanes) if (outcome.status === 'rejected') throw outcome.reason
  return results
}

function bytesOf(file: FileRef, part: number, index: number): number {
  return Math.max(0, Math.min(part, file.size - index * part))
}

/** The full object's checksum, and how CompleteMultipartUpload says it. */
function combine(
  results: readonly PartResult[],
  plan: MultipartPlan,
): { crc64: bigint; crc32: number | undefined; headers: Record<string, string> } {
  let crc64 = 0n
  let crc32: number | undefined = plan.file.crc32 === true ? 0 : undefined
  let crc32c = 0
  for (const [index, result] of results.entries()) {
    const bytes = bytesOf(plan.file, plan.part, index)
    crc64 = crc64nvmeCombine(crc64, result.crc64, bytes)
    if (crc32 !== undefined && result.crc32 !== undefined) crc32 = crc32Combine(crc32, result.crc32, bytes)
    if (result.crc32c !== undefined) crc32c = crc32cCombine(crc32c, result.crc32c, bytes)
  }
  const type = { 'X-Amz-Checksum-Type': 'FULL_OBJECT' }
  if (plan.checksum === 'crc64nvme')
    return { crc64, crc32, headers: { ...type, 'X-Amz-Checksum-Crc64nvme': encode64(crc64) } }
  if (plan.checksum === 'crc32c')
    return { crc64, crc32, headers: { ...type, 'X-Amz-Checksum-Crc32c': encode32(crc32c) } }
  return { crc64, crc32, headers: {} }
}

function partInfo(
  result: PartResult,
  held: ReadonlyMap<number, ListedPart> | undefined,
  kind: ChecksumKind,
): PartInfo {
  const { number, crc64, crc32c, sha256 } = result
  const etag = result.sent ? result.etag : (held?.get(number)?.etag ?? '')
  if (kind === 'md5') return { number, etag, checksums: { type: 'FULL_OBJECT' } }
  if (sha256 !== undefined) return { number, etag, checksums: { type: 'COMPOSITE', sha256 } }
  if (crc32c !== undefined) return { number, etag, checksums: { type: 'FULL_OBJECT', crc32c } }
  return { number, etag, checksums: { type: 'FULL_OBJECT', crc64nvme: crc64 } }
}
