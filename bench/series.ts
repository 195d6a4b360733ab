import { rmSync } from 'node:fs'

import type { Client, Task } from './clients/client.js'
import { BenchFailure } from './failure.js'
import { cpu, type Sample, type Site } from './site.js'

/** One thing to do for every client, such as uploading one of several files. */
export interface Step {
  readonly name: string
  readonly task: Task
  readonly source: string
  /** Bytes that have to go over the wire. */
  readonly bytes: number
  readonly signed?: boolean
  /** The node's name, where not all of what was uploaded is restored. */
  readonly node?: string
  /** Whether each client has keys of its own, also apart from its other variants. */
  readonly apart?: boolean
  /** Done before each run, outside the measurement. */
  readonly before?: () => Promise<void>
}

/** All runs of one client, by the steps' names; the samples of run i are at [i]. */
export interface Series {
  readonly client: Client
  readonly samples: ReadonlyMap<string, readonly Sample[]>
}

/** Says what is going on. */
export type Progress = (line: string) => void

/**
 * Runs every client through every step, `runs` times. Clients take turns (A B C A B C), so that a machine which slows down
 * slows all of them. A client that cannot do a step, or fails, is left out from then on, and named in the notes.
 * @throws BenchFailure when tablesnap itself fails
 */
export async function measure(
  site: Site,
  clients: readonly Client[],
  steps: readonly Step[],
  runs: number,
  say: Progress,
): Promise<{ series: Series[]; notes: string[] }> {
  const notes: string[] = []
  const left = new Map(clients.map(client => [client, new Map<string, Sample[]>()]))
  for (let run = 1; run <= runs; run++) {
    for (const [client, samples] of left) {
      for (const step of steps) {
        try {
          const sample = await once(
            site,
            client,
            step,
            `${client.name} ${client.variant}/`.replace(/\W+(?=.)/g, '-'),
          )
          if (sample === undefined) {
            left.delete(client)
            break
          }
          say(
            `${run}/${runs} ${client.name} (${client.variant}), ${step.name}: ${cpu(sample).toFixed(2)} CPU-s`,
          )
          samples.set(step.name, [...(samples.get(step.name) ?? []), sample])
        } catch (error) {
          if (!(error instanceof BenchFailure) || client.name === 'tablesnap') throw error
          notes.push(`${client.name} (${client.variant}) failed: ${error.message.slice(-600)}`)
          left.delete(client)
          break
        }
      }
    }
  }
  return { series: [...left].map(([client, samples]) => ({ client, samples })), notes }
}

async function once(site: Site, client: Client, step: Step, own: string): Promise<Sample | undefined> {
  await step.before?.()
  const job = site.job(step.source, step.apart === true ? { ...step, prefix: own } : step)
  try {
    return await site.run(client, step.task, job, step.bytes)
  } finally {
    // What was restored must not crowd the next file out of the page cache.
    rmSync(job.into, { recursive: true, force: true })
  }
}
