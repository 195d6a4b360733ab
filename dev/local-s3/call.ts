import type { Payload } from './payload.js'
import type { Bucket } from './bucket.js'
import { Digests } from './checksum.js'
import type { IncomingBody } from './incoming-body.js'
import type { S3Request } from './request.js'
import { S3Error } from './s3-error.js'
import type { Store } from './store.js'

/** What the server was told when it started, as far as operations care. */
export interface Settings {
  readonly region: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** `http://host:port` */
  readonly endpoint: string
  /** Smallest size of a part that is not the last, in bytes. */
  readonly minPartSize: number
  /** Whether entity tags are MD5s; otherwise they are random, as with AWS KMS. */
  readonly md5Etags: boolean
  /** Whether a repeated CompleteMultipartUpload is answered with 404 instead of 200. */
  readonly forgetUploads: boolean
}

/** Largest document a request may carry, in bytes: a DeleteObjects of 1,000 long keys fits. */
const MAX_DOCUMENT = 8 * 1024 * 1024

/** One authenticated request on its way through an operation. */
export class Call {
  readonly request: S3Request
  readonly payload: Payload
  readonly store: Store
  readonly settings: Settings
  readonly #body: IncomingBody

  constructor(request: S3Request, payload: Payload, body: IncomingBody, store: Store, settings: Settings) {
    this.request = request
    this.payload = payload
    this.store = store
    this.settings = settings
    this.#body = body
  }

  /**
   * The request's bucket.
   * @throws S3Error `NoSuchBucket`
   */
  get bucket(): Bucket {
    return this.store.bucket(this.request.bucket)
  }

  /** @throws S3Error `NoSuchBucket` */
  requireBucket(): void {
    this.store.bucket(this.request.bucket)
  }

  /** The time as Amazon keeps it: whole seconds, in ms. */
  get time(): number {
    return Math.floor(this.settings.now() / 1000) * 1000
  }

  /** The payload's bytes; to be checked by {@link Payload.check} once they are all read. */
  content(): AsyncIterable<Buffer> {
    return this.payload.open(this.#body.chunks())
  }

  /**
   * The whole payload as text, checked.
   * @throws S3Error `MalformedXML` when it is too long, and what {@link Payload.check} throws
   */
  async document(): Promise<string> {
    if (this.payload.length > MAX_DOCUMENT) throw new S3Error('MalformedXML')
    const digests = new Digests(this.payload.needed)
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of this.content()) {
      digests.update(piece)
      pieces.push(piece)
      size += piece.length
      if (size > MAX_DOCUMENT) throw new S3Error('MalformedXML')
    }
    this.payload.check(size, digests)
    return Buffer.concat(pieces).toString()
  }
}
