import type { Operation } from './operation.js'
import type { S3Request } from './request.js'

/** One thing that goes wrong. Build them with the functions of {@link faults}. */
export type Fault =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly code: string
      readonly headers: Readonly<Record<string, string>>
      /** When it is sent: once the body is in, or at once; `early-close` closes the connection then. */
      readonly when: 'after-body' | 'early' | 'early-close'
    }
  | { readonly kind: 'error-body'; readonly code: string; readonly done: boolean }
  | { readonly kind: 'document'; readonly xml: string }
  | { readonly kind: 'reset'; readonly afterBytes: number }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'delay'; readonly until: number | Promise<unknown> }
  | { readonly kind: 'trickle'; readonly bytes: number; readonly everyMs: number }
  | { readonly kind: 'silence' }
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'corrupt'; readonly offset: number }

type AnswerOptions = {
  readonly when?: 'after-body' | 'early' | 'early-close'
  readonly headers?: Readonly<Record<string, string>>
}

/** The faults there are. */
export const faults = {
  /** An `<Error>` answer of this status and code instead of the operation; the body is read first unless `when` says otherwise. */
  answer: (status: number, code: string, options: AnswerOptions = {}): Fault => ({
    kind: 'answer',
    status,
    code,
    headers: options.headers ?? {},
    when: options.when ?? 'after-body',
  }),
  /** 503 SlowDown, as Amazon throttles. */
  slowDown: (options: AnswerOptions = {}): Fault => faults.answer(503, 'SlowDown', options),
  /** 429 TooManyRequests, as MinIO throttles. */
  tooManyRequests: (options: AnswerOptions = {}): Fault => faults.answer(429, 'TooManyRequests', options),
  /** 500 InternalError. */
  internalError: (options: AnswerOptions = {}): Fault => faults.answer(500, 'InternalError', options),
  /** 200 with an `<Error>` document as the body; the operation is not done, unless `done`. */
  errorBody: (code = 'InternalError', done = false): Fault => ({ kind: 'error-body', code, done }),
  /** 200 with this document instead of the operation. */
  document: (xml: string): Fault => ({ kind: 'document', xml }),
  /** A LIST that shows nothing, as one that lags behind. */
  emptyList: (): Fault =>
    faults.document('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'),
  /** The connection is cut once so many bytes of the body have been read; nothing is done. */
  reset: (afterBytes = 0): Fault => ({ kind: 'reset', afterBytes }),
  /** The operation is done; the answer's body ends after so many bytes, short of its Content-Length, and the connection closes. */
  truncate: (bytes: number): Fault => ({ kind: 'truncate', bytes }),
  /** The operation waits: so many milliseconds, or until the promise settles. */
  delay: (until: number | Promise<unknown>): Fault => ({ kind: 'delay', until }),
  /** The answer's body is sent in pieces of so many bytes, one every so many milliseconds. */
  trickle: (bytes: number, everyMs: number): Fault => ({ kind: 'trickle', bytes, everyMs }),
  /** The request is read, nothing is done and nothing is ever answered. */
  silence: (): Fault => ({ kind: 'silence' }),
  /** The operation is done and the connection cut before its answer. */
  loseAnswer: (): Fault => ({ kind: 'lose-answer' }),
  /** One bit of the answer's body is flipped in the byte at the offset. */
  corrupt: (offset = 0): Fault => ({ kind: 'corrupt', offset }),
} as const

/** Which requests a fault meets; what is left out matches everything. */
export interface FaultRule {
  /** Amazon's API name, e.g. `UploadPart`, or an HTTP method. */
  readonly on?: Operation | 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly bucket?: string
  /** The whole key, or a pattern. */
  readonly key?: string | RegExp
  /** The whole prefix that a LIST asks for. */
  readonly prefix?: string
  /** How many matching requests it meets; default 1, Infinity for all. */
  readonly count?: number
  /** How many matching requests pass before; default 0. */
  readonly skip?: number
  readonly fault: Fault
}

/** A rule at work. */
export interface ActiveRule {
  /** Requests met so far. */
  readonly hits: number
  /** Takes the rule away. */
  remove(): void
}

class ScriptedRule implements ActiveRule {
  hits = 0
  readonly #rule: FaultRule
  #toSkip: number
  #left: number

  constructor(rule: FaultRule) {
    this.#rule = rule
    this.#toSkip = rule.skip ?? 0
    this.#left = rule.count ?? 1
  }

  /** Whether it has met all its requests. */
  get spent(): boolean {
    return this.#left <= 0
  }

  take(request: S3Request): Fault | undefined {
    if (this.spent || !this.#matches(request)) return undefined
    if (this.#toSkip > 0) {
      this.#toSkip--
      return undefined
    }
    this.hits++
    this.#left--
    return this.#rule.fault
  }

  remove(): void {
    this.#left = 0
  }

  #matches(request: S3Request): boolean {
    const { on, bucket, key, prefix } = this.#rule
    if (on !== undefined && on !== request.operation && on !== request.method) return false
    if (bucket !== undefined && bucket !== request.bucket) return false
    if (prefix !== undefined && prefix !== request.parameter('prefix')) return false
    if (typeof key === 'string') return key === request.key
    return key === undefined || request.key.search(key) >= 0
  }
}

/** What is to go wrong, in the order in which it was said; one request meets at most one fault. */
export class FaultScript {
  #rules: ScriptedRule[] = []

  /** Adds a rule behind those that are there. */
  add(rule: FaultRule): ActiveRule {
    const active = new ScriptedRule(rule)
    this.#rules.push(active)
    return active
  }

  /** Takes every rule away. */
  clear(): void {
    this.#rules = []
  }

  /** Rules that have not met all their requests yet. */
  get pending(): number {
    return this.#rules.filter(rule => !rule.spent).length
  }

  /** The fault that this request meets, if any. */
  take(request: S3Request): Fault | undefined {
    this.#rules = this.#rules.filter(rule => !rule.spent)
    for (const rule of this.#rules) {
      const fault = rule.take(request)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}
