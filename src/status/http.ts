import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

import { errorMessage } from '../errors.js'
import type { Logger } from '../report/logger.js'

import type { StatusCollector } from './collector.js'
import { Metrics } from './metrics.js'
import { PAGE_POLICY, pageOf } from './page.js'
import type { Status } from './status.js'
import type { Traffic } from './traffic.js'
import { healthOf } from './verdict.js'

/** Who may be connected at once: Prometheus, a probe, some people. */
const CONNECTIONS = 32

/** How long a request, and a reader of an answer, may take, ms. */
const PATIENCE = 10_000

/** How often an address that is taken is tried again, ms. */
const AGAIN = 30_000

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** What is sent. */
interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const TEXT = 'text/plain; charset=utf-8'

/** Serves /metrics, /healthz, /status.json and the page. However many ask, each is made once for each status, and that once a second. */
export class StatusServer {
  readonly #collector: StatusCollector
  readonly #metrics: Metrics
  readonly #address: ListenAddress
  readonly #log: Logger
  readonly #server: Server
  readonly #answers = new WeakMap<Status, Map<string, Promise<Answer>>>()
  #timer: NodeJS.Timeout | undefined
  #hasFailed = false

  constructor(collector: StatusCollector, traffic: Traffic, address: ListenAddress, log: Logger) {
    this.#collector = collector
    this.#metrics = new Metrics(traffic)
    this.#address = address
    this.#log = log
    this.#server = createServer(
      { requestTimeout: PATIENCE, headersTimeout: PATIENCE, keepAliveTimeout: PATIENCE, maxHeaderSize: 8192 },
      (request, response) => void this.#serve(request, response),
    )
    this.#server.maxConnections = CONNECTIONS
    this.#server.setTimeout(PATIENCE * 2)
    this.#server.on('clientError', (_, socket) => socket.destroy())
    this.#server.on('error', error => this.#failed(error))
    this.#server.on('listening', () => this.#listening())
  }

  /** Begins to listen. An address that is taken is an error in the log, and tried again: the backup goes on. */
  start(): void {
    const { host, port } = this.#address
    this.#server.listen({ host, port })
    this.#server.unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #listening(): void {
    this.#hasFailed = false
    const address = this.#server.address()
    if (address === null || typeof address === 'string') return
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    this.#log.info(`Metrics and the status page are on http://${host}:${address.port}/`)
  }

  #failed(error: Error): void {
    if (!this.#hasFailed)
      this.#log.error(
        `--metrics-listen: ${errorMessage(error)}; tablesnap goes on without metrics and tries again every ${AGAIN / 1000} s`,
      )
    this.#hasFailed = true
    this.#timer = setTimeout(() => this.start(), AGAIN).unref()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    const { method = '', url = '' } = request
    const [path = ''] = url.split('?')
    try {
      const answer =
        method === 'GET' || method === 'HEAD'
          ? await this.#answer(path)
          : { status: 405, type: TEXT, body: 'GET only\n' }
      response.writeHead(answer.status, {
        'content-type': answer.type,
        'content-length': Buffer.byteLength(answer.body),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': PAGE_POLICY,
        ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
      })
      response.end(method === 'HEAD' ? undefined : answer.body)
    } catch (error) {
      this.#log.debug(`--metrics-listen: ${errorMessage(error)}`)
      response.destroy()
    }
  }

  #answer(path: string): Promise<Answer> {
    const status = this.#collector.recent
    let answers = this.#answers.get(status)
    if (answers === undefined) this.#answers.set(status, (answers = new Map<string, Promise<Answer>>()))
    let answer = answers.get(path)
    if (answer !== undefined) return answer
    answer = this.#make(path, status)
    // Of paths that do not exist there are many.
    if (['/', '/metrics', '/healthz', '/status.json'].includes(path)) answers.set(path, answer)
    return answer
  }

  async #make(path: string, status: Status): Promise<Answer> {
    switch (path) {
      case '/':
        return { status: 200, type: 'text/html; charset=utf-8', body: pageOf(status) }
      case '/metrics':
        return { status: 200, type: this.#metrics.contentType, body: await this.#metrics.text(status) }
      case '/status.json':
        return { status: 200, type: 'application/json', body: `${JSON.stringify(status)}\n` }
      case '/healthz': {
        const reasons = healthOf(status)
        const body = reasons.length === 0 ? 'ok\n' : `${reasons.join('\n')}\n`
        return { status: reasons.length === 0 ? 200 : 503, type: TEXT, body }
      }
      default:
        return {
          status: 404,
          type: TEXT,
          body: 'not found: /, /metrics, /healthz and /status.json are there\n',
        }
    }
  }
}
