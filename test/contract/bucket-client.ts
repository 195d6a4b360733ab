import { createHash } from 'node:crypto'
import { crc32, crc32c, crc64nvme } from 'tablesnap-io'
import type { RawAnswer, RawClient, RawRequest } from './raw-client.js'

export type Algorithm = 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256'
export const ALGORITHMS: readonly Algorithm[] = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256']

type Extra = Omit<RawRequest, 'method' | 'bucket' | 'key' | 'body'>

export function md5(data: string | Uint8Array, encoding: 'hex' | 'base64' = 'base64'): string {
  return createHash('md5').update(data).digest(encoding)
}

/** A checksum as x-amz-checksum-* carries it. */
export function checksum(algorithm: Algorithm, data: string | Uint8Array): string {
  const bytes = Buffer.from(data)
  const out = Buffer.alloc(algorithm === 'crc64nvme' ? 8 : 4)
  switch (algorithm) {
    case 'crc32':
    case 'crc32c':
      out.writeUInt32BE(algorithm === 'crc32' ? crc32(bytes) : crc32c(bytes))
      return out.toString('base64')
    case 'crc64nvme':
      out.writeBigUInt64BE(crc64nvme(bytes))
      return out.toString('base64')
    case 'sha1':
    case 'sha256':
      return createHash(algorithm).update(bytes).digest('base64')
  }
}

/** The checksum headers of an answer, without their common beginning. */
export function checksumsOf(answer: RawAnswer): Record<string, string> {
  const found = Object.keys(answer.headers).filter(name => name.startsWith('x-amz-checksum-'))
  return Object.fromEntries(
    found.map(name => [name.slice('x-amz-checksum-'.length), answer.header(name) ?? '']),
  )
}

/** A part as CompleteMultipartUpload names it. */
export interface NamedPart {
  readonly number: number
  readonly etag: string
  /** Further elements, e.g. `<ChecksumCRC32>…`. */
  readonly extra?: string
}

/** Short names for requests to one bucket. */
export class BucketClient {
  constructor(
    readonly client: RawClient,
    readonly bucket: string,
  ) {}

  send(
    method: string,
    key: string | undefined,
    extra: Omit<RawRequest, 'method' | 'bucket' | 'key'> = {},
  ): Promise<RawAnswer> {
    return this.client.send({ method, bucket: this.bucket, ...(key === undefined ? {} : { key }), ...extra })
  }

  put(key: string, body: string | Buffer, extra: Extra = {}): Promise<RawAnswer> {
    return this.send('PUT', key, { body, ...extra })
  }

  get(key: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    return this.send('GET', key, { headers })
  }

  head(key: string): Promise<RawAnswer> {
    return this.send('HEAD', key, { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
  }

  async exists(key: string): Promise<boolean> {
    return (await this.head(key)).status === 200
  }

  list(query: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    return this.send('GET', undefined, { query: { 'list-type': '2', ...query } })
  }

  /** The id of a new multipart upload. */
  async create(key: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = await this.send('POST', key, { query: { uploads: '' }, headers })
    return answer.element('UploadId') ?? ''
  }

  part(
    key: string,
    uploadId: string,
    number: number,
    body: string | Buffer,
    extra: Extra = {},
  ): Promise<RawAnswer> {
    return this.send('PUT', key, { body, ...extra, query: { partNumber: String(number), uploadId } })
  }

  /** Sends a part that must be accepted. */
  async named(
    key: string,
    uploadId: string,
    number: number,
    body: string | Buffer,
    extra: Extra = {},
  ): Promise<NamedPart> {
    const answer = await this.part(key, uploadId, number, body, extra)
    return { number, etag: answer.header('etag') ?? answer.outcome }
  }

  complete(
    key: string,
    uploadId: string,
    parts: readonly NamedPart[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    const inner = parts.map(
      part =>
        `<Part><PartNumber>${part.number}</PartNumber><ETag>${part.etag.replaceAll('"', '&quot;')}</ETag>${part.extra ?? ''}</Part>`,
    )
    const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner.join('')}</CompleteMultipartUpload>`
    return this.send('POST', key, { query: { uploadId }, headers, body })
  }
}
