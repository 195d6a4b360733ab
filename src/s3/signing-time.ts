import type { S3Request } from './client-options.js'
import type { S3Error } from './errors.js'
import { monotonic, type ServerTime } from './server-time.js'

/** By how much the machine's time of day may differ from the server's, ms. S3 refuses requests beyond 15 min; AWS's own clients correct beyond 5. */
const TOLERANCE = 5 * 60_000

/** Codes that say that a request was signed with a wrong time. */
const SKEWED: ReadonlySet<string> = new Set(['RequestTimeTooSkewed', 'RequestExpired'])

/**
 * The time that requests are signed with. It is the machine's own until the server refuses a request and the answer shows that the machine's
 * clock is wrong: from then on it is the server's, wherever the two differ. A Date alone changes nothing, as a proxy may have written it.
 */
export class SigningTime {
  readonly #server: ServerTime
  #believesServer = false

  constructor(server: ServerTime) {
    this.#server = server
  }

  /** Whether requests are signed with the server's time where it differs. */
  get believesServer(): boolean {
    return this.#believesServer
  }

  /** ms since 1970 */
  now(): number {
    const own = Date.now()
    const server = this.#serverNow()
    return this.#believesServer && differ(own, server) ? server : own
  }

  /**
   * Whether a request was refused for its time and may succeed with {@link now}, which is another one then. The answer to HEAD has no code:
   * any refusal may be for the time.
   * @param signed the time that the request was signed with, ms since 1970
   */
  refuses({ method }: S3Request, { s3Code, status }: S3Error, signed: number): boolean {
    const isSaid = SKEWED.has(s3Code)
    const mayBe = method === 'HEAD' && (status === 400 || status === 403)
    if (!isSaid && !mayBe) return false
    if (differ(signed, this.#serverNow())) this.#believesServer = true
    else if (isSaid && differ(signed, Date.now())) this.#believesServer = false
    else return false
    return true
  }

  /** NaN before the first answer. */
  #serverNow(): number {
    return monotonic() + (this.#server.offset ?? NaN)
  }
}

function differ(one: number, other: number): boolean {
  return Math.abs(one - other) > TOLERANCE
}
