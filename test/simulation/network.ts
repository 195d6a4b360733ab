import { S3Error } from '../../src/s3/errors.js'
import type { Random } from '../manifest/random.js'

import type { Process } from './process.js'
import type { Scheduler } from './scheduler.js'

/** How the bucket's server behaves: well; slowly; requests fail; answers are lost after they took effect; all is refused. */
export type Weather = 'fair' | 'slow' | 'failing' | 'lossy' | 'refused'

/** The way to the bucket, and back. */
export class Network {
  weather: Weather = 'fair'
  /** Operations that are refused in any weather. */
  readonly refused = new Set<string>()
  /** How much longer an operation takes in any weather, ms. */
  readonly delays = new Map<string, number>()
  /** Requests that were sent. */
  requests = 0
  readonly #time: Scheduler
  readonly #random: Random

  constructor(time: Scheduler, random: Random) {
    this.#time = time
    this.#random = random
  }

  /** Sends a request. @param effect what the server does and answers, at one instant */
  call<T>(process: Process, operation: string, effect: () => T): Promise<T> {
    this.requests++
    const random = this.#random
    const usual = this.weather === 'slow' ? 1 + random.next() * 20_000 : 2 + random.next() * 30
    const slow = usual + (this.delays.get(operation) ?? 0)
    const way = slow * random.next()
    const fate = this.refused.has(operation) ? 'refused' : this.#fate()
    return new Promise<T>((resolve, reject) => {
      this.#time.after(way, () => {
        // What is under way when the process is killed arrives, or does not.
        const arrives = fate !== 'unsent' && (process.isAlive || random.chance(0.5))
        let answer: () => void = () => reject(failure(operation, 500))
        if (fate === 'refused') answer = () => reject(failure(operation, 403))
        else if (arrives) {
          try {
            const result = effect()
            if (fate === 'sent') answer = () => resolve(result)
          } catch (error) {
            answer = () => reject(error instanceof Error ? error : new Error(String(error)))
          }
        }
        this.#time.after(slow - way, () => process.post(answer))
      })
    })
  }

  #fate(): 'sent' | 'unsent' | 'lost' | 'refused' {
    const random = this.#random
    if (this.weather === 'refused') return 'refused'
    if (this.weather === 'failing') return random.chance(0.6) ? 'unsent' : 'sent'
    if (this.weather === 'lossy') return random.chance(0.5) ? 'lost' : 'sent'
    return 'sent'
  }
}

/** @param status 403, 404, 412, 500 */
export function failure(operation: string, status: number): S3Error {
  return new S3Error({
    asked: { operation },
    answer: {
      status,
      s3Code: status === 412 ? 'PreconditionFailed' : status === 403 ? 'AccessDenied' : 'InternalError',
    },
    message: `simulated ${status}`,
    follows: { retry: status >= 500 },
  })
}
