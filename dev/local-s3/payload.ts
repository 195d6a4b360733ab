import { ChunkedDecoder } from './aws-chunked.js'
import {
  CHECKSUM_ALGORITHMS,
  checksumAlgorithm,
  type Digests,
  isChecksumValue,
  type ChecksumAlgorithm,
} from './checksum.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import type { Verified } from './signature.js'

const STREAMING = new Set([
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
])

/** The one checksum a request announces, in a header (with its value) or as a trailer (value unknown yet). */
export interface AnnouncedChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly value: string | undefined
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/**
 * The checksum that a request announces, or undefined.
 * @throws S3Error `InvalidRequest` when it is malformed, or there are several
 */
export function announcedChecksum(request: S3Request): AnnouncedChecksum | undefined {
  const found = CHECKSUM_ALGORITHMS.flatMap(algorithm => {
    const value = request.header(`x-amz-checksum-${algorithm}`)
    return value === undefined ? [] : [{ algorithm, value }]
  })
  const trailer = request.header('x-amz-trailer')
  if (found.length + (trailer === undefined ? 0 : 1) > 1) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    )
  }
  const named = request.header('x-amz-sdk-checksum-algorithm')
  const first = found[0]
  let announced: AnnouncedChecksum | undefined = first
  if (first !== undefined && !isChecksumValue(first.algorithm, first.value)) {
    throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${first.algorithm} header is invalid.`)
  }
  if (trailer !== undefined) {
    const algorithm = checksumAlgorithm(trailer.toLowerCase().replace(/^x-amz-checksum-/, ''))
    if (algorithm === undefined) {
      throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')
    }
    announced = { algorithm, value: undefined }
  }
  if (named === undefined) return announced
  if (announced === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (checksumAlgorithm(named) !== announced.algorithm) {
    throw new S3Error('InvalidRequest', 'Value for x-amz-sdk-checksum-algorithm header is invalid.')
  }
  return announced
}

/** What a request promises about its body, and the check that the body kept it. */
export class Payload {
  /** Bytes of the payload, framing not counted. */
  readonly length: number
  readonly checksum: AnnouncedChecksum | undefined
  readonly #verified: Verified
  readonly #md5: Buffer | undefined
  readonly #streaming: boolean
  #decoder: ChunkedDecoder | undefined

  /** @throws S3Error when a promise is missing or malformed: `MissingContentLength`, `InvalidDigest`, `InvalidRequest`, `InvalidArgument` */
  constructor(request: S3Request, verified: Verified) {
    this.#verified = verified
    this.#streaming = STREAMING.has(verified.payload)
    const plain = verified.payload === 'UNSIGNED-PAYLOAD' || /^[0-9a-f]{64}$/.test(verified.payload)
    if (!plain && !this.#streaming) {
      throw new S3Error(
        'InvalidArgument',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
      )
    }
    const length = wholeNumber(
      request.header(this.#streaming ? 'x-amz-decoded-content-length' : 'content-length'),
    )
    const absent =
      request.method === 'PUT' || request.header('transfer-encoding') !== undefined || this.#streaming
    if (request.header('transfer-encoding') !== undefined || (length === undefined && absent)) {
      throw new S3Error('MissingContentLength')
    }
    this.length = length ?? 0
    // There the checksum headers speak of the whole object, not of the body.
    this.checksum = request.operation === 'CompleteMultipartUpload' ? undefined : announcedChecksum(request)
    const wantsTrailer = this.checksum !== undefined && this.checksum.value === undefined
    if (wantsTrailer !== verified.payload.endsWith('-TRAILER')) {
      throw new S3Error('InvalidRequest', 'x-amz-trailer and x-amz-content-sha256 do not agree')
    }
    const md5 = request.header('content-md5')
    if (md5 !== undefined) {
      this.#md5 = Buffer.from(md5, 'base64')
      if (this.#md5.length !== 16 || this.#md5.toString('base64') !== md5) throw new S3Error('InvalidDigest')
    }
  }

  /** Whether a Content-MD5 or a checksum came along. */
  get hasIntegrity(): boolean {
    return this.#md5 !== undefined || this.checksum !== undefined
  }

  /** The payload within the bytes of the connection. */
  open(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    if (!this.#streaming) return source
    this.#decoder = new ChunkedDecoder(source, this.#verified)
    return this.#decoder.decode()
  }

  /** The digests that {@link check} will look at. */
  get needed(): readonly (ChecksumAlgorithm | 'md5')[] {
    const needed: (ChecksumAlgorithm | 'md5')[] = []
    if (this.#md5 !== undefined) needed.push('md5')
    if (this.checksum !== undefined) needed.push(this.checksum.algorithm)
    if (/^[0-9a-f]{64}$/.test(this.#verified.payload)) needed.push('sha256')
    return needed
  }

  /** @throws S3Error `IncompleteBody`, `XAmzContentSHA256Mismatch`, `BadDigest` or `MalformedTrailerError` */
  check(size: number, digests: Digests): void {
    if (size !== this.length) throw new S3Error('IncompleteBody')
    const { payload } = this.#verified
    if (/^[0-9a-f]{64}$/.test(payload)) {
      const computed = digests.digest('sha256').toString('hex')
      if (computed !== payload) {
        throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
          ClientComputedContentSHA256: payload,
          S3ComputedContentSHA256: computed,
        })
      }
    }
    if (this.#md5 !== undefined && !this.#md5.equals(digests.digest('md5'))) {
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
    }
    this.#checkChecksum(digests)
  }

  #checkChecksum(digests: Digests): void {
    if (this.checksum === undefined) return
    const { algorithm } = this.checksum
    const value = this.checksum.value ?? this.#decoder?.trailers.get(`x-amz-checksum-${algorithm}`)
    if (value === undefined) throw new S3Error('MalformedTrailerError')
    if (!isChecksumValue(algorithm, value)) {
      throw new S3Error('InvalidRequest', `Value for x-amz-checksum-${algorithm} trailing header is invalid.`)
    }
    if (value !== digests.digest(algorithm).toString('base64')) {
      throw new S3Error(
        'BadDigest',
        `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
      )
    }
  }
}
