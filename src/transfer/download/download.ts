import { TablesnapError } from '../../errors.js'
import type { S3Client } from '../../s3/client.js'
import { getObject, getRange } from '../../s3/object.js'

import { Digest } from './digest.js'
import type {
  DigestFileResult,
  DigestFileTask,
  DownloadResult,
  DownloadTask,
  ObjectResult,
  ObjectTask,
  RangeResult,
  RangeTask,
} from './download-task.js'
import { expectedOf, type Expected } from './expected.js'
import { readLocal, writeFully, writePast } from './file.js'

/**
 * The worker's side of a restore: bytes go from the socket into the buffer, are checksummed there and written.
 * @param buffer at least as long as the object or the range
 * @throws S3Error, or TablesnapError `OBJECT_DAMAGED`, `OBJECT_CHANGED`, `NO_SPACE`, `FILE_UNWRITABLE`, `FILE_UNREADABLE`
 */
export async function download(
  client: S3Client,
  task: DownloadTask,
  buffer: Buffer,
  signal?: AbortSignal,
): Promise<DownloadResult> {
  switch (task.what) {
    case 'object':
      return fetchObject(client, task, buffer, signal)
    case 'range':
      return fetchRange(client, task, buffer, signal)
    case 'digest':
      return digestFile(task, buffer)
  }
}

async function fetchObject(
  client: S3Client,
  task: ObjectTask,
  buffer: Buffer,
  signal: AbortSignal | undefined,
): Promise<ObjectResult> {
  const { info, body } = await getObject(client, task.key, { into: buffer, signal })
  if (body.length !== task.size) throw changed(task.key, task.size, body.length)
  const { crc64 } = task
  const expected: Expected | undefined =
    crc64 === undefined ? expectedOf(info) : { kind: 'whole', digest: 'crc64nvme', value: crc64 }
  const verified = expected?.kind === 'whole'
  if (verified) {
    const found = new Digest(expected.digest).update(body).end()
    if (found !== expected.value) throw damaged(task.key, expected.digest, expected.value, found)
  }
  await writeFully(task, 0, body)
  return { what: 'object', info, verified }
}

async function fetchRange(
  client: S3Client,
  task: RangeTask,
  buffer: Buffer,
  signal: AbortSignal | undefined,
): Promise<RangeResult> {
  const into = buffer.subarray(0, task.bytes)
  await getRange(client, task.key, { start: task.start, etag: task.etag, into }, signal)
  const crc = new Digest(task.crc).update(into).end()
  await writePast(task, task.start, into)
  return { what: 'range', crc }
}

async function digestFile(task: DigestFileTask, buffer: Buffer): Promise<DigestFileResult> {
  const digest = new Digest(task.digest)
  for (let at = 0; at < task.bytes; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, task.bytes - at))
    await readLocal(task, task.start + at, piece)
    digest.update(piece)
  }
  return { what: 'digest', digest: digest.end() }
}

/** The error of an object whose content has changed since the upload. Digests are in hex. */
export function damaged(
  key: string,
  digest: string,
  expected: string,
  found: string,
  hint = '',
): TablesnapError {
  return new TablesnapError({
    code: 'OBJECT_DAMAGED',
    message: `the object is damaged: its ${digest} should be ${expected} and is ${found}${hint}`,
    step: { operation: 'GetObject', key },
  })
}

/** The error of an object that has another size than when it was listed, bytes. */
export function changed(key: string, expected: number, found: number): TablesnapError {
  return new TablesnapError({
    code: 'OBJECT_CHANGED',
    message: `the object changed during the restore: it had ${expected} bytes and now has ${found}; run the restore again`,
    step: { operation: 'GetObject', key },
  })
}
