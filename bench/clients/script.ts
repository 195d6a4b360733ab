import { join } from 'node:path'

import { SOURCE } from '../places.js'
import { CONCURRENCY, DEFAULTS, OURS, environment, ownKey, type Client, type Task } from './client.js'

/**
 * Peers that are libraries: a script of bench/peers/ does the job that it gets as JSON in its last argument.
 * @param program the interpreter
 * @param file the script's name
 * @param tasks what it can do
 */
export function scriptClients(name: string, program: string, file: string, tasks: readonly Task[]): Client[] {
  return [DEFAULTS, OURS].map(variant => ({
    name,
    variant,
    command(task, job) {
      if (!tasks.includes(task)) return undefined
      const { endpoint, bucket, region, ca } = job.target
      const request = {
        task,
        endpoint,
        bucket,
        region,
        ca,
        source: job.source,
        into: job.into,
        signed: job.signed,
        prefix: `${job.prefix}${name.replace(/\W+/g, '-')}/`,
        key: ownKey(job),
        ...(variant === OURS ? CONCURRENCY : {}),
      }
      return { argv: [program, join(SOURCE, 'peers', file), JSON.stringify(request)], env: environment(job) }
    },
  }))
}
