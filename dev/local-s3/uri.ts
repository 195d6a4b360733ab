import { S3Error } from './s3-error.js'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const HEX = '0123456789ABCDEF'

function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/**
 * The bytes behind a percent-encoded text as it stood on the request line (one character a byte).
 * @throws S3Error `InvalidURI` on an escape that is no escape
 */
export function percentDecode(text: string, plusIsSpace: boolean): Buffer {
  const out = Buffer.allocUnsafe(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    let byte = text.charCodeAt(at)
    if (byte === 37) {
      const high = hexValue(text.charCodeAt(at + 1))
      const low = hexValue(text.charCodeAt(at + 2))
      if (high < 0 || low < 0) throw new S3Error('InvalidURI')
      byte = high * 16 + low
      at += 2
    } else if (byte === 43 && plusIsSpace) {
      byte = 32
    }
    out[length++] = byte
  }
  return out.subarray(0, length)
}

/**
 * Bytes as a string.
 * @throws S3Error `InvalidURI` when they are not UTF-8
 */
export function utf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new S3Error('InvalidURI')
  }
}

function unreserved(byte: number): boolean {
  return (
    (byte >= 97 && byte <= 122) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 48 && byte <= 57) ||
    byte === 45 ||
    byte === 46 ||
    byte === 95
  )
}

function escape(byte: number): string {
  return `%${HEX.charAt(byte >> 4)}${HEX.charAt(byte & 15)}`
}

/** The strict encoding that Signature Version 4 prescribes (RFC 3986), with `/` kept on request. */
export function signatureEncode(bytes: Uint8Array, keepSlash: boolean): string {
  let out = ''
  for (const byte of bytes) {
    const plain = unreserved(byte) || byte === 126 || (byte === 47 && keepSlash)
    out += plain ? String.fromCharCode(byte) : escape(byte)
  }
  return out
}

/** The form encoding of keys in lists with `encoding-type=url`: space as `+`, `/` and `*` kept. */
export function listEncode(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text)) {
    if (byte === 32) out += '+'
    else out += unreserved(byte) || byte === 47 || byte === 42 ? String.fromCharCode(byte) : escape(byte)
  }
  return out
}
