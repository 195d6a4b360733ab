import { crc32Combine, crc32cCombine, crc64nvmeCombine } from 'tablesnap-io'

import { eachOf } from '../concurrency.js'
import { TablesnapError } from '../errors.js'
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
import { headObject } from '../s3/object.js'
import type { ChecksumKind } from '../s3/settings.js'

import type { Engine } from './pool/engine.js'
import { isRefusal } from './upload/capability.js'
import type { FileRef, HeldPart, PartResult } from './upload/upload-task.js'

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
  /** Whether it replaces an object under its key; by default that stays. */
  readonly replaces?: boolean
}

/** The resources of an upload. */
export interface MultipartDeps {
  readonly client: S3Client
  readonly engine: Engine
  readonly signal: AbortSignal
}

/** An upload and the parts that it has. */
interface Upload {
  readonly id: string
  readonly parts: ReadonlyMap<number, ListedPart>
}

/** The checksums that a multipart upload ends with. */
interface Digests {
  readonly crc64: bigint
  readonly crc32: number | undefined
}

/**
 * Uploads a file in parallel parts, its checksum combined from theirs. An upload that fails for good is aborted; one that
 * may go on later is left for it, as its parts need not be sent again. Once the object is there, no unfinished upload of
 * its key is left.
 * @returns the file's CRC-64, and its CRC-32 where the file's reference asks for it
 * @throws S3Error (412 when the key exists), or TablesnapError of the file
 */
export async function uploadInParts(deps: MultipartDeps, plan: MultipartPlan): Promise<Digests> {
  const { client } = deps
  const { fit, others } = await unfinished(deps, plan)
  const digests = await uploadOnce(deps, plan, fit).catch((error: unknown) => {
    // An upload that was begun with another checksum refuses ours: that tells nothing of what the server can do.
    if (fit === undefined || !isRefusal(error)) throw error
    return uploadOnce(deps, plan, undefined)
  })
  if (others.length === 0) return digests
  const { key } = plan.file
  for (const id of others) await abortMultipartUpload(client, key, id).catch(() => undefined)
  // S3Mock deletes the object with another upload of its key.
  const isGone = (await headObject(client, key, deps.signal)) === undefined
  return isGone ? uploadOnce(deps, plan, undefined) : digests
}

/** @param taken an upload that this one goes on with; undefined: it begins anew */
async function uploadOnce(
  deps: MultipartDeps,
  plan: MultipartPlan,
  taken: Upload | undefined,
): Promise<Digests> {
  const { client, signal } = deps
  const { checksum, headers } = plan
  const { key } = plan.file
  const upload = taken ?? {
    id: await createMultipartUpload(client, key, { ...headers, ...ALGORITHM[checksum] }, signal),
    parts: new Map<number, ListedPart>(),
  }
  try {
    const results = await sendParts(deps, plan, upload)
    const sum = combine(results, plan)
    const parts = results.map(result => partInfo(result, upload.parts, checksum))
    const options = { headers: sum.headers, ifAbsent: plan.replaces !== true, signal }
    await completeMultipartUpload(client, key, upload.id, parts, options)
    return { crc64: sum.crc64, crc32: sum.crc32 }
  } catch (error) {
    const later = error instanceof TablesnapError && error.retry && error.code !== 'FILE_CHANGED'
    if (!later && !signal.aborted) await abortMultipartUpload(client, key, upload.id).catch(() => undefined)
    throw error
  }
}

/** Servers that do not list unfinished uploads, or not their parts. */
const listless = new WeakSet<S3Client>()

const NO_LISTS =
  'the server does not list unfinished uploads: a large file whose upload is cut short is sent anew'

/**
 * The unfinished uploads of the key: the newest one that can be gone on with, and the others. One whose metadata may hold
 * the MD5 of another content is not gone on with.
 */
async function unfinished(
  { client, engine, signal }: MultipartDeps,
  plan: MultipartPlan,
): Promise<{ fit?: Upload; others: string[] }> {
  const { key } = plan.file
  if (listless.has(client)) return { others: [] }
  const isFixed = 'X-Amz-Meta-md5sum' in plan.headers
  try {
    const ids = await uploadsOf(client, key, signal)
    let fit: Upload | undefined
    for (const id of ids) {
      if (fit !== undefined || isFixed) break
      const parts = await listParts(client, key, id, signal).catch((error: unknown) => {
        // It has just ended.
        if (isS3Error(error, 404)) return []
        throw error
      })
      if (parts.length > 0 && parts.every(part => heldOf(part, plan) !== undefined))
        fit = { id, parts: new Map(parts.map(part => [part.number, part])) }
    }
    const others = ids.filter(id => id !== fit?.id)
    return fit === undefined ? { others } : { fit, others }
  } catch (error) {
    // An account that may not see them, or a server without these lists: it starts anew. S3Proxy fails at them (500).
    if (!isS3Error(error) || (error.retry && error.status !== 500)) throw error
    if (isS3Error(error, 405, 500, 501)) {
      listless.add(client)
      engine.note(NO_LISTS)
    }
    return { others: [] }
  }
}

/** The checksum by which a part on the server can be compared with ours; undefined if the part has another length, or no checksum is known. */
function heldOf(part: ListedPart, { file, part: size, checksum }: MultipartPlan): HeldPart | undefined {
  if (part.size !== bytesOf(file, size, part.number - 1)) return undefined
  const { crc64nvme: crc64, ...others } = part.checksums
  if (checksum === 'crc64nvme' && crc64 !== undefined) return { crc64 }
  // An upload with checksums wants them of every part.
  const isPlain = crc64 === undefined && Object.keys(others).every(name => name === 'type')
  if ((checksum !== 'crc64nvme' && checksum !== 'md5') || !isPlain) return undefined
  return /^[0-9a-f]{32}$/i.test(part.etag) ? { md5: part.etag.toLowerCase() } : undefined
}

/** Runs the parts over the pool, as many at once as it takes; the first failure stops the rest. */
async function sendParts(
  { engine, signal }: MultipartDeps,
  plan: MultipartPlan,
  upload: Upload,
): Promise<PartResult[]> {
  const count = Math.ceil(plan.file.size / plan.part)
  const results = new Array<PartResult>(count)
  await eachOf(results.keys(), engine.width, async index => {
    signal.throwIfAborted()
    const held = upload.parts.get(index + 1)
    const part = {
      kind: 'part' as const,
      file: plan.file,
      uploadId: upload.id,
      number: index + 1,
      start: index * plan.part,
      bytes: bytesOf(plan.file, plan.part, index),
      held: held === undefined ? undefined : heldOf(held, plan),
    }
    results[index] = await engine.part(part, plan.checksum)
  })
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

function partInfo(result: PartResult, held: ReadonlyMap<number, ListedPart>, kind: ChecksumKind): PartInfo {
  const { number, crc64, crc32c, sha256 } = result
  const etag = result.sent ? result.etag : (held.get(number)?.etag ?? '')
  if (kind === 'md5') return { number, etag, checksums: { type: 'FULL_OBJECT' } }
  if (sha256 !== undefined) return { number, etag, checksums: { type: 'COMPOSITE', sha256 } }
  if (crc32c !== undefined) return { number, etag, checksums: { type: 'FULL_OBJECT', crc32c } }
  return { number, etag, checksums: { type: 'FULL_OBJECT', crc64nvme: crc64 } }
}
