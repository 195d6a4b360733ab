import { createHash, createHmac } from 'node:crypto'
import { S3Error } from './s3-error.js'
import type { Verified } from './signature.js'

const EMPTY_SHA256 = createHash('sha256').digest('hex')
const MAX_LINE = 16 * 1024
/** Amazon's smallest size of a chunk that is not the last, in bytes. */
const MIN_CHUNK = 8192

/** Takes the `aws-chunked` framing off a body; chunk and trailer signatures are checked when there are any. */
export class ChunkedDecoder {
  /** The trailing headers, by lower-case name, complete once {@link decode} has ended. */
  readonly trailers = new Map<string, string>()
  readonly #source: AsyncIterable<Buffer>
  readonly #verified: Verified
  readonly #signed: boolean
  readonly #expectsTrailer: boolean
  #signature: string
  #line = ''
  #trailer = ''
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size'
  #left = 0
  #short = false
  #declared = ''
  #hash = createHash('sha256')

  constructor(source: AsyncIterable<Buffer>, verified: Verified) {
    this.#source = source
    this.#verified = verified
    this.#signed = verified.payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
    this.#expectsTrailer = verified.payload.endsWith('-TRAILER')
    this.#signature = verified.signature
  }

  /**
   * The payload.
   * @throws S3Error `IncompleteBody`, `InvalidChunkSizeError`, `SignatureDoesNotMatch` or `MalformedTrailerError`
   */
  async *decode(): AsyncGenerator<Buffer> {
    for await (const piece of this.#source) {
      let at = 0
      while (at < piece.length) {
        if (this.#state === 'data') {
          const data = piece.subarray(at, at + this.#left)
          at += data.length
          this.#left -= data.length
          if (this.#signed) this.#hash.update(data)
          if (this.#left === 0) this.#state = 'data-end'
          yield data
          continue
        }
        const end = piece.indexOf(10, at)
        this.#line += piece.toString('latin1', at, end < 0 ? piece.length : end)
        if (this.#line.length > MAX_LINE) throw new S3Error('IncompleteBody')
        if (end < 0) break
        at = end + 1
        const line = this.#line
        this.#line = ''
        if (!line.endsWith('\r'))
          throw new S3Error('IncompleteBody', 'A line of the chunked body does not end in CRLF')
        this.#takeLine(line.slice(0, -1))
      }
    }
    if (this.#state !== 'done' || this.#line !== '') throw new S3Error('IncompleteBody')
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case 'size':
        this.#startChunk(line)
        return
      case 'data-end':
        if (line !== '') throw new S3Error('IncompleteBody')
        this.#endChunk()
        this.#state = 'size'
        return
      case 'trailer':
        this.#takeTrailer(line)
        return
      case 'data':
      case 'done':
        if (line !== '') throw new S3Error('IncompleteBody', 'There are bytes behind the last chunk')
    }
  }

  #startChunk(line: string): void {
    const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line)
    const size = match?.[1]
    if (size === undefined || (match?.[2] === undefined) === this.#signed) {
      throw new S3Error('IncompleteBody', 'A chunk header is malformed')
    }
    this.#declared = match?.[2] ?? ''
    this.#left = Number.parseInt(size, 16)
    if (this.#left > 0) {
      if (this.#short) throw new S3Error('InvalidChunkSizeError')
      this.#short = this.#left < MIN_CHUNK
      this.#state = 'data'
      return
    }
    this.#endChunk()
    this.#state = 'trailer'
  }

  #endChunk(): void {
    if (!this.#signed) return
    const hash = this.#hash.digest('hex')
    this.#hash = createHash('sha256')
    this.#checkSignature('AWS4-HMAC-SHA256-PAYLOAD', [EMPTY_SHA256, hash], this.#declared)
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      this.#state = 'done'
      if (!this.#expectsTrailer) return
      if (this.trailers.size === 0) throw new S3Error('MalformedTrailerError')
      if (this.#signed && this.#trailer !== '')
        throw new S3Error('MalformedTrailerError', 'The trailer is not signed')
      return
    }
    const colon = line.indexOf(':')
    if (colon < 1 || !this.#expectsTrailer) throw new S3Error('MalformedTrailerError')
    const name = line.slice(0, colon).toLowerCase().trim()
    const value = line.slice(colon + 1).trim()
    if (name === 'x-amz-trailer-signature') {
      const hash = createHash('sha256').update(this.#trailer, 'latin1').digest('hex')
      this.#checkSignature('AWS4-HMAC-SHA256-TRAILER', [hash], value)
      this.#trailer = ''
      return
    }
    this.trailers.set(name, value)
    this.#trailer += `${name}:${value}\n`
  }

  #checkSignature(algorithm: string, hashes: readonly string[], declared: string): void {
    const { timestamp, scope, signingKey } = this.#verified
    const stringToSign = [algorithm, timestamp, scope, this.#signature, ...hashes].join('\n')
    this.#signature = createHmac('sha256', signingKey).update(stringToSign).digest('hex')
    if (this.#signature !== declared)
      throw new S3Error('SignatureDoesNotMatch', undefined, { StringToSign: stringToSign })
  }
}
