import type { Logger } from '../report/logger.js'
import type { RequestCount } from '../s3/request-counts.js'

import type { Traffic } from './traffic.js'

/** Takes in what all threads see of the server, and tells the operator once that it cannot be reached, and once that it is back. */
export class ServerWatch {
  readonly #traffic: Traffic
  readonly #log: Logger
  readonly #patience: string

  /** @param patience how long tablesnap keeps trying, for the log */
  constructor(traffic: Traffic, log: Logger, patience: string) {
    this.#traffic = traffic
    this.#log = log
    this.#patience = patience
  }

  onNote(text: string): void {
    this.#log.warn(text)
  }

  onSilence(message: string, length: number): void {
    if (this.#traffic.server.silent(message, length))
      this.#log.warn(`The server cannot be reached; tablesnap keeps trying ${this.#patience}. ${message}`, {
        event: 'outage',
        isReachable: false,
        milliseconds: Math.round(length),
        error: message,
      })
  }

  onReturn(length: number): void {
    if (this.#traffic.server.returned())
      this.#log.info(`The server answers again, after ${Math.round(length / 1000)} s`, {
        event: 'outage',
        isReachable: true,
        milliseconds: Math.round(length),
      })
  }

  onRetry(pause: number): void {
    this.#traffic.server.retried(pause)
  }

  onRequests(counts: readonly RequestCount[]): void {
    this.#traffic.server.asked(counts)
  }

  onSent(bytes: number): void {
    this.#traffic.activity.sent(bytes)
  }
}
