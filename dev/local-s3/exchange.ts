import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Call, type Settings } from './call.js'
import type { Fault, FaultScript } from './fault.js'
import { cutConnection, IncomingBody } from './incoming-body.js'
import { perform } from './operations.js'
import { Payload } from './payload.js'
import { authorize } from './policy.js'
import { codeReply, errorReply, xmlReply, type Reply } from './reply.js'
import { logRequest, type RequestRecord } from './request-log.js'
import { S3Request } from './request.js'
import { ConnectionGone } from './s3-error.js'
import { send } from './sender.js'
import type { SignatureVerifier } from './signature.js'
import type { Store } from './store.js'

/** What all requests of a server share. */
export interface Service {
  readonly store: Store
  readonly verifier: SignatureVerifier
  readonly settings: Settings
  readonly faults: FaultScript
  readonly requests: RequestRecord[]
  /** What follows the bucket in a virtual-host style Host header. */
  readonly domain: string
  /** Aborted when the server closes. */
  readonly signal: AbortSignal
}

/** After a refusal the rest of a body is still read, up to so many bytes; beyond, the connection is closed. */
const MAX_DRAIN = 64 * 1024 * 1024

/** One request and its answer. */
export class Exchange {
  readonly #service: Service
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  readonly #body: IncomingBody
  readonly #requestId = randomBytes(8).toString('hex').toUpperCase()
  #fault: Fault | undefined

  constructor(
    service: Service,
    message: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ) {
    this.#service = service
    this.#message = message
    this.#response = response
    this.#body = new IncomingBody(message, response, expectsContinue)
  }

  /** Carries it out; never throws. */
  async run(): Promise<void> {
    const { requests, domain, settings } = this.#service
    let request: S3Request | undefined
    let failure: unknown
    try {
      request = new S3Request(this.#message, domain)
    } catch (error) {
      failure = error
    }
    const record = logRequest(requests, this.#message, request, settings.now())
    let reply: Reply | undefined
    try {
      reply = request === undefined ? this.#refusal(failure) : await this.#answer(request, record)
      if (reply !== undefined) await this.#send(reply, record)
    } catch {
      cutConnection(this.#message)
    } finally {
      if (typeof reply?.body === 'object') reply.body.close()
      record.bytes = this.#body.received
    }
  }

  #refusal(error: unknown, request?: S3Request): Reply {
    return errorReply(error, request?.resource ?? '', this.#requestId)
  }

  /** Undefined when there is to be no answer. */
  async #answer(request: S3Request, record: RequestRecord): Promise<Reply | undefined> {
    const fault = this.#service.faults.take(request)
    this.#fault = fault
    record.fault = fault?.kind
    if (fault !== undefined) {
      const instead = await this.#before(fault, request)
      if (instead !== undefined) return instead
      if (fault.kind === 'silence') return undefined
    }
    try {
      const reply = await this.#perform(request)
      if (fault?.kind === 'lose-answer') {
        if (typeof reply.body === 'object') reply.body.close()
        throw new ConnectionGone('A fault lost the answer')
      }
      return fault?.kind === 'error-body' ? this.#errorBody(fault.code, request) : reply
    } catch (error) {
      if (error instanceof ConnectionGone) throw error
      return this.#refusal(error, request)
    }
  }

  async #perform(request: S3Request): Promise<Reply> {
    const { verifier, store, settings } = this.#service
    const verified = verifier.verify(request)
    if (verified.policy !== undefined) authorize(request, verified.policy)
    return perform(new Call(request, new Payload(request, verified), this.#body, store, settings))
  }

  /** What a fault does before the operation; a reply stands in for the operation's. */
  async #before(fault: Fault, request: S3Request): Promise<Reply | undefined> {
    switch (fault.kind) {
      case 'answer': {
        if (fault.when === 'after-body') await this.#body.discard(Infinity)
        const reply = codeReply(fault.status, fault.code, 'A fault was asked for.', {
          Resource: request.resource,
          RequestId: this.#requestId,
        })
        return { ...reply, headers: { ...reply.headers, ...fault.headers } }
      }
      case 'error-body':
        if (fault.done) return undefined
        await this.#body.discard(Infinity)
        return this.#errorBody(fault.code, request)
      case 'document':
        await this.#body.discard(Infinity)
        return xmlReply(fault.xml)
      case 'reset':
        this.#body.cutAfter = fault.afterBytes
        await this.#body.discard(Infinity)
        throw new ConnectionGone('A fault cut the connection')
      case 'delay':
        await this.#wait(fault.until)
        return undefined
      case 'silence':
        await this.#body.discard(Infinity)
        return undefined
      case 'truncate':
      case 'trickle':
      case 'lose-answer':
      case 'corrupt':
        return undefined
    }
  }

  /** @throws AbortError when the server closes meanwhile */
  async #wait(until: number | Promise<unknown>): Promise<void> {
    const { signal } = this.#service
    if (typeof until === 'number') {
      await sleep(until, undefined, { signal })
      return
    }
    const closed = new Promise<void>(resolve =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    await Promise.race([until, closed])
    signal.throwIfAborted()
  }

  #errorBody(code: string, request: S3Request): Reply {
    return codeReply(200, code, 'A fault was asked for.', {
      Resource: request.resource,
      RequestId: this.#requestId,
    })
  }

  async #send(reply: Reply, record: RequestRecord): Promise<void> {
    const { settings, signal } = this.#service
    const early = this.#fault?.kind === 'answer' && this.#fault.when !== 'after-body'
    let close = early && this.#fault?.kind === 'answer' && this.#fault.when === 'early-close'
    // A client that waits for 100 Continue is refused before it sends anything.
    if (this.#body.unasked) close = true
    else if (!early) close = !(await this.#body.discard(MAX_DRAIN))
    record.bytes = this.#body.received
    await send(
      this.#response,
      reply,
      { requestId: this.#requestId, now: settings.now(), close, signal },
      record,
      this.#fault,
    )
    record.bytes = this.#body.received
    if (early && !close) await this.#body.discard(Infinity)
  }
}
