import { isS3Error } from '../../s3/errors.js'
import { isHeaderRefusal } from '../../s3/if-absent.js'
import type { ChecksumKind } from '../../s3/settings.js'

/** The code of a body that went up without the server verifying its checksum. */
export const NOT_VERIFIED = 'ChecksumNotVerified'

/** Whether an error can mean that the server does not take the checksum that it was sent. */
export function isRefusal(error: unknown): boolean {
  return isHeaderRefusal(error) || isS3Error(error, NOT_VERIFIED)
}

/**
 * Tries `send` with the checksum that is wanted, and, when the server refuses it, with Content-MD5, which every server takes.
 * @returns what `send` gave, and the checksum that went through
 * @throws the first refusal when neither goes through; any other error at once
 */
export async function inSomeWay<T>(
  wanted: ChecksumKind,
  send: (kind: ChecksumKind) => Promise<T>,
): Promise<{ result: T; kind: ChecksumKind }> {
  try {
    return { result: await send(wanted), kind: wanted }
  } catch (refusal) {
    if (wanted === 'md5' || !isRefusal(refusal)) throw refusal
    const result = await send('md5').catch((error: unknown) => {
      throw isRefusal(error) ? refusal : error
    })
    return { result, kind: 'md5' }
  }
}

/** Whether a server that verified a checksum repeats it in its answer; SHA-256 is part of the signature besides. */
export function isEchoed(kind: ChecksumKind): kind is 'crc64nvme' | 'crc32c' {
  return kind === 'crc64nvme' || kind === 'crc32c'
}

/** The message about a server that does not accept the wanted checksum. */
export function noteOn(wanted: ChecksumKind): string {
  return `the server does not verify ${wanted} checksums: Content-MD5 is sent instead, which costs more CPU`
}
