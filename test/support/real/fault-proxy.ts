import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  Agent,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Random } from '../../manifest/random.js'

/** The faults of a {@link FaultProxy}. */
export type Fault =
  | 'none'
  | 'unavailable'
  | 'reset'
  | 'late reset'
  | 'stall'
  | 'stalled answer'
  | 'truncated answer'
  | 'slow link'

/** How often each comes, in a thousand requests; the rest have none. */
const PER_MILLE: Readonly<Partial<Record<Fault, number>>> = {
  unavailable: 50,
  reset: 10,
  'late reset': 10,
  stall: 5,
  'stalled answer': 5,
  'truncated answer': 10,
  'slow link': 20,
}

/** Bytes per second of a slow link. */
const SLOW = 200_000

const BUSY =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>'

/** A network between a client and an S3 server that loses connections, answers and time. */
export class FaultProxy {
  /** How often each fault came. */
  readonly counts = new Map<Fault | 'outage', number>()
  readonly endpoint: string
  /** Whether there are faults. */
  isFaulty = true
  readonly #agent = new Agent({ keepAlive: true })
  readonly #sockets = new Set<Socket>()
  #isAway = false

  private constructor(
    readonly server: Server,
    readonly target: URL,
    readonly random: Random,
  ) {
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', socket => {
      socket.on('error', () => undefined)
      if (this.#isAway) socket.resetAndDestroy()
      else this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)))
    })
    server.on('request', (request, response) => {
      const { socket } = request
      this.#serve(request, response).catch(() => socket.destroy())
    })
  }

  /** Listens on a port of its own. @param target `http://host:port` */
  static async start(target: string, random: Random): Promise<FaultProxy> {
    const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultProxy(server, new URL(target), random)
  }

  /** Resets every connection, and new ones, for a time. @param time ms */
  async outage(time: number): Promise<void> {
    this.#count('outage')
    this.#isAway = true
    this.#drop()
    await sleep(time)
    this.#isAway = false
  }

  close(): void {
    this.server.close()
    this.#drop()
    this.#agent.destroy()
  }

  #drop(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  #count(fault: Fault | 'outage'): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1)
  }

  #fault(): Fault {
    if (!this.isFaulty) return 'none'
    let drawn = this.random.below(1000)
    for (const [fault, share] of Object.entries(PER_MILLE)) {
      if (drawn < share) return fault as Fault
      drawn -= share
    }
    return 'none'
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#fault()
    this.#count(fault)
    if (fault === 'unavailable') {
      request.resume()
      response.writeHead(503, { 'Content-Length': BUSY.length, 'Content-Type': 'application/xml' }).end(BUSY)
    } else if (fault === 'reset') {
      const isEmpty = request.headers['content-length'] === undefined
      if (isEmpty) request.socket.resetAndDestroy()
      else request.once('data', () => request.socket.resetAndDestroy())
    } else if (fault !== 'stall') {
      // One that stalls is accepted, and nothing happens.
      await this.#forward(request, response, fault)
    }
  }

  async #forward(request: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
    const { hostname, port } = this.target
    const { method, url, rawHeaders } = request
    const upstream = httpRequest({
      hostname,
      port,
      method,
      path: url,
      headers: rawHeaders,
      agent: this.#agent,
      setHost: false,
    })
    const { socket } = request
    response.once('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    upstream.on('error', () => socket.destroy())
    const answered = once(upstream, 'response') as Promise<[IncomingMessage]>
    // It may be refused while the body is on its way.
    answered.catch(() => undefined)
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (fault === 'slow link') await sleep((chunk.length / SLOW) * 1000)
      if (!upstream.write(chunk)) await once(upstream, 'drain')
    }
    upstream.end()
    const [answer] = await answered
    // The server has done what it was asked for, and the client never hears of it.
    if (fault === 'late reset') {
      answer.resume()
      socket.resetAndDestroy()
      return
    }
    response.writeHead(answer.statusCode ?? 500, answer.rawHeaders)
    const body = await buffer(answer)
    if (fault === 'truncated answer' || fault === 'stalled answer') {
      response.flushHeaders()
      if (body.length > 1) response.write(body.subarray(0, body.length >> 1))
      else if (method === 'HEAD' || body.length === 0) {
        response.end(body)
        return
      }
      if (fault === 'truncated answer') setTimeout(() => socket.destroy(), 20)
      return
    }
    response.end(body)
  }
}
