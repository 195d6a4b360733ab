import type { HttpResponse } from '../../src/s3/connection.js'
import { S3Client, type S3Request } from '../../src/s3/client.js'

/** Requests that one call may send; beyond them it would never end. */
const MOST = 100

/** A client that gets one answer to everything, without a network. */
export class FixedClient extends S3Client {
  response: HttpResponse = { status: 200, headers: {}, body: Buffer.alloc(0) }
  #sent = 0

  constructor() {
    super({
      access: {
        settings: { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', pathStyle: true, bucket: 'bucket' },
        credentials: () => ({ accessKeyId: 'k', secretAccessKey: 's' }),
        retry: { retries: 0, base: 1, cap: 1 },
      },
      lines: { connections: 1 },
    })
  }

  /** Sets the answer of all requests to come. */
  answer(response: Partial<HttpResponse>): this {
    this.response = { status: 200, headers: {}, body: Buffer.alloc(0), ...response }
    this.#sent = 0
    return this
  }

  override once({ into }: S3Request): Promise<HttpResponse> {
    if (++this.#sent > MOST) return Promise.reject(new Error('the same call goes on for ever'))
    const { body } = this.response
    if (into === undefined) return Promise.resolve(this.response)
    return Promise.resolve({ ...this.response, body: into.subarray(0, body.copy(into)) })
  }
}
