import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConnectionGone } from './s3-error.js'

/** Cuts the connection at once; the peer sees a reset where the platform lets us send one. */
export function cutConnection(message: IncomingMessage): void {
  const { socket } = message
  // A TLS socket has no handle of its own that could send a reset. While its end is being sent, Node would leave the
  // handle half closed, and then never come to the end of its own exit.
  if ('encrypted' in socket || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** The bytes of one request as they come in, counted; read at most once. */
export class IncomingBody {
  /** Bytes read so far. */
  received = 0
  /** Cut the connection once this many bytes have been read; undefined for never. */
  cutAfter: number | undefined
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  #continuePending: boolean

  /** @param expectsContinue the client waits for `100 Continue` before it sends the body */
  constructor(message: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    this.#message = message
    this.#response = response
    this.#continuePending = expectsContinue
  }

  /** Whether the client still waits to be asked for the body. */
  get unasked(): boolean {
    return this.#continuePending
  }

  /** Whether all of it has arrived. */
  get complete(): boolean {
    return this.#message.complete && this.#message.readableEnded
  }

  /**
   * The body. May be left early and taken up again by another call.
   * @throws ConnectionGone when the client goes away or a fault cuts the connection
   */
  async *chunks(): AsyncGenerator<Buffer> {
    if (this.#continuePending) {
      this.#continuePending = false
      this.#response.writeContinue()
    }
    this.#cutIfDue()
    if (this.#message.readableEnded) return
    const source = this.#message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
    const iterator = source[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#next(iterator)
        if (next === undefined) return
        this.received += next.length
        this.#cutIfDue()
        yield next
      }
    } finally {
      await iterator.return?.()
    }
  }

  /** Reads what is left and throws it away; false when more than `limit` bytes came and reading was given up. */
  async discard(limit: number): Promise<boolean> {
    let left = limit
    for await (const chunk of this.chunks()) {
      left -= chunk.length
      if (left < 0) return false
    }
    return true
  }

  async #next(iterator: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
    try {
      const next = await iterator.next()
      return next.done === true ? undefined : next.value
    } catch (cause) {
      throw new ConnectionGone('The client went away within the body', { cause })
    }
  }

  #cutIfDue(): void {
    if (this.cutAfter === undefined || this.received < this.cutAfter) return
    cutConnection(this.#message)
    throw new ConnectionGone('A fault cut the connection within the body')
  }
}
