import { TablesnapError, errorCode } from '../../errors.js'
import { isS3Error } from '../../s3/errors.js'

/**
 * What a failure is of: this file alone; or one that other files will not escape either, of our own disk, of rights and
 * what was asked for, or of the server, should it give nothing to others meanwhile.
 */
export type FailureOf = 'file' | 'disk' | 'rights' | 'server'

const DISK: ReadonlySet<string> = new Set(['NO_SPACE', 'FILE_UNWRITABLE'])

const RIGHTS: ReadonlySet<string> = new Set(['OWNER_REFUSED', 'OWNER_UNKNOWN'])

/** S3's codes that say that it will serve us nothing at all. */
const REFUSED: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
])

/** Errors after which what came of a file is of no use. */
const USELESS: ReadonlySet<string> = new Set(['OBJECT_DAMAGED', 'OBJECT_CHANGED', 'OBJECT_GONE'])

/** Judges what ended the transfer of a file, after all repetitions, or kept a set from its place. */
export function judge(error: unknown): { readonly of: FailureOf; readonly useless: boolean } {
  if (!(error instanceof TablesnapError)) return { of: 'file', useless: false }
  const useless = USELESS.has(error.code)
  if (DISK.has(error.code) || errorCode(error.cause) === 'ENOSPC') return { of: 'disk', useless }
  if (RIGHTS.has(error.code)) return { of: 'rights', useless }
  if (isS3Error(error) && (error.retry || REFUSED.has(error.s3Code))) return { of: 'server', useless }
  return { of: 'file', useless }
}
