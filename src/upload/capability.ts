import { isS3Error } from '../s3/errors.js'
import type { ChecksumKind } from '../s3/settings.js'

/** What of our requests the server takes; found out at first use. */
export interface Capability {
  readonly checksum: ChecksumKind
  /** If-None-Match: * on PUT. */
  readonly conditional: boolean
}

/**
 * Whether the server refuses to write over an object when it is asked to (If-None-Match), or looks past the question;
 * found out once, for all threads.
 */
export interface Overwriting {
  state: 'unknown' | 'refused' | 'allowed'
}

/** The code of a body that went up without the server verifying its checksum. */
export const NOT_VERIFIED = 'ChecksumNotVerified'

/** Codes with which servers refuse a header that they do not know, beside status 501. */
const UNSUPPORTED = [
  'NotImplemented',
  'InvalidRequest',
  'InvalidArgument',
  'UnsupportedArgument',
  'BadRequest',
  NOT_VERIFIED,
]

/** Whether an error can mean that the server does not take what was asked of it. */
export function isRefusal(error: unknown): boolean {
  return isS3Error(error, 501, ...UNSUPPORTED)
}

/** Lesser ways to send after a refusal, most able first; empty when the error has another cause. */
export function lesser(capability: Capability, error: unknown): Capability[] {
  if (!isS3Error(error) || !isRefusal(error)) return []
  const unconditional = { ...capability, conditional: false }
  const md5: Capability = { ...capability, checksum: 'md5' }
  const both: Capability = { checksum: 'md5', conditional: false }
  const ways = /checksum|crc|algorithm/i.test(error.message)
    ? [md5, unconditional, both]
    : [unconditional, md5, both]
  return ways.filter(
    (way, i) =>
      (way.checksum !== capability.checksum || way.conditional !== capability.conditional) &&
      ways.findIndex(other => other.checksum === way.checksum && other.conditional === way.conditional) === i,
  )
}

/**
 * Tries `send` as asked and, while the server refuses, in ever lesser ways.
 * @returns what `send` gave, and the way that went through
 * @throws the first refusal when no way goes through; any other error at once
 */
export async function inSomeWay<T>(
  wanted: Capability,
  send: (way: Capability) => Promise<T>,
): Promise<{ result: T; way: Capability }> {
  let ways: Capability[] | undefined
  let refusal: unknown
  for (let way: Capability | undefined = wanted; way !== undefined; way = ways.shift()) {
    try {
      return { result: await send(way), way }
    } catch (error) {
      if (!isRefusal(error)) throw error
      refusal ??= error
      ways ??= lesser(wanted, error)
    }
  }
  throw refusal
}

/** Whether a server that verified a checksum repeats it in its answer; SHA-256 is part of the signature besides. */
export function isEchoed(kind: ChecksumKind): kind is 'crc64nvme' | 'crc32c' {
  return kind === 'crc64nvme' || kind === 'crc32c'
}

/** What to tell the operator about a server that takes less than was asked for. */
export function noteOn(wanted: Capability, got: Capability): string[] {
  const notes: string[] = []
  if (got.checksum !== wanted.checksum) {
    notes.push(
      `the server does not verify ${wanted.checksum} checksums: Content-MD5 is sent instead, which costs more CPU`,
    )
  }
  if (got.conditional !== wanted.conditional) {
    notes.push(
      'the server has no conditional writes (If-None-Match): every key is looked up before it is written',
    )
  }
  return notes
}
