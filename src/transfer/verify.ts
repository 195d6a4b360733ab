import { eachOf } from '../concurrency.js'
import { TablesnapError } from '../errors.js'
import type { S3Client } from '../s3/client.js'
import { headPart, type ObjectInfo } from '../s3/object.js'

import { Digest, type DigestKind } from './download/digest.js'
import type { LocalFile } from './download/download-task.js'
import { expectedOf, type PartsDigest } from './download/expected.js'
import type { Engine } from './pool/engine.js'

/** The resources for comparing a file with an object. */
export interface CheckDeps {
  readonly client: S3Client
  readonly engine: Engine
  readonly signal?: AbortSignal | undefined
}

/** Whether a file holds an object's content; digests in hex. */
export type Check =
  | { readonly match: 'same' }
  | ({ readonly match: 'other' } & Difference)
  /** The server says nothing that could be compared, or something that `differs`, for which there may be another reason. */
  | { readonly match: 'unknown'; readonly differs?: Difference }

/** Two digests that should be the same. */
export interface Difference {
  /** What of, e.g. `md5 of 3 parts`. */
  readonly digest: string
  readonly expected: string
  readonly found: string
}

/**
 * Compares a file with an object of the same size by reading it once, or, where the server knows digests of the
 * object's parts only, part by part.
 * @throws S3Error; TablesnapError `FILE_UNREADABLE`
 */
export async function checkFile(
  deps: CheckDeps,
  file: LocalFile,
  key: string,
  info: ObjectInfo,
): Promise<Check> {
  const expected = expectedOf(info)
  if (expected === undefined) return { match: 'unknown' }
  const { digest, value } = expected
  if (expected.kind === 'whole') {
    return verdict(digest, value, await digestRange(deps, file, 0, info.size, digest))
  }
  const found = await digestOfParts(deps, file, key, info, expected)
  if (found === undefined) return { match: 'unknown' }
  const check = verdict(
    `${digest} of ${expected.parts} ${expected.parts === 1 ? 'part' : 'parts'}`,
    value,
    found,
  )
  if (check.match !== 'other' || expected.certain) return check
  return { match: 'unknown', differs: check }
}

/**
 * Whether a file of `size` bytes has a CRC-64/NVME; reads it once. @param crc64 16 hex digits
 * @throws TablesnapError `FILE_UNREADABLE`
 */
export async function hasCrc64(
  deps: CheckDeps,
  file: LocalFile,
  size: number,
  crc64: string | undefined,
): Promise<boolean> {
  return (await digestRange(deps, file, 0, size, 'crc64nvme')) === crc64
}

/**
 * Whether a run of a file has a digest; reads it once. @param value hex
 * @throws TablesnapError `FILE_UNREADABLE`, also where the file ends before it
 */
export async function hasDigest(
  deps: CheckDeps,
  file: LocalFile,
  { start, bytes }: { start: number; bytes: number },
  digest: DigestKind,
  value: string,
): Promise<boolean> {
  return (await digestRange(deps, file, start, bytes, digest)) === value
}

function verdict(digest: string, expected: string, found: string): Check {
  return found === expected ? { match: 'same' } : { match: 'other', digest, expected, found }
}

async function digestRange(
  { engine, signal }: CheckDeps,
  file: LocalFile,
  start: number,
  bytes: number,
  digest: DigestKind,
): Promise<string> {
  signal?.throwIfAborted()
  const { fd, path } = file
  const result = await engine.download({ kind: 'download', what: 'digest', fd, path, start, bytes, digest })
  if (result.what === 'digest') return result.digest
  throw new TablesnapError({ code: 'INTERNAL', message: `a worker answered ${result.what} to digest` })
}

/** The digest over the parts' digests in binary, as S3 makes it; undefined where the server does not tell the parts. */
async function digestOfParts(
  deps: CheckDeps,
  file: LocalFile,
  key: string,
  info: ObjectInfo,
  { digest, parts }: PartsDigest,
): Promise<string | undefined> {
  const { client, engine, signal } = deps
  const first = await headPart(client, key, { number: 1, etag: info.etag }, signal)
  if (first === undefined) return undefined
  // A size that the server does not tell leaves the sum wrong.
  const sizes = new Array<number>(parts).fill(first)
  await eachOf(sizes.keys(), engine.width, async index => {
    if (index > 0)
      sizes[index] = (await headPart(client, key, { number: index + 1, etag: info.etag }, signal)) ?? Infinity
  })
  if (sizes.reduce((sum, size) => sum + size, 0) !== info.size) return undefined
  const starts: number[] = []
  let at = 0
  for (const size of sizes) {
    starts.push(at)
    at += size
  }
  const digests = new Array<Buffer>(parts)
  await eachOf(sizes.entries(), engine.width, async ([index, size]) => {
    digests[index] = Buffer.from(await digestRange(deps, file, starts[index] ?? 0, size, digest), 'hex')
  })
  return new Digest(digest).update(Buffer.concat(digests)).end()
}
